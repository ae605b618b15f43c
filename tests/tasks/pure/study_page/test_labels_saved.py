"""How many labels transfer saves, read off two curves on a logarithmic axis, and no further than they were measured."""

import math

import numpy as np
import pytest

from tasks.pure.errors import BadData
from tasks.pure.study_page.labels_saved import crossing, labels_saved


def curve(accuracies: dict[int, float], seeds: int = 3) -> dict[int, list[float]]:
    """The same accuracy for all seeds."""
    return {number: [accuracy] * seeds for number, accuracy in accuracies.items()}


def test_half_way_up_on_a_logarithmic_axis_is_the_geometric_mean():
    found = labels_saved(curve({10: 0.7, 1000: 0.9}), curve({10: 0.6, 1000: 0.8}))
    assert found is not None and found.needed is not None and found.saved is not None
    assert found.needed == pytest.approx(math.sqrt(10 * 1000))
    assert found.saved == pytest.approx(90)
    assert (found.fewest, found.most, found.accuracy) == (10, 1000, pytest.approx(0.7))


def test_log_axis_agrees_with_numpys_interpolation():
    numbers, accuracies = [10, 40, 200, 1000], np.array([0.5, 0.61, 0.74, 0.9])
    for wanted in (0.55, 0.61, 0.7, 0.899):
        assert crossing(numbers, accuracies, wanted) == pytest.approx(
            math.exp(np.interp(wanted, accuracies, np.log(numbers)))
        )


def test_what_is_never_reached_is_more_than_was_tried():
    found = labels_saved(curve({10: 0.7, 1000: 0.9}), curve({10: 0.4, 1000: 0.69}))
    assert found is not None
    assert found.needed is None and found.saved is None and found.high is None and found.most == 1000


@pytest.mark.parametrize("better", [0.7, 0.75])
def test_nothing_is_saved_where_scratch_is_as_good_or_better(better):
    found = labels_saved(curve({10: 0.7, 100: 0.9}), curve({10: better, 100: 0.8}))
    assert found is not None and found.needed == 10 and found.saved == 0


def test_of_several_crossings_the_first_counts_which_flatters_transfer_least():
    found = labels_saved(curve({10: 0.7, 1000: 0.9}), curve({10: 0.6, 100: 0.8, 200: 0.6, 1000: 0.95}))
    assert found is not None and found.needed == pytest.approx(10**1.5)


def test_numbers_below_those_that_both_have_are_not_looked_at():
    found = labels_saved(curve({20: 0.7, 200: 0.9}), curve({5: 0.99, 20: 0.6, 200: 0.8}))
    assert found is not None and found.fewest == 20 and found.needed == pytest.approx(math.sqrt(20 * 200))


@pytest.mark.parametrize("other", [{}, {10: 0.6}, {50: 0.6, 60: 0.7}])
def test_fewer_than_two_numbers_in_common_say_nothing(other):
    assert labels_saved(curve({10: 0.7, 1000: 0.9}), curve(other)) is None


def noisy() -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    draw = np.random.default_rng(0)
    ours = {number: draw.normal(level, 0.02, 8).tolist() for number, level in ((10, 0.7), (1000, 0.9))}
    return ours, {
        number: draw.normal(level, 0.02, 8).tolist() for number, level in ((10, 0.5), (100, 0.68), (1000, 0.8))
    }


def test_the_range_holds_what_was_read_off_and_the_same_seed_draws_the_same():
    found = labels_saved(*noisy())
    assert found is not None and found.low is not None and found.high is not None and found.needed is not None
    assert found.low < found.needed < found.high
    assert found == labels_saved(*noisy()) != labels_saved(*noisy(), seed=1)


def test_a_range_may_be_open_above_where_the_middle_is_not():
    ours, theirs = curve({10: 0.7, 1000: 0.9}, 4), {10: [0.5] * 4, 1000: [0.9, 0.5, 0.7, 0.75]}
    found = labels_saved(ours, theirs)
    assert found is not None and found.needed is not None and found.high is None


def test_one_seed_has_no_range():
    found = labels_saved(curve({10: 0.7, 1000: 0.9}, 1), curve({10: 0.6, 1000: 0.8}, 1))
    assert found is not None and not found.draws


def test_other_seeds_for_other_numbers_are_refused():
    with pytest.raises(BadData, match="same seeds"):
        labels_saved(curve({10: 0.7, 100: 0.9}, 3), curve({10: 0.6, 100: 0.8}, 4))
    with pytest.raises(BadData, match="same seeds"):
        labels_saved(curve({10: 0.7, 100: 0.9}), {10: [0.6] * 3, 100: [0.8]})
