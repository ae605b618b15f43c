"""In which rounds a sweep goes on: all combinations at all seeds, or by successive halving.

Halving (Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016)
gives all a little, and only the best of those more: here all one seed, the best third three, the best of them five.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from artifacts.errors import UsageError
from tasks.pure.page_content import seeds_told

DEFAULT = 3  # seeds of a sweep without halving
SEEDS = (1, 3, 5)
KEPT = 3  # of so many, one goes on after the first round
FEWEST = KEPT + 1  # with fewer, one seed alone would choose


@dataclass(frozen=True)
class Round:
    """How many combinations are tried, each with the seeds 0 … `seeds` − 1."""

    combinations: int
    seeds: int


def planned(combinations: int, seeds: int, halving: bool) -> tuple[Round, ...]:
    """The rounds of a sweep, all known before the first.

    Args:
        seeds: of a sweep without halving.

    Raises:
        UsageError: too few combinations to halve.
    """
    if not halving:
        return (Round(combinations, seeds),)
    if combinations < FEWEST:
        raise UsageError(
            f"`--halving`: expected {FEWEST} combinations or more, found {combinations}: one seed would choose. "
            "Leave it out."
        )
    return tuple(map(Round, (combinations, ceil(combinations / KEPT), 1), SEEDS))


def in_words(rounds: Sequence[Round]) -> str:
    """ "12 combinations at 1 seed, the best 4 at 3, the best at 5"."""
    first, *others = rounds
    told = [f"{first.combinations} combinations at {seeds_told(first.seeds)}"]
    best = (f"the best {each.combinations if each.combinations > 1 else ''}".strip() for each in others)
    return ", ".join([*told, *(f"{who} at {each.seeds}" for who, each in zip(best, others, strict=True))])
