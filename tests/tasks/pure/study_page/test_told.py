"""What is read off the mapping that a page is told."""

import pytest

from tasks.pure.study_page.told import curve, differences


def test_a_difference_is_transfer_less_the_other_arm_seed_by_seed():
    arms = {"transfer": [0.9, 0.8], "scratch": [0.7, 0.85]}
    assert differences({"arms": arms}, "scratch") == pytest.approx([0.2, -0.05])


def places(axis, **values):
    return [{"axis": axis, "value": value, "arms": {"transfer": list(by)}} for value, by in values.items()]


def test_numbers_stand_by_size_names_as_listed_and_all_last():
    wanted = ["all", "block5", 12, "block1", 3]
    told = {"arms": {}, "curves": [{"axis": "depth", "value": cut, "arms": {"transfer": [0.5]}} for cut in wanted]}
    assert list(curve(told, "depth")["transfer"]) == [3, 12, "block5", "block1", "all"]


def test_the_recipes_own_place_joins_with_the_seeds_that_all_places_have():
    told = {
        "arms": {"transfer": [0.1, 0.2, 0.3], "raw-pixels": [0.0] * 3},
        "home": {"labels": 20},
        "curves": [{"axis": "labels", "value": 100, "arms": {"transfer": [0.5, 0.6]}}],
    }
    assert curve(told, "labels") == {"transfer": {20: [0.1, 0.2], 100: [0.5, 0.6]}}


def test_an_axis_that_was_not_asked_for_or_has_nothing_yet_is_no_curve():
    told = {"arms": {"transfer": [0.5]}, "home": {"depth": 3}, "curves": places("labels", a=[])}
    assert curve(told, "depth") == {}
    assert curve(told, "labels") == {}
