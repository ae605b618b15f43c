"""The decision: Student's paired interval against SciPy's and Fisher's, and the words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tasks.pure.errors import BadData
from tasks.pure.statistics.decision import (
    MOST_NEEDED,
    Decision,
    decide,
    interval,
    judge,
    seeds_needed,
    unseen,
    worded,
)
from tasks.pure.statistics.looks import Look, planned_looks
from tests.tasks.pure.statistics.darwin import MAIZE

LOOKS = planned_looks()
MARGIN = 0.01
SPREAD = np.array([-1.0, 1.0, -0.5, 0.5, 0.0])
"""Five differences around 0; repeated, those of ten or twenty seeds."""


def around(mean: float, spread: float = 0.01, seeds: int = 40) -> np.ndarray:
    return mean + spread * np.tile(SPREAD, seeds // 5)


def test_the_interval_is_the_one_that_fisher_gives_for_darwin_s_maize() -> None:
    # Mean 20.93, standard deviation 37.74, t = 2.148; at 5 % t must be 2.145 (Fisher 1935, section 17).
    low, high, deviation = interval(MAIZE, 0.05)
    assert deviation == pytest.approx(37.744, abs=5e-4)
    assert (low, high) == (pytest.approx(20.933 - 20.902, abs=6e-3), pytest.approx(20.933 + 20.902, abs=6e-3))


@pytest.mark.parametrize("alpha", [0.05, 0.005, 0.02 / 3])
@pytest.mark.parametrize("seeds", [2, 5, 17])
def test_the_interval_is_that_of_scipy_s_paired_test(seeds: int, alpha: float) -> None:
    arm, reference = np.random.default_rng(seeds).normal(0.8, 0.05, (2, seeds))
    low, high, _deviation = interval(arm - reference, alpha)
    expected = stats.ttest_rel(arm, reference).confidence_interval(1 - alpha)
    assert (low, high) == (pytest.approx(expected.low), pytest.approx(expected.high))


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.02, 0.05, "helps"),
        (-0.05, -0.02, "hurts"),
        (-0.004, 0.009, "no difference"),
        (-0.01, 0.01, "no difference"),
        (-0.004, 0.02, "go on"),
        (0.0, 0.02, "go on"),
        (-0.02, 0.0, "go on"),
        (0.001, 0.005, "helps"),
    ],
)
def test_the_word_is_where_the_interval_lies(low: float, high: float, word: str) -> None:
    assert worded(low, high, MARGIN) == word


def test_a_sure_difference_within_the_margin_helps_and_is_told_to_be_small() -> None:
    found = judge(around(0.005, 0.0005), LOOKS, MARGIN)
    assert found.word == "helps" and found.within
    assert not judge(around(0.05), LOOKS, MARGIN).within


def test_the_first_look_that_decides_stands_whatever_comes_after() -> None:
    early = around(0.05)
    later = np.concatenate([early[:5], around(-0.5, seeds=35)])
    assert judge(early, LOOKS, MARGIN) == judge(early[:5], LOOKS, MARGIN) == judge(later, LOOKS, MARGIN)
    assert judge(later, LOOKS, MARGIN).look == LOOKS[0]


def test_every_look_has_its_own_share_of_the_error() -> None:
    for look in LOOKS:
        found = judge(around(0.0, 0.1)[: look.seeds], LOOKS, MARGIN)
        expected = stats.ttest_1samp(around(0.0, 0.1)[: look.seeds], 0).confidence_interval(1 - look.alpha)
        assert (found.look, found.seeds) == (look, look.seeds)
        assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_more_comparisons_ask_for_more() -> None:
    # Five differences whose p is .004: enough for one comparison at .005, and for no two.
    values = around(0.0, 1.0, 5) + stats.t.ppf(1 - 0.002, 4) * np.std(SPREAD, ddof=1) / np.sqrt(5)
    assert judge(values, LOOKS, MARGIN).word == "helps"
    assert judge(values, planned_looks(comparisons=2), MARGIN).word == "go on"


def test_between_looks_nothing_is_decided() -> None:
    waiting = judge(np.concatenate([around(0.0, 0.1, 5), around(5.0, 0.01, 5)])[:9], LOOKS, MARGIN)
    assert (waiting.word, waiting.seeds, waiting.final) == ("go on", 5, False)


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_before_the_first_look_there_are_figures_and_no_verdict(seeds: int) -> None:
    found = judge(around(0.5, 0.001, 5)[:seeds], LOOKS, MARGIN)
    assert (found.word, found.seeds, found.more) == ("go on", seeds, None)
    assert (found.low is None) == (found.deviation is None) == (seeds == 1)


@pytest.mark.parametrize("seeds", [1, 3, 4])
def test_fewer_than_five_planned_seeds_end_undecided_however_clear(seeds: int) -> None:
    found = judge(np.full(seeds, 0.5), planned_looks(seeds=seeds), MARGIN)
    assert (found.word, found.more, found.final) == ("undecided", 5 - seeds, True)
    assert found.mean == 0.5


def test_after_the_last_look_it_is_undecided_and_says_how_many_more() -> None:
    found = judge(around(0.01, 0.05), LOOKS, MARGIN)
    assert found.word == "undecided" and found.look == LOOKS[-1]
    assert found.deviation is not None
    assert found.more == seeds_needed(found.mean, found.deviation, 0.02, MARGIN) - 40 > 0


def test_equal_arms_are_called_so_at_the_first_look() -> None:
    found = judge(np.zeros(5), LOOKS, MARGIN)
    assert (found.word, found.low, found.high, found.deviation) == ("no difference", 0, 0, 0)


def test_seeds_that_all_differ_by_the_same_have_an_interval_of_one_point() -> None:
    found = judge(np.full(5, 0.3), LOOKS, MARGIN)
    assert found.word == "helps" and found.low == found.high == pytest.approx(0.3)
    assert judge(np.full(5, -0.3), LOOKS, MARGIN).word == "hurts"


def test_rounding_in_binary_is_no_difference() -> None:
    assert 0.3 - 0.2 - 0.1 != 0
    assert judge(np.full(5, 0.3 - 0.2 - 0.1), LOOKS, MARGIN).word == "no difference"


def test_equal_answers_on_few_images_do_not_show_equality() -> None:
    assert judge(np.zeros(5), LOOKS, MARGIN, step=1 / 20).word == "go on"
    assert judge(np.zeros(40), LOOKS, MARGIN, step=1 / 20).word == "no difference"
    assert judge(np.zeros(5), LOOKS, MARGIN, step=1 / 200).word == "no difference"


def test_what_may_be_unseen_is_the_exact_bound_for_none() -> None:
    for number in (5, 40):
        exact = stats.binomtest(0, number).proportion_ci(0.98, method="exact").high
        assert unseen(number, 0.02) == pytest.approx(exact)


def test_the_step_widens_no_interval_of_seeds_that_differ() -> None:
    values = around(0.0, 0.02, 5)
    assert interval(values, 0.005, step=1 / 200) == interval(values, 0.005)


def test_so_many_seeds_do_decide_four_studies_in_five() -> None:
    needed = seeds_needed(0.02, 0.05, 0.05, MARGIN)
    generator, look = np.random.default_rng(0), Look(needed, 0.05)
    helped = [decide(generator.normal(0.02, 0.05, needed), look, MARGIN).word == "helps" for _ in range(1000)]
    assert np.mean(helped) == pytest.approx(0.8, abs=0.04)


def test_seeds_whose_interval_is_half_the_margin_decide_whatever_the_mean() -> None:
    most = seeds_needed(MARGIN / 2, 0.02, 0.02, MARGIN)
    half = stats.t.ppf(0.99, most - 1) * 0.02 / np.sqrt(most)
    assert half <= MARGIN / 2 < half * 1.01
    assert all(seeds_needed(mean, 0.02, 0.02, MARGIN) <= most for mean in np.linspace(-0.05, 0.05, 41))
    assert all(worded(mean - half, mean + half, MARGIN) != "go on" for mean in np.linspace(-0.05, 0.05, 40))


def test_the_number_of_seeds_has_an_end() -> None:
    assert seeds_needed(0.0, 10.0, 0.02, MARGIN) == MOST_NEEDED
    assert seeds_needed(0.5, 0.0, 0.02, MARGIN) == 5


@given(st.lists(st.integers(-200, 200), min_size=5, max_size=40), st.integers(0, 20))
def test_the_arms_changed_over_the_word_is_turned(counts: list[int], margin: int) -> None:
    values = np.array(counts) / 200
    one, other = judge(values, LOOKS, margin / 200), judge(-values, LOOKS, margin / 200)
    turned = {"helps": "hurts", "hurts": "helps"}
    assert other.word == turned.get(one.word, one.word) and other.mean == -one.mean


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=45))
def test_a_decision_holds_when_seeds_are_added(counts: list[int]) -> None:
    values, decided = np.array(counts) / 200, list[Decision]()
    for seeds in range(1, len(values) + 1):
        decided += [found for found in [judge(values[:seeds], LOOKS, MARGIN)] if found.final]
    assert all(found == decided[0] for found in decided)


@pytest.mark.parametrize("values", [[], [0.1, float("nan"), 0.2], [float("inf")] * 5, [[0.1, 0.2]]])
def test_differences_that_are_none_are_refused(values: list[float]) -> None:
    with pytest.raises(BadData, match="Expected"):
        judge(values, LOOKS, MARGIN)


@pytest.mark.parametrize(("looks", "margin", "step"), [((), 0.01, 0.0), (LOOKS, -0.01, 0.0), (LOOKS, 0.01, -1.0)])
def test_a_judgement_that_was_not_planned_is_refused(looks: tuple[Look, ...], margin: float, step: float) -> None:
    with pytest.raises(BadData, match="Expected"):
        judge([0.1] * 5, looks, margin, step)


def test_a_margin_that_is_no_number_is_refused() -> None:
    with pytest.raises(BadData, match="Expected margin"):
        judge([0.1] * 5, LOOKS, float("nan"))


def test_of_seeds_that_are_all_alike_it_takes_as_many_as_the_test_split_asks_for():
    """On 20 images a difference of 0 in five seeds does not exclude one image more or less in most others."""
    found = judge([0.0] * 5, [Look(5, 0.05)], 0.01, step=0.05)
    assert found.word == "undecided"
    enough = 5 + found.more
    assert judge([0.0] * enough, [Look(enough, 0.05)], 0.01, step=0.05).word == "no difference"
    assert judge([0.0] * (enough // 3), [Look(enough // 3, 0.05)], 0.01, step=0.05).word == "undecided"
