"""How sure a share of right answers is, even where all of them are right."""

from typing import NamedTuple

from tasks.pure.errors import BadData


class Proportion(NamedTuple):
    """A share and the ends of its interval, all 0 … 1."""

    share: float
    low: float
    high: float


def proportion(count: int, total: int, confidence: float = 0.95) -> Proportion:
    """Wilson's score interval (1927; scipy.stats.binomtest) for `count` of `total`.

    Unlike the bootstrap and Wald's interval it is no single point where all answers are right: 200 of 200 gives
    .981 … 1. Its coverage is near the nominal one for few and for extreme counts (Newcombe 1998).

    Raises:
        BadData: no answers at all, more right ones than answers, or a confidence that is none.
    """
    from scipy.stats import binomtest

    if not 0 <= count <= total or total < 1 or not 0 < confidence < 1:
        raise BadData(
            f"Expected a count of 0 … total, at least one in all, and a confidence between 0 and 1: found {count} of "
            f"{total}, {confidence}. Count the right answers of at least one image."
        )
    interval = binomtest(count, total).proportion_ci(confidence, method="wilson")
    return Proportion(count / total, float(interval.low), float(interval.high))
