"""When a study is looked at, and how much of its error each look may spend: planned before the first run.

Who looks after every seed and stops as soon as something shows is wrong in a quarter of the studies in which there is
nothing to find (`tests/benchmarks/study_errors.py`). So the looks are few, and each spends a part of the 5 %: by
Bonferroni's inequality the errors of all looks together are at most the sum of the parts, however the looks depend on
each other (group-sequential testing; Lan and DeMets, Discrete sequential boundaries for clinical trials, 1983).
"""

from dataclasses import dataclass

from tasks.pure.errors import BadData

FEWEST = 5
"""Seeds below which there are figures and never a verdict."""

TOTAL = 0.05
"""Share of studies without a difference that may end in "helps" or "hurts"."""

LOOKS = ((5, 0.005), (10, 0.01), (20, 0.015), (40, 0.02))
"""Seeds, and the share of studies that may go wrong at this look. The shares sum to `TOTAL`."""

MOST = LOOKS[-1][0]
"""Seeds after which the error is spent."""


@dataclass(frozen=True)
class Look:
    """At so many seeds, with an interval that misses the truth in a share `alpha` of the studies (two-sided)."""

    seeds: int
    alpha: float

    @property
    def judges(self) -> bool:
        """Whether a verdict may come of it."""
        return self.seeds >= FEWEST


def planned_looks(*, budget: int = MOST, seeds: int | None = None, comparisons: int = 1) -> tuple[Look, ...]:
    """The looks of a study, in order.

    With `seeds` there is one, and it spends all. With a `budget`, those of `LOOKS` up to it; a budget between two
    looks ends in a look that spends the part of the next one's share that it has come along (30 seeds: half of .02),
    so that a smaller budget never spends more. A budget of 5, 10 or 20 may be raised to the next look without spending
    more than `TOTAL`; one between two looks spends its last look once more.

    Under five seeds there is one look, of which no verdict comes (`Look.judges`).

    Args:
        budget: the most seeds, 1 … 40. After that the error is spent: more seeds are another study (`seeds`).
        seeds: one look at exactly so many; `budget` says nothing then.
        comparisons: how many arms are compared with the reference, each of which may go wrong: shares are divided by
            it (Bonferroni).

    Raises:
        BadData: no seeds, no comparison, or a budget above 40.
    """
    if comparisons < 1:
        raise BadData(f"Expected at least one comparison, found {comparisons}. Name two arms or more.")
    if seeds is not None:
        if seeds < 1:
            raise BadData(f"Expected at least one seed, found {seeds}. A verdict needs {FEWEST}.")
        return (Look(seeds, TOTAL / comparisons),)
    if not 1 <= budget <= MOST:
        raise BadData(
            f"Expected a budget of 1 to {MOST} seeds, found {budget}. At {MOST} the error of {TOTAL:.0%} is spent; "
            f"for more seeds plan one look at all of them with `seeds` (`--seeds {max(budget, FEWEST)}`)."
        )
    return tuple(Look(at, share / comparisons) for at, share in _shares(budget))


def _shares(budget: int) -> list[tuple[int, float]]:
    before = [(at, share) for at, share in LOOKS if at <= budget]
    reached = before[-1][0] if before else 0
    if reached == budget:
        return before
    following, share = LOOKS[len(before)]
    return [*before, (budget, share * (budget - reached) / (following - reached))]
