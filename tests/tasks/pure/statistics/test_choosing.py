"""The best on validation, and what is as good within one standard error of the paired difference."""

import numpy as np
import pytest
from scipy import stats

from tasks.pure.statistics.choosing import chosen, ranked, standard_error, standings


def no_cost(_: str) -> int:
    return 0


def test_errors_are_those_of_scipy() -> None:
    draw = np.random.default_rng(0)
    best, other = draw.normal(0.9, 0.05, 7).tolist(), draw.normal(0.8, 0.05, 7).tolist()
    stands = standings({"best": best, "other": other})["other"]
    assert stands.noise is not None
    assert stands.behind / stands.noise == pytest.approx(stats.ttest_rel(best, other).statistic)
    assert stands.error == standard_error(other) == pytest.approx(stats.sem(other))


def test_within_one_standard_error_the_cheaper_is_taken_and_beyond_it_the_best() -> None:
    """Differences .05, .02, −.01: mean .02, standard error .0173, so too much; of .04, .02, −.02: .0133 and .0176."""
    cost = {"best": 2, "cheap": 1}.__getitem__
    assert chosen({"best": [0.95, 0.92, 0.89], "cheap": [0.90, 0.90, 0.90]}, cost) == "best"
    assert chosen({"best": [0.94, 0.92, 0.88], "cheap": [0.90, 0.90, 0.90]}, cost) == "cheap"


def test_what_a_seed_does_to_all_alike_is_no_noise() -> None:
    """Seeds differ by 30 points, the two by a steady one: the dearer is better in each."""
    found = {"cheap": [0.59, 0.74, 0.89], "best": [0.60, 0.75, 0.90]}
    assert chosen(found, {"best": 2, "cheap": 1}.__getitem__) == "best"


def test_of_equally_cheap_ones_the_best_then_the_first_is_taken() -> None:
    assert chosen({"a": [0.80, 0.98], "b": [0.90, 0.90]}, no_cost) == "b"
    assert chosen({"a": [0.9, 0.9], "b": [0.9, 0.9]}, no_cost) == "a"


def test_one_seed_has_no_noise() -> None:
    found = {"best": [0.81], "cheap": [0.80]}
    assert chosen(found, {"best": 2, "cheap": 1}.__getitem__) == "best"
    assert standings(found)["cheap"].noise is None and not standings(found)["cheap"].tied


def test_who_was_given_up_with_fewer_seeds_is_not_chosen() -> None:
    found = {"lucky": [0.99], "steady": [0.9, 0.9]}
    assert chosen(found, no_cost) == "steady" and not standings(found)["lucky"].tied


def test_equal_means_are_ranked_by_cost() -> None:
    assert ranked({"a": [0.1 + 0.2], "b": [0.3], "c": [0.9]}, {"a": 2, "b": 1, "c": 3}.__getitem__) == ["c", "b", "a"]
