"""What a recipe says of the layers of a base that it builds itself: named from the bottom, refused where not there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import recipe_layers
from flows.recipe import Recipe
from flows.recipe_augment import augment_problems
from tests.flows.test_recipe import problems, recipe


def base(of: Recipe) -> list[str]:
    return [block.name for block in recipe_layers.base_layers(of)]


def trained(of: Recipe) -> tuple[list[str], list[str]]:
    """The layers that the head's training and fine-tuning change."""
    reused = recipe_layers.reuse(of).reused(recipe_layers.base_layers(of))
    choices = (recipe_layers.trainable_in_head(of), recipe_layers.trainable_in_fine_tune(of))
    added = [f"added_{number}" for number in range(1, len(of.clone_with_weights.add_hidden) + 1)]
    in_head, in_fine_tune = (list(choice.of(reused, added).trainable_layers) for choice in choices)
    return in_head, in_fine_tune


def test_layers_are_named_from_the_bottom() -> None:
    assert base(recipe()) == ["dense_1", "dense_2", "dense_3", "dense_4"]
    assert base(recipe(pretrain={"architecture": "cnn"})) == ["conv_1", "conv_2", "conv_3"]


def test_layers_hold_a_batch_norm_where_the_recipe_says_so() -> None:
    for norms in (True, False):
        blocks = recipe_layers.base_layers(recipe(pretrain={"batch_norm": norms}))
        assert {block.batch_norm for block in blocks} == {norms}


@pytest.mark.parametrize(("cut", "reused"), [("all", 4), (1, 1), (4, 4), ("dense_1", 1), ("dense_3", 3)])
def test_a_cut_counts_from_the_bottom_or_ends_at_the_named_layer(cut: int | str, reused: int) -> None:
    cut_there = recipe(clone_with_weights={"layers": cut})
    found = recipe_layers.reuse(cut_there).reused(recipe_layers.base_layers(cut_there))
    assert [block.name for block in found] == base(recipe())[:reused]


def test_freeze_counts_from_the_bottom_and_unfreeze_from_the_top() -> None:
    mixed = recipe(freeze={"layers": 3}, unfreeze={"layers": 2})
    assert trained(mixed) == (["dense_4", "head"], ["dense_3", "dense_4", "head"])


def test_the_numbers_of_freeze_and_unfreeze_are_of_reused_layers() -> None:
    cut = recipe(clone_with_weights={"layers": 3}, unfreeze={"layers": 1})
    assert trained(cut) == (["head"], ["dense_3", "head"])
    said = problems(clone_with_weights={"layers": 3}, unfreeze={"layers": "dense_4"})
    assert "no layer named `dense_4`; did you mean `dense_3`?" in said


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ("dense_2", ["dense_1", "dense_3", "dense_4", "head"]),
        ("dense_[34]", ["dense_1", "dense_2", "head"]),
        (["dense_3", "*_1"], ["dense_2", "dense_4", "head"]),
        ([], ["dense_1", "dense_2", "dense_3", "dense_4", "head"]),
        (0, ["dense_1", "dense_2", "dense_3", "dense_4", "head"]),
    ],
)
def test_freeze_takes_a_number_a_name_a_pattern_or_a_list_of_them_in_any_order(choice: Any, left: list[str]) -> None:
    assert trained(recipe(freeze={"layers": choice}))[0] == left


def test_added_layers_and_the_head_are_always_trained() -> None:
    added = recipe(clone_with_weights={"add_hidden": [8, 8]}, unfreeze={"layers": 0})
    assert trained(added) == (["added_1", "added_2", "head"], ["added_1", "added_2", "head"])


@given(cut=st.integers(1, 4), data=st.data())
def test_what_the_head_trains_fine_tuning_trains_too(cut: int, data: st.DataObject) -> None:
    frozen, unfrozen = data.draw(st.integers(0, cut)), data.draw(st.integers(0, cut))
    one = recipe(clone_with_weights={"layers": cut}, freeze={"layers": frozen}, unfreeze={"layers": unfrozen})
    in_head, in_fine_tune = trained(one)
    assert set(in_head) <= set(in_fine_tune)
    assert len(in_head) == cut - frozen + 1
    assert set(in_fine_tune) == set(in_head) | set(base(one)[cut - unfrozen : cut])


@pytest.mark.parametrize(
    ("section", "layers", "said"),
    [
        ("unfreeze", 9, "`unfreeze.layers`: 9 of 4 layers"),
        ("freeze", 5, "`freeze.layers`: 5 of 4 layers"),
        ("clone_with_weights", 5, "`clone_with_weights.layers`: 5 of 4 layers"),
        ("unfreeze", "dense_44", "no layer named `dense_44`; did you mean `dense_4`?"),
        ("freeze", ["dense_1", "conv_*"], "no layer named `conv_*`"),
        ("freeze", "head", "no layer named `head`"),
        ("clone_with_weights", "dense_*", "no layer named `dense_*`"),
    ],
)
def test_layers_that_are_not_there_are_refused(section: str, layers: Any, said: str) -> None:
    assert said in problems(**{section: {"layers": layers}})


def test_every_layer_that_is_not_there_is_told_and_each_once() -> None:
    said = problems(freeze={"layers": ["Dens_1", "dense_1", "conv_4"]}, unfreeze={"layers": 9})
    assert "no layer named `Dens_1`; did you mean `dense_1`? No layer named `conv_4`; did you mean `dense_4`?" in said
    assert "`unfreeze.layers`: 9 of 4 layers" in said
    assert said.count("`freeze.layers`") == 1


def test_after_a_wrong_cut_nothing_is_said_of_what_it_would_leave() -> None:
    said = problems(clone_with_weights={"layers": 9}, freeze={"layers": 9})
    assert "`clone_with_weights.layers`: 9 of 4" in said
    assert "`freeze.layers`" not in said


@pytest.mark.parametrize("section", ["freeze", "unfreeze"])
def test_batch_norm_cannot_be_trained_where_there_is_none(section: str) -> None:
    assert f"`{section}.batch_norm`: `trained`, but the base has no batch norm" in problems(
        **{section: {"batch_norm": "trained"}}
    )
    assert recipe(**{section: {"batch_norm": "trained"}, "pretrain": {"architecture": "cnn"}})


@pytest.mark.parametrize(
    ("layers", "possible"), [(1, True), ("dense_1", True), ("dense_2", False), (0, False), ([], False)]
)
def test_copies_are_stored_where_the_lowest_layer_is_frozen(layers: Any, possible: bool) -> None:
    copies = recipe(train_head={"augment": {"flip": "horizontal"}, "augment_copies": 2})
    asked = copies.model_copy(update={"freeze": copies.freeze.model_copy(update={"layers": layers})})
    assert (augment_problems(asked) == []) is possible
