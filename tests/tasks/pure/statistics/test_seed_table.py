"""What stands beside a verdict."""

import itertools

import numpy as np
import pytest
from scipy import stats

from tasks.pure.errors import BadData
from tasks.pure.statistics.proportion import proportion
from tasks.pure.statistics.seed_table import EXACT, seed_table, sign_flip_p, skewness, strongly_skewed
from tests.tasks.pure.statistics.darwin import MAIZE


def drawn(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.01, 0.02, count)


def test_fisher_s_flips_of_darwin_s_maize() -> None:
    # Fisher counts 863 of 32,768 patterns with a sum of 314 or more, and as many below.
    assert sign_flip_p(MAIZE) == 2 * 863 / 32_768


@pytest.mark.parametrize("count", [1, 2, 5, 9, EXACT])
def test_few_seeds_are_flipped_in_every_way(count: int) -> None:
    values = drawn(count)
    # SciPy takes no sample of one, where both patterns are as far from 0.
    expected = 1.0
    if count > 1:
        test = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=2**EXACT)
        expected = test.pvalue
    assert sign_flip_p(values) == pytest.approx(expected, abs=1e-12)


def test_patterns_with_the_same_sum_are_as_far_whatever_the_rounding() -> None:
    images = [-5, -8, -3, -1, 9]
    as_far = [abs(sum(signs)) >= 8 for signs in itertools.product(*[(-count, count) for count in images])]
    assert sign_flip_p(np.array(images) / 200) == np.mean(as_far) == 22 / 32


def test_many_seeds_are_flipped_by_drawn_signs_always_the_same() -> None:
    values = drawn(40)
    found = sign_flip_p(values, seed=3)
    assert found == sign_flip_p(values, seed=3) != sign_flip_p(values, seed=4)
    expected = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=2**EXACT).pvalue
    assert found == pytest.approx(expected, abs=5 * np.sqrt(expected / 2**EXACT))


def test_a_drawn_p_is_never_zero() -> None:
    assert sign_flip_p(np.full(60, 0.1)) == 2.0**-EXACT


def test_ties_speak_for_neither_arm() -> None:
    found = seed_table([0.1, 0.2, -0.1, 0.0, 0.3, 0.0])
    assert (found.won, found.lost, found.tied) == (3, 1, 2)
    assert (found.share, found.share_low, found.share_high) == proportion(3, 4)


def test_equal_arms_have_no_share_no_skewness_and_p_one() -> None:
    found = seed_table(np.zeros(5))
    assert (found.won, found.lost, found.tied) == (0, 0, 5)
    assert found.share is found.share_low is found.share_high is found.skewness is None
    assert found.flip_p == 1 and not found.strongly_skewed


def test_every_seed_is_in_the_table_in_its_order() -> None:
    found = seed_table(MAIZE / 1000)
    assert found.differences == tuple(MAIZE / 1000)
    # Fisher's mean and standard deviation of a difference, in eighths of an inch.
    assert (found.mean, found.deviation) == (pytest.approx(0.020933, abs=1e-6), pytest.approx(0.037744, abs=1e-6))


def test_one_seed_has_no_deviation() -> None:
    found = seed_table([0.02])
    assert found.deviation is None and found.skewness is None


def test_skewness_is_that_of_statistics_packages() -> None:
    # Joanes and Gill's G1 of 1, 2, 3, 4, 10: m3 = 36 and m2 = 10, so g1 = 36 ÷ 10^1.5, times √20 ÷ 3.
    assert skewness(np.array([1.0, 2, 3, 4, 10])) == pytest.approx(36 / 10**1.5 * 20**0.5 / 3)
    assert skewness(MAIZE) == pytest.approx(stats.skew(MAIZE, bias=False))
    assert skewness(np.array([1.0, 2.0])) is None


def share_warned(draw: str, count: int) -> float:
    generator = np.random.default_rng(7)
    studies = getattr(generator, draw)(size=(300, count))
    return float(np.mean([strongly_skewed(study) for study in studies]))


def test_exponential_differences_are_warned_of_and_normal_ones_seldom() -> None:
    assert 0.05 < share_warned("normal", 20) < 0.2
    assert share_warned("exponential", 20) > 0.75
    assert seed_table([0.0] * 9 + [0.3]).strongly_skewed


@pytest.mark.parametrize("values", [[], [0.1, float("nan")], [[0.1, 0.2]]])
def test_differences_that_are_none_are_refused(values: list[float]) -> None:
    with pytest.raises(BadData, match="Expected"):
        seed_table(values)
