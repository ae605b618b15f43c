"""How many labels transfer saves: how many training from scratch needs for what transfer reaches with the fewest.

Data efficiency in the sense of the learning curves of Houlsby et al. (Parameter-efficient transfer learning, 2019) and
of "effective data transferred" (Hernandez et al., Scaling laws for transfer, 2021), read off the measured points alone:
no law is fitted, and nothing is said beyond the last point.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tasks.pure.errors import BadData
from tasks.pure.session import derive

DRAWS = 2000
COVERAGE = 0.95


@dataclass(frozen=True)
class LabelsSaved:
    """What was read off.

    Attributes:
        fewest: the fewest labels that both were tried with.
        accuracy: of transfer with so few, 0 … 1.
        needed: labels with which the other reaches it, ≥ `fewest`; None: more than `most`.
        most: the most labels that the other was tried with.
        low, high: between these `needed` lies in 95 % of the draws of seeds; None: more than `most`. With five seeds
            such an interval is too narrow: it is to be read as "at least so uncertain".
        draws: whether there were seeds to draw, two or more; else `low` and `high` are `needed`.
    """

    fewest: int
    accuracy: float
    needed: float | None
    most: int
    low: float | None
    high: float | None
    draws: bool

    @property
    def saved(self) -> float | None:
        """Labels; 0 where the other needs no more; None where it is more than `most` − `fewest`."""
        return None if self.needed is None else self.needed - self.fewest


def labels_saved(
    transfer: Mapping[int, Sequence[float]], other: Mapping[int, Sequence[float]], seed: int = 0
) -> LabelsSaved | None:
    """Read the labels that are saved off two learning curves; None where they share no number of labels, or one only.

    The other's curve is drawn straight between its mean accuracies over the logarithm of the number of labels. Where
    it crosses transfer's accuracy more than once, the first crossing counts: the one that flatters transfer least.

    Args:
        transfer, other: number of labels → (n,) accuracy by seed, 0 … 1, the same seeds everywhere.
        seed: of the draws of seeds, which are drawn whole, for both curves together (percentile bootstrap, Efron and
            Tibshirani 1993).

    Raises:
        BadData: numbers of seeds differ, or there are none.
    """
    shared = sorted(transfer.keys() & other.keys())
    if len(shared) < 2:
        return None
    fewest, numbers = shared[0], sorted(number for number in other if number >= shared[0])
    ours, theirs = _table({fewest: transfer[fewest]}), _table({number: other[number] for number in numbers})
    if ours.shape[1] != theirs.shape[1]:
        raise BadData(f"Expected the same seeds in both curves, found {ours.shape[1]} and {theirs.shape[1]}.")
    accuracy = float(ours[0].mean())
    needed = crossing(numbers, theirs.mean(axis=1), accuracy)
    low, high = _range(numbers, ours[0], theirs, seed)
    return LabelsSaved(fewest, accuracy, _known(needed), numbers[-1], _known(low), _known(high), ours.shape[1] > 1)


def crossing(numbers: Sequence[int], accuracies: np.ndarray, wanted: float) -> float:
    """The number of labels at which a curve first reaches `wanted`; infinite where it never does.

    Args:
        numbers: of labels, ascending, ≥ 1.
        accuracies: one a number.
    """
    if accuracies[0] >= wanted:
        return float(numbers[0])
    for place, (fewer, more) in enumerate(pairwise(numbers)):
        before, after = float(accuracies[place]), float(accuracies[place + 1])
        if after >= wanted:
            share = (wanted - before) / (after - before)
            return math.exp(math.log(fewer) + share * (math.log(more) - math.log(fewer)))
    return math.inf


def _range(numbers: Sequence[int], ours: np.ndarray, theirs: np.ndarray, seed: int) -> tuple[float, float]:
    """Of the crossing over draws of seeds. Quantiles are draws themselves, since infinity has no middle to anything."""
    drawn = np.random.default_rng(derive(seed, "labels saved")).integers(0, len(ours), (DRAWS, len(ours)))
    found = sorted(crossing(numbers, theirs[:, seeds].mean(axis=1), float(ours[seeds].mean())) for seeds in drawn)
    out = int(DRAWS * (1 - COVERAGE) / 2)
    return found[out], found[-1 - out]


def _table(curve: Mapping[int, Sequence[float]]) -> np.ndarray:
    """(numbers, seeds) float64."""
    sizes = sorted({len(values) for values in curve.values()})
    if len(sizes) != 1 or sizes[0] < 1:
        raise BadData(f"Expected the same seeds for every number of labels, at least one, found {sizes} of them.")
    return np.array([curve[number] for number in sorted(curve)], np.float64)


def _known(number: float) -> float | None:
    return None if math.isinf(number) else number
