"""Two classifiers on the same images: the difference, its interval, McNemar's exact p."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pure.errors import BadData
from tasks.pure.paired import paired_difference

answers = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60).map(lambda rows: np.array(rows).T)


def pair(gained: int, lost: int, both: int = 0, neither: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Answers with so many disagreements and agreements."""
    before = np.repeat([False, True, True, False], [gained, lost, both, neither])
    after = np.repeat([True, False, True, False], [gained, lost, both, neither])
    return before, after


def test_the_exact_p_of_four_against_one_is_twelve_of_thirty_two() -> None:
    found = paired_difference(*pair(gained=4, lost=1, both=195))
    assert (found["gained"], found["lost"], found["num_test"]) == (4, 1, 200)
    assert found["difference"] == pytest.approx(0.015)
    assert found["p"] == pytest.approx(12 / 32)


@pytest.mark.parametrize(("gained", "lost", "p"), [(0, 0, 1.0), (5, 5, 1.0), (10, 0, 2 / 2**10), (0, 1, 1.0)])
def test_known_p_values(gained: int, lost: int, p: float) -> None:
    assert paired_difference(*pair(gained, lost, both=20))["p"] == pytest.approx(p)


@given(both=answers)
def test_the_other_way_round_is_the_same_with_the_other_sign(both: np.ndarray) -> None:
    one, two = paired_difference(both[0], both[1]), paired_difference(both[1], both[0])
    assert one["difference"] == -two["difference"]
    assert (one["gained"], one["lost"], one["p"]) == (two["lost"], two["gained"], two["p"])


@given(both=answers)
def test_the_difference_is_that_of_the_accuracies_and_lies_in_its_interval(both: np.ndarray) -> None:
    found = paired_difference(both[0], both[1], bootstrap=500)
    assert found["difference"] == pytest.approx(both[1].mean() - both[0].mean())
    assert found["low"] - 0.2 <= found["difference"] <= found["high"] + 0.2
    assert -1 <= found["low"] <= found["high"] <= 1


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    generator, truth, held = np.random.default_rng(0), 0.10 - 0.06, 0
    for _ in range(300):
        draw = generator.choice(4, size=400, p=[0.10, 0.06, 0.74, 0.10])
        found = paired_difference((draw == 1) | (draw == 2), (draw == 0) | (draw == 2), bootstrap=1000)
        held += found["low"] <= truth <= found["high"]
    assert 0.91 <= held / 300 <= 0.98


def test_the_same_answers_differ_by_nothing_for_sure() -> None:
    before, _ = pair(3, 4, 5)
    found = paired_difference(before, before)
    assert (found["difference"], found["low"], found["high"], found["p"]) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [(np.zeros(2, bool), np.zeros(3, bool)), (np.zeros(0, bool), np.zeros(0, bool)), (np.zeros((2, 2), bool),) * 2],
)
def test_answers_that_are_no_pairs_are_refused(before: np.ndarray, after: np.ndarray) -> None:
    with pytest.raises(BadData, match="as many answers from both"):
        paired_difference(before, after)
