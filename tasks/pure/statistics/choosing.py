"""The best of several by their mean over seeds, and what is as good as it within the noise.

The rule of one standard error (Breiman et al., Classification and Regression Trees, 1984, section 3.4.3): of all that
is no further behind the best than one standard error, the cheapest is taken. Here every candidate saw the same seeds,
so the standard error is that of the paired difference to the best: what a seed's labels do to all alike is no noise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Any, TypeVar

K = TypeVar("K")
_SAME = 1e-9  # of two means of the same shares, summed in another order


@dataclass(frozen=True)
class Standing:
    """How a candidate stands to the best.

    Attributes:
        mean: over its seeds.
        error: standard error of that; None of one seed.
        behind: mean of best less this one, on the seeds that both have.
        noise: standard error of that difference; None of one seed.
        tied: whether it is among the best: as many seeds as the best, and no further behind than `noise`.
    """

    mean: float
    error: float | None
    behind: float
    noise: float | None
    tied: bool


def standings(values: Mapping[K, Sequence[float]]) -> dict[K, Standing]:
    """Where each stands.

    Args:
        values: by candidate, one a seed, larger is better; the first seeds are the same ones in all. Those with fewer
            seeds than others were given up on the way: they are compared, but are neither the best nor tied with it.
    """
    most = max(len(each) for each in values.values())
    best = max((key for key in values if len(values[key]) == most), key=lambda key: fmean(values[key]))
    return {key: _standing(each, values[best]) for key, each in values.items()}


def chosen(values: Mapping[K, Sequence[float]], cost: Callable[[K], Any]) -> K:
    """The cheapest of those tied with the best; of equally cheap ones the best, of equally good ones the first."""
    stands = standings(values)
    return min((key for key in values if stands[key].tied), key=lambda key: (cost(key), -stands[key].mean))


def ranked(values: Mapping[K, Sequence[float]], cost: Callable[[K], Any]) -> list[K]:
    """The best mean first; of equal ones the cheaper first, then as they came."""
    return sorted(values, key=lambda key: (-round(fmean(values[key]), 9), cost(key)))


def standard_error(values: Sequence[float]) -> float | None:
    """Of the mean; None of one value."""
    return stdev(values) / sqrt(len(values)) if len(values) > 1 else None


def _standing(values: Sequence[float], best: Sequence[float]) -> Standing:
    differences = [one - other for one, other in zip(best, values, strict=False)]
    behind, noise = fmean(differences), standard_error(differences)
    tied = len(values) == len(best) and behind <= (noise or 0.0) + _SAME
    return Standing(fmean(values), standard_error(values), behind, noise, tied)
