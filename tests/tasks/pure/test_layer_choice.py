"""What a recipe says of layers means the same everywhere, in any network: numbers, names, patterns."""

from typing import Any

import pytest

from tasks.pure.errors import SurgeryError
from tasks.pure.layer_choice import Choice, LayerChoices, Reuse, Scion, Trainable, TrainableChoice, named
from tests.tasks.pure.test_outline import layer

NAMES = ["stem", "block_1_add", "block_2_add", "block_13_expand", "block_14_add", "top"]


def net(*names: str, added: int = 0, norms: bool = True) -> list[dict[str, Any]]:
    """A chain of convolutions called `names`, each with a batch norm, then added layers and a head."""
    found = [layer("image")]
    for name in [*names, *(f"added_{number}" for number in range(1, added + 1))]:
        found.append(layer(name, found[-1]["name"], "Conv2D", 10))
        if norms and not name.startswith("added_"):
            found.append(layer(f"bn_{name}", name))
    return [*found, layer("head", found[-1]["name"], "Dense", 5)]


@pytest.mark.parametrize(("choice", "count"), [("all", 6), (2, 2), ("block_1_add", 2), ("top", 6), (6, 6), ("stem", 1)])
def test_what_is_reused_counts_from_the_bottom(choice: str | int, count: int) -> None:
    assert Reuse(choice, True, (8,)).resolved(net(*NAMES)) == Scion(tuple(NAMES[:count]), True, (8,))


def test_a_wrong_name_is_told_with_the_nearest_and_how_many_there_are() -> None:
    with pytest.raises(
        SurgeryError,
        match=r"`clone_with_weights.layers`: no layer named `block_1_ad`; did you mean `block_1_add`\?.*The 6 layers",
    ):
        Reuse("block_1_ad", True, ()).resolved(net(*NAMES))
    with pytest.raises(SurgeryError, match="did you mean `stem`"):
        Reuse("STEM", True, ()).resolved(net(*NAMES))
    with pytest.raises(SurgeryError, match="7 of 6 layers of the base; expected at most 6"):
        Reuse(7, True, ()).resolved(net(*NAMES))


def test_a_long_row_of_names_is_cut_in_its_middle() -> None:
    many = [f"layer_{number}" for number in range(40)]
    with pytest.raises(SurgeryError) as problem:
        Reuse("nothing", True, ()).resolved(net(*many))
    assert "The 40 layers of the base: `layer_0`, " in str(problem.value)
    assert "`layer_5`, …, `layer_34`" in str(problem.value)


def test_a_base_without_weights_below_its_head_has_nothing_to_reuse() -> None:
    with pytest.raises(SurgeryError, match="no layer to reuse"):
        Reuse("all", True, ()).resolved([layer("image"), layer("head", "image", "Dense", 5)])


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("all", NAMES),
        (0, []),
        ("block_1[3-6]*", NAMES[3:5]),
        (("top", "stem"), ["stem", "top"]),
        (("block_?_add",), NAMES[1:3]),
    ],
)
def test_names_and_patterns_mean_the_same_wherever_they_stand(choice: Choice, expected: list[str]) -> None:
    for from_top in (False, True):
        assert named(NAMES, choice, from_top=from_top) == expected


def test_a_number_counts_from_the_bottom_to_freeze_and_from_the_top_to_unfreeze() -> None:
    assert named(NAMES, 2, from_top=False) == NAMES[:2]
    assert named(NAMES, 2, from_top=True) == NAMES[-2:]
    assert named(NAMES, 0, from_top=True) == []


def test_a_pattern_that_names_nothing_is_refused() -> None:
    with pytest.raises(SurgeryError, match=r"`unfreeze.layers`: no layer named `conv_\*`"):
        TrainableChoice("all", "frozen", "conv_*").resolved(net(*NAMES))


def test_the_head_trains_with_added_layers_and_what_is_not_frozen() -> None:
    found = TrainableChoice(4, "frozen").resolved(net(*NAMES, added=2))
    assert found == Trainable(("block_14_add", "top", "added_1", "added_2", "head"), ())


def test_fine_tuning_trains_what_was_never_frozen_and_what_is_unfrozen() -> None:
    found = TrainableChoice(4, "frozen", ("block_2*",)).resolved(net(*NAMES))
    assert found == Trainable(("block_2_add", "block_14_add", "top", "head"), ())


def test_batch_norms_adapt_everywhere_under_the_head_and_where_layers_train_in_fine_tuning() -> None:
    assert TrainableChoice("all", "trained").resolved(net(*NAMES)).trained_batch_norms == tuple(NAMES)
    tuned = TrainableChoice("all", "trained", 2).resolved(net(*NAMES))
    assert tuned == Trainable(("block_14_add", "top", "head"), ("block_14_add", "top"))


@pytest.mark.parametrize(("unfrozen", "section"), [(None, "freeze"), ("all", "unfreeze")])
def test_batch_norms_that_are_not_there_cannot_adapt(unfrozen: Choice | None, section: str) -> None:
    with pytest.raises(SurgeryError, match=rf"`{section}.batch_norm`: `trained`, but the base has no batch norm"):
        TrainableChoice("all", "trained", unfrozen).resolved(net("a", "b", norms=False))


def choices(in_head: TrainableChoice, unfrozen: Choice, *stages: Choice, batch_norm: str = "frozen") -> LayerChoices:
    """What a recipe says that takes all layers, as `flows/recipe_layers.py` makes it."""
    whole = TrainableChoice(in_head.frozen, batch_norm, unfrozen)
    staged = (TrainableChoice(in_head.frozen, batch_norm, each, "fine_tune.stages") for each in stages)
    return LayerChoices(Reuse("all", True, ()), in_head, whole, tuple(staged))


def test_all_that_a_base_does_not_have_is_told_at_once_and_each_but_once() -> None:
    with pytest.raises(SurgeryError) as problem:
        choices(TrainableChoice(9, "frozen"), "conv_*", 8, batch_norm="trained").check(net(*NAMES, norms=False))
    said = str(problem.value)
    told = (
        "`freeze.layers`: 9 of 6",
        "`unfreeze.layers`: no layer",
        "`fine_tune.stages`: 8 of 6",
        "`unfreeze.batch_norm`",
    )
    assert [said.count(each) for each in told] == [1, 1, 1, 1]


def test_a_stage_may_train_nothing_that_fine_tuning_leaves_frozen() -> None:
    frozen = TrainableChoice("all", "frozen")
    choices(frozen, 2, 0, 1, 2).check(net(*NAMES))
    with pytest.raises(SurgeryError, match="stage 2 trains `block_13_expand`, which `unfreeze.layers` leaves frozen"):
        choices(frozen, 2, 1, 3).check(net(*NAMES))


def test_layers_that_were_never_frozen_are_no_stages_to_name() -> None:
    choices(TrainableChoice(2, "frozen"), 0, 0).check(net(*NAMES))
