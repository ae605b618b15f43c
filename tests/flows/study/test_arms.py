"""The arms of a study are the recipe with other parameters; the controls among them are fair."""

import pytest

from artifacts.errors import RecipeError, UsageError
from flows import arguments, recipe_files
from flows.recipe import Recipe
from flows.study import arms
from flows.study.arms import ARMS, OF_TRANSFER, Tuned, overrides

QUICKSTART = "quickstart"


def changed(arm: str, tuned: Tuned | None = None, **settings: object) -> tuple[Recipe, Recipe]:
    """The recipe, and the arm of it."""
    plain = recipe_files.load(QUICKSTART, settings)
    return plain.recipe, recipe_files.load(QUICKSTART, {**settings, **overrides(arm, plain.recipe, True, tuned)}).recipe


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_is_a_possible_recipe(arm: str) -> None:
    plain, recipe = changed(arm, Tuned(1e-3, 2), **{"unfreeze.layers": 1})
    assert (recipe == plain) == (arm in ("transfer", *OF_TRANSFER))


def test_a_random_base_differs_by_the_copied_weights_alone() -> None:
    plain, recipe = changed("random-base")
    assert recipe.model_dump(exclude={"clone_with_weights"}) == plain.model_dump(exclude={"clone_with_weights"})
    assert not recipe.clone_with_weights.copy_weights


@pytest.mark.parametrize("updates", [1, 3])
def test_scratch_never_has_fewer_updates_than_transfer_has_in_all(updates: int) -> None:
    plain, recipe = changed("scratch", Tuned(1e-3, updates))
    total = plain.train_head.epochs + plain.fine_tune.epochs
    assert recipe.train_head.epochs + recipe.fine_tune.epochs == updates * total
    assert recipe.train_head.batch_size == plain.train_head.batch_size


def test_scratch_counts_the_epochs_of_all_stages() -> None:
    stages = [{"layers": 0, "epochs": 3}, {"layers": 1, "epochs": 4}]
    plain, recipe = changed("scratch", Tuned(1e-3, 2), **{"fine_tune.epochs": 7, "fine_tune.stages": stages})
    assert recipe.fine_tune.stages is None
    assert recipe.fine_tune.epochs == 2 * 7


def test_scratch_trains_everything_and_learns_its_norms() -> None:
    _, recipe = changed("scratch", Tuned(1e-3, 1))
    assert (recipe.freeze.layers, recipe.unfreeze.layers) == (0, "all")
    assert (recipe.freeze.batch_norm, recipe.unfreeze.batch_norm) == ("trained", "trained")
    assert not recipe.clone_with_weights.copy_weights
    assert recipe.fine_tune.calibrate_batch_norm, "a control must not lose by statistics that lag behind its weights"


def test_without_a_freeze_the_weights_are_copied_and_the_norms_stay_as_the_recipe_has_them() -> None:
    plain, recipe = changed("no-freeze", Tuned(1e-3, 1))
    assert recipe.clone_with_weights.copy_weights and recipe.freeze.layers == 0
    assert recipe.unfreeze.batch_norm == plain.unfreeze.batch_norm
    assert not recipe.fine_tune.calibrate_batch_norm


def test_self_pretrains_on_the_very_labels_of_the_target() -> None:
    """Other labels of the same task would be labels that no other arm has."""
    _, recipe = changed("self")
    assert arguments.selection(recipe, "source") == arguments.selection(recipe, "target")


def test_another_source_of_the_same_data_draws_labels_of_its_own() -> None:
    recipe = recipe_files.load(QUICKSTART, {"source.labels": 100}).recipe
    assert arguments.selection(recipe, "source").seed != arguments.selection(recipe, "target").seed


def test_a_base_that_is_there_has_no_arm_self() -> None:
    recipe = recipe_files.load("photos").recipe
    with pytest.raises(UsageError, match="pretrains nothing"):
        overrides("self", recipe, True)


def test_an_unknown_arm_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError, match=r"No arm `skratch`.*scratch"):
        overrides("skratch", recipe_files.load(QUICKSTART).recipe, True)


def test_norms_are_left_alone_where_there_are_none() -> None:
    plain = recipe_files.load("fashion-mnist-dense").recipe
    own = overrides("scratch", plain, False, Tuned(1e-3, 1))
    assert recipe_files.load("fashion-mnist-dense", own).recipe.freeze.batch_norm == "frozen"
    with pytest.raises(RecipeError, match="no batch norm"):
        recipe_files.load("fashion-mnist-dense", overrides("scratch", plain, True, Tuned(1e-3, 1)))


def test_what_the_verdict_is_about_comes_first() -> None:
    assert arms.comparisons(("head-only", "self", "transfer", "raw-pixels", "scratch")) == [
        "raw-pixels",
        "scratch",
        "head-only",
        "self",
    ]


STAGES = {
    "fine_tune.epochs": 50,  # of both together
    "fine_tune.stages": [{"layers": 1, "epochs": 20, "learning_rate": 1e-3}, {"layers": "all", "epochs": 30}],
}


@pytest.mark.parametrize("arm", ["fine-tune-all", "no-freeze", "scratch"])
def test_stages_become_one_training_of_as_many_epochs(arm: str) -> None:
    recipe = recipe_files.load("quickstart", STAGES).recipe
    own = overrides(arm, recipe, True)
    assert (own["fine_tune.stages"], own["fine_tune.epochs"], own["fine_tune.learning_rate"]) == (None, 50, 1e-3)
    assert recipe_files.load("quickstart", {**STAGES, **own}).recipe.fine_tune.epochs == 50


def test_a_tuned_arm_never_stops_early_and_needs_no_frozen_layers() -> None:
    settings = {"target.validation": 0.3, "train_head.early_stopping": 2, "fine_tune.early_stopping": 2}
    recipe = recipe_files.load("quickstart", settings).recipe
    own = overrides("scratch", recipe, True, Tuned(1e-3, 1))
    judged = recipe_files.load("quickstart", {**settings, **own}).recipe
    assert judged.train_head.early_stopping is judged.fine_tune.early_stopping is None
    assert own["train_head.augment_copies"] is None


def test_self_draws_its_labels_from_what_the_target_draws_from() -> None:
    settings = {"target.duplicates": "drop"}
    recipe = recipe_files.load("quickstart", settings).recipe
    own = recipe_files.load("quickstart", {**settings, **overrides("self", recipe, True)}).recipe
    assert arguments.selection(own, "source") == arguments.selection(own, "target")
