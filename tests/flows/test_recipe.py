"""What a recipe means: its seeds, its gate, and which combinations are refused before anything runs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flows.recipe import Recipe
from flows.recipe_files import load

NETWORK = {"widths": [128, 64, 32, 16]}


def recipe(**sections: Any) -> Recipe:
    data = {"source": {"dataset": "fashion_mnist"}, "target": {"dataset": "digits"}, "pretrain": NETWORK}
    return Recipe.model_validate(data | sections)


def problems(**sections: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        recipe(**sections)
    return str(refused.value)


def test_batch_norm_and_widths_follow_the_architecture_unless_given() -> None:
    dense, cnn = recipe(pretrain={}).pretrain, recipe(pretrain={"architecture": "cnn", "batch_norm": None}).pretrain
    assert (dense.batch_norm, dense.widths) == (False, [128, 64, 32, 16])
    assert (cnn.batch_norm, cnn.widths) == (True, [32, 64, 128])
    assert recipe(pretrain={"architecture": "dense", "batch_norm": True}).pretrain.batch_norm is True


def test_one_refusal_lists_every_impossibility() -> None:
    said = problems(source={"dataset": "npz"}, freeze={"layers": 9}, unfreeze={"layers": 9})
    assert all(key in said for key in ("`source.path`", "`freeze.layers`", "`unfreeze.layers`"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"dataset": "npz"}, "`target.path`: missing"),
        ({"dataset": "digits", "path": "/data"}, "`target.path`: data set `digits` comes with graft"),
        ({"dataset": "fashion_mnist_sample", "path": "/data"}, "`target.path`"),
        ({"dataset": "digits", "task": {"classes": [0, 10]}}, "no class 10 in `digits`, whose classes are 0 … 9"),
        ({"dataset": "digits", "task": {"one_vs_rest": 10}}, "`target.task.one_vs_rest`: no class 10"),
        ({"dataset": "fashion_mnist", "task": {"one_vs_rest": "Truser"}}, "did you mean 'Trouser'?"),
        ({"dataset": "digits", "task": {"classes": [3, 3]}}, "`target.task.classes`: class 3 is there twice"),
        ({"dataset": "fashion_mnist", "task": {"classes": [1, "Trouser"]}}, "is there twice"),
        ({"dataset": "npz", "path": "/a.npz", "task": {"classes": ["cat", "cat"]}}, "class 'cat' is there twice"),
        ({"dataset": "digits", "task": {"classes": [3]}}, "target.task.classes"),
        ({"dataset": "digits", "task": {"classes": [3, 4], "one_vs_rest": 3}}, "exactly one of"),
        ({"dataset": "digits", "labels": 9}, "`target.labels`: 9 labels for 10 classes; expected at least 10"),
        ({"dataset": "digits", "labels": 1, "task": {"one_vs_rest": 3}}, "1 labels for 2 classes"),
        ({"dataset": "npz", "path": "/a.npz", "labels": 2, "task": {"classes": [4, 5, 6]}}, "2 labels for 3 classes"),
        ({"dataset": "digits", "labels": 1443}, "`target.labels`: 1443 labels, but the task has 1442 training images"),
        ({"dataset": "digits", "labels": 20, "validation": 0.01}, "`target.validation`: 0.01 of 20 labels is 0 images"),
    ],
)
def test_a_task_that_the_data_do_not_admit_is_refused(data: dict[str, Any], said: str) -> None:
    assert said in problems(target=data)


def test_names_of_an_unknown_data_set_are_left_to_the_reader() -> None:
    target = recipe(target={"dataset": "npz", "path": "/a.npz", "labels": 3, "task": {"classes": ["cat", 7]}}).target
    assert target.task.classes == ["cat", 7]


def test_a_task_is_all_classes_unless_one_is_set_against_the_rest() -> None:
    assert recipe().target.task.classes == "all"
    one_vs_rest = recipe(target={"dataset": "digits", "task": {"one_vs_rest": 0}}).target.task
    assert (one_vs_rest.classes, one_vs_rest.one_vs_rest) == (None, 0)


@pytest.mark.parametrize("value", [True, "3", 3.0, None, 0, -1])
def test_a_count_is_a_whole_number_and_nothing_like_one(value: Any) -> None:
    assert "train_head.epochs" in problems(train_head={"epochs": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), "1e-3", True, 0, None, 10**400])
def test_a_rate_is_a_finite_number_above_zero(value: Any) -> None:
    assert "fine_tune.learning_rate" in problems(fine_tune={"learning_rate": value})


def test_a_whole_number_is_admitted_where_a_fraction_may_stand() -> None:
    assert recipe(pretrain={"dropout": 0}) == recipe(pretrain={"dropout": 0.0})


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        recipe().fine_tune.epochs = 3


def test_each_step_has_a_seed_of_its_own_that_never_changes() -> None:
    assert recipe().step_seed("pretrain") == 964877032  # by sha256sum
    seeds = {recipe(seed=seed).step_seed(step) for seed in (0, 1) for step in ("pretrain", "train_head")}
    assert len(seeds) == 4


@given(seed=st.integers(0, 10**20), step=st.text())
def test_a_step_seed_fits_31_bits(seed: int, step: str) -> None:
    assert 0 <= recipe(seed=seed).step_seed(step.encode("utf-8", "replace").decode()) < 2**31


@pytest.mark.parametrize(
    ("source", "target", "gate"),
    [
        ({"dataset": "digits"}, {"dataset": "digits"}, 0.25),
        ({"dataset": "fashion_mnist"}, {"dataset": "fashion_mnist_sample"}, 0.25),
        ({"dataset": "fashion_mnist_sample"}, {"dataset": "fashion_mnist"}, 0.25),
        ({"dataset": "mnist"}, {"dataset": "fashion_mnist"}, 0.0),
        ({"dataset": "mnist"}, {"dataset": "mnist", "path": "/somewhere"}, 0.25),
        ({"dataset": "npz", "path": "/a.npz"}, {"dataset": "npz", "path": "/a.npz"}, 0.25),
        ({"dataset": "npz", "path": "/a.npz"}, {"dataset": "npz", "path": "/b.npz"}, 0.25),
    ],
)
def test_the_gate_holds_for_the_source_where_it_is_the_same_data(source: Any, target: Any, gate: float) -> None:
    assert recipe(source=source, target=target | {"gate": 0.25}).source_gate() == gate


def test_the_gate_is_the_targets_key_only() -> None:
    assert "source.gate" in problems(source={"dataset": "digits", "gate": 0.1})


def test_the_random_control_differs_in_one_key() -> None:
    copied, never_copied = (load(name).recipe for name in ("fashion-mnist-dense", "fashion-mnist-dense-random"))
    overridden = load("fashion-mnist-dense", {"clone_with_weights.copy_weights": False}).recipe
    assert never_copied == overridden != copied


def test_the_quickstart_never_sees_its_target_classes_before_the_graft() -> None:
    for name in ("quickstart", "fashion-mnist-cnn"):
        recipe = load(name).recipe
        assert set(recipe.source.task.classes or ()).isdisjoint(recipe.target.task.classes or ())
        assert recipe.target.labels == 20


def test_an_empty_mapping_changes_nothing() -> None:
    assert load("quickstart", {"fine_tune": {}, "report": {}}).recipe == load("quickstart").recipe
