"""Wilson's interval against the values that Newcombe published."""

import pytest

from tasks.pure.errors import BadData
from tasks.pure.statistics.proportion import proportion


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # Newcombe, Two-sided confidence intervals for the single proportion, Statistics in Medicine 17 (1998), table I,
    # method 3 ("score").
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(count: int, total: int, low: float, high: float) -> None:
    found = proportion(count, total)
    assert found.share == count / total
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_two_hundred_of_two_hundred_has_an_interval() -> None:
    # n ÷ (n + z²), with the z of 95 % to five figures.
    assert proportion(200, 200) == (1.0, pytest.approx(200 / (200 + 1.95996**2), abs=1e-6), 1.0)


def test_more_confidence_is_a_wider_interval() -> None:
    usual, sure = proportion(150, 200), proportion(150, 200, 0.99)
    assert sure.low < usual.low < 0.75 < usual.high < sure.high


@pytest.mark.parametrize(("count", "total", "confidence"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_counts_that_are_none_are_refused(count: int, total: int, confidence: float) -> None:
    with pytest.raises(BadData, match="Expected a count"):
        proportion(count, total, confidence)
