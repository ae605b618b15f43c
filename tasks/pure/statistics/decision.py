"""Does an arm help? Student's paired t interval over the seeds, at looks that were planned before.

- **helps**: the interval lies above 0; **hurts**: below it; **no difference**: inside ± margin; **go on**: none of
  these, and looks are left; **undecided**: none of these at the last look, or fewer than five seeds.
- What a look decides stands: seeds after it change nothing (`judge` walks the looks in order).

How often it is wrong. Without a difference, "helps" or "hurts" comes in at most `looks.TOTAL` of the studies. "No
difference" is looked for at every look too, which cannot add up to more: with the truth at the margin or beyond, a
look's interval lies wholly on the near side of it with probability alpha ÷ 2 at most (two one-sided tests, Schuirmann
1987, here at alpha ÷ 2 each), over all looks half of `TOTAL`. Both hold where the differences are normal, and
nearly so for symmetrical ones; not for skewed ones (`seed_table.py` warns). `tests/benchmarks/study_errors.py` counts.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from tasks.pure.errors import BadData
from tasks.pure.statistics.looks import FEWEST, Look

Word = Literal["helps", "hurts", "no difference", "go on", "undecided"]

POWER = 0.8
"""Chance of a decision for which `seeds_needed` asks."""

MOST_NEEDED = 1000
"""Where `seeds_needed` stops counting."""

DECIMALS = 12
"""Differences are of shares of images: what is smaller than this is rounding in binary, and no difference."""


@dataclass(frozen=True)
class Decision:
    """What a look says.

    Attributes:
        word: see the module.
        look: the look that it is of; `look.seeds` were planned.
        seeds: that many first seeds went into it (fewer than planned where the first look is not reached yet).
        mean: of the differences, in shares (.01 is a point), like all that follow.
        low, high: ends of the interval with coverage 1 − `look.alpha`; None with one seed.
        deviation: standard deviation between seeds (n − 1); None with one seed.
        within: whether the interval lies inside ± margin: a difference that is sure may still be too small to matter.
        more: about how many seeds more it would take (`seeds_needed`); None where decided, or where it goes on.
    """

    word: Word
    look: Look
    seeds: int
    mean: float
    low: float | None
    high: float | None
    deviation: float | None
    within: bool
    more: int | None = None

    @property
    def final(self) -> bool:
        """Whether no further seed of this study is asked for."""
        return self.word != "go on"


def judge(
    differences: Sequence[float] | np.ndarray, looks: Sequence[Look], margin: float, step: float = 0.0
) -> Decision:
    """The decision of the first look that decides; else of the last one that is reached.

    Args:
        differences: (n,) of the seeds in their planned order, arm less reference, in shares. May be fewer than planned
            ("go on") or more (the rest says nothing).
        looks: as planned, in order (`planned_looks`).
        margin: what counts as no difference, in shares, such as .01.
        step: the smallest difference that the test split can show, 1 ÷ its images (`interval`).

    Raises:
        BadData: no differences, or such as are not finite; no looks; a negative margin or step.
    """
    values = checked(differences)
    _check(looks, margin, step)
    found = decide(values[: looks[0].seeds], looks[0], margin, step)
    for look in looks[1:]:
        if found.final or len(values) < look.seeds:
            break
        found = decide(values[: look.seeds], look, margin, step)
    if found.word == "go on" and found.seeds == looks[-1].seeds:
        return _undecided(found, margin, step)
    return found


def decide(differences: np.ndarray, look: Look, margin: float, step: float = 0.0) -> Decision:
    """What one look at these differences (n,) says: never "undecided", since it knows no other look."""
    low, high, deviation = interval(differences, look.alpha, step)
    word: Word = "go on"
    within = low is not None and high is not None and -margin <= low and high <= margin
    if low is not None and high is not None and len(differences) >= max(look.seeds, FEWEST):
        word = worded(low, high, margin)
    return Decision(word, look, len(differences), float(differences.mean()), low, high, deviation, within)


def worded(low: float, high: float, margin: float) -> Word:
    """The word for an interval. One above 0 and within the margin helps, if little (`Decision.within`)."""
    if low > 0:
        return "helps"
    if high < 0:
        return "hurts"
    return "no difference" if -margin <= low and high <= margin else "go on"


def interval(
    differences: np.ndarray, alpha: float, step: float = 0.0
) -> tuple[float, float, float] | tuple[None, None, None]:
    """Student's interval with coverage 1 − alpha, and the standard deviation; Nones with one difference.

    Where nearly all seeds show the same difference the spread says less than it seems to: on 20 images a difference
    moves in steps of .05, and five seeds at 0 do not exclude that two in three are a step away. So the interval reaches
    at least one step times the share of seeds that may be away unseen (`unseen`) to either side. With `step` 0 seeds
    that are all equal give one point.
    """
    # SciPy's bare function: `scipy.stats.t.ppf` is the same number fifty times slower.
    from scipy.special import stdtrit

    number = len(differences)
    if number < 2:
        return None, None, None
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    half = float(stdtrit(number - 1, 1 - alpha / 2)) * deviation / math.sqrt(number)
    half = max(half, step * unseen(number, alpha))
    return mean - half, mean + half, deviation


def unseen(number: int, alpha: float) -> float:
    """The largest share of which none may be met in `number` draws: 1 − (alpha ÷ 2)^(1 ÷ number), the exact binomial
    bound for a count of 0 (Clopper and Pearson 1934; at 95 %, one-sided, about 3 ÷ number: the "rule of three")."""
    return float(1 - (alpha / 2) ** (1 / number))


def seeds_needed(mean: float, deviation: float, alpha: float, margin: float, step: float = 0.0) -> int:
    """About how many seeds in all a look at `alpha` needs to decide, 5 … `MOST_NEEDED` (that many, or more).

    The fewest n for which either holds, with t(p) the quantile of Student's t at n − 1 degrees of freedom:
    (t(1 − alpha ÷ 2) + t(.8)) · deviation ÷ √n is at most |mean| (it would help or hurt) or margin − |mean| (no
    difference), so that four in five studies with this mean and deviation end; or half the interval is at most half
    the margin, where it ends whatever the mean. It is a guess: mean and deviation are the seeds' own, which few seeds
    know badly. And it is a look more: added to a study that has spent its error, it adds its alpha. A new study of so
    many fresh seeds with one look does not.
    `step` is as in `interval`.
    """
    from scipy.special import stdtrit

    away = max(abs(mean), margin - abs(mean))

    def enough(number: int) -> bool:
        error = deviation / math.sqrt(number)
        half = max(float(stdtrit(number - 1, 1 - alpha / 2)) * error, step * unseen(number, alpha))
        return half + float(stdtrit(number - 1, POWER)) * error <= away or half <= margin / 2

    # More seeds never make an interval wider, so halving finds the fewest.
    return FEWEST + bisect_left(range(FEWEST, MOST_NEEDED), True, key=enough)


def checked(differences: Sequence[float] | np.ndarray) -> np.ndarray:
    """(n,) float64, without the rounding of binary fractions (.3 − .2 − .1 is 0)."""
    values = np.asarray(differences, np.float64)
    if values.ndim != 1 or not values.size:
        raise BadData(f"Expected one difference a seed, at least one, found shape {values.shape}. Run a seed first.")
    missing = np.flatnonzero(~np.isfinite(values))
    if missing.size:
        raise BadData(
            f"Expected a finite difference for every seed, found {values[missing[0]]} at place {missing[0]} of "
            f"{values.size}. A seed that is left out because a training failed makes its arm look better: give a "
            f"diverged run the accuracy of its network, or of the constant answer."
        )
    return values.round(DECIMALS)


def _check(looks: Sequence[Look], margin: float, step: float) -> None:
    if not looks:
        raise BadData("Expected at least one planned look, found none. `planned_looks()` plans them.")
    if not (0 <= margin < math.inf and 0 <= step < math.inf):
        raise BadData(f"Expected margin and step as shares of at least 0, found {margin} and {step}. One point is .01.")


def _undecided(found: Decision, margin: float, step: float) -> Decision:
    more = FEWEST - found.seeds
    if found.deviation is not None and found.look.judges:
        more = seeds_needed(found.mean, found.deviation, found.look.alpha, margin, step) - found.seeds
    return replace(found, word="undecided", more=max(more, 1))
