"""How often a study is wrong, in 1,000 simulated ones that are judged by the code that judges the real ones.

Bounds are those that a binomial count of 1,000 passes once in a thousand. `tests/benchmarks/study_errors.py` counts
20,000 of each.
"""

from functools import cache

import pytest
from scipy import stats

from tasks.pure.statistics.looks import MOST, TOTAL, Look, planned_looks
from tests.benchmarks.study_errors import Outcome, exponential, normal, simulate

pytestmark = pytest.mark.slow

STUDIES = 1_000


def at_most(share: float) -> float:
    """What 1,000 studies with an error of `share` show at most, but for one time in a thousand."""
    return float(stats.binom.ppf(0.999, STUDIES, share)) / STUDIES


@cache
def studies(mean: float, margin: float) -> Outcome:
    return simulate(normal(mean), planned_looks(), margin, STUDIES, seed=1)


def wrong(found: Outcome) -> float:
    return found.words.get("helps", 0) + found.words.get("hurts", 0)


def test_without_a_difference_at_most_five_in_a_hundred_help_or_hurt() -> None:
    found = wrong(studies(0.0, 0.0))
    assert found <= at_most(TOTAL)
    assert found >= 0.02  # much less would be paid for in power


def test_looking_after_every_seed_would_be_wrong_in_a_quarter() -> None:
    every = tuple(Look(at, TOTAL) for at in range(5, MOST + 1))
    assert wrong(simulate(normal(), every, 0.0, 300, seed=1)) > 0.2


def test_four_comparisons_are_wrong_together_no_more_often() -> None:
    found = simulate(normal(), planned_looks(comparisons=4), 0.0, STUDIES, seed=1)
    assert wrong(found) <= at_most(TOTAL / 4)


@pytest.mark.parametrize(("mean", "found", "seeds"), [(0.5, 0.74, 35), (1.0, 0.99, 17), (2.0, 0.999, 9)])
def test_a_difference_is_found(mean: float, found: float, seeds: float) -> None:
    study = studies(mean, 0.0)
    assert study.words["helps"] >= found and study.seeds < seeds
    assert study.words.get("hurts", 0) <= at_most(TOTAL / 2)


def test_equal_arms_are_called_so() -> None:
    study = studies(0.0, 1.0)
    assert study.words["no difference"] > 0.95 and study.seeds < 25


@pytest.mark.parametrize("margin", [0.5, 1.0])
def test_a_difference_as_large_as_the_margin_is_seldom_called_none_in_spite_of_four_looks(margin: float) -> None:
    assert studies(margin, margin).words.get("no difference", 0) <= at_most(TOTAL / 2)


def test_with_skewed_differences_more_are_wrong_and_most_are_warned_of() -> None:
    found = simulate(exponential, planned_looks(), 0.0, STUDIES, seed=1)
    assert 0.08 < wrong(found) < 0.16
    assert found.warned > 0.85 and found.wrong_unwarned < 0.09
