"""Rate and updates of scratch are chosen on validation images, and never by the test split."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts.errors import UsageError
from artifacts.store import Store
from flows import dag, recipe_files
from flows.recipe_data import Target
from flows.study import tuning
from flows.study.arms import Tuned
from flows.study.asked import Study
from flows.study.trial_flow import chosen
from flows.study.trials import UNTIL_TUNED
from tasks.pure import splits
from tests.flows.tiny import tiny_arrays

STUDY = Study(recipe="quickstart")


def test_candidates_are_all_combinations_on_the_first_seeds() -> None:
    found = tuning.candidates(STUDY, "scratch", {}, norms=True)
    assert len({each.tuned for each in found}) == len(found) == 4 * 2
    for each in found:
        assert [trial.seed for trial in each.trials] == [0, 1, 2]
        assert {trial.loaded.recipe.train_head.learning_rate for trial in each.trials} == {each.tuned.learning_rate}


def target_of(**asked: object) -> Target:
    (first, *_) = tuning.candidates(Study(recipe="quickstart", **asked), "scratch", {}, norms=True)  # type: ignore[arg-type]
    return first.trials[0].loaded.recipe.target


def test_a_recipes_own_validation_part_stays() -> None:
    target = target_of(set={"target.validation": 0.5, "target.labels": 60})
    assert (target.labels, target.validation) == (60, 0.5)


@pytest.mark.parametrize(("labels", "drawn"), [(3, 33), (20, 60), (30, 60), (400, 800)])
def test_few_labels_are_all_trained_on_and_validated_on_further_ones(labels: int, drawn: int) -> None:
    target = target_of(set={"target.labels": labels})
    assert target.labels == drawn
    classes = np.repeat(np.arange(3 if labels % 3 == 0 else 2), 1000)
    training, validating = splits.draw(classes, np.arange(len(classes)), drawn, target.validation, 0)
    alone, _ = splits.draw(classes, np.arange(len(classes)), labels, 0, 0)
    assert training.tolist() == alone.tolist()
    assert len(validating) >= 30


def test_data_that_bring_a_validation_part_are_validated_on_it(tiny: str, store: Store) -> None:
    """To draw one as well would be refused by the data's reader."""
    data = Path(tiny).parent / "tiny.npz"
    arrays = tiny_arrays()
    np.savez(data, **arrays, x_val=arrays["x_test"], y_val=arrays["y_test"])
    asked = Study(recipe=tiny, set={"target.validation": 0, "target.labels": 20})
    (first, *_) = tuning.candidates(asked, "scratch", {}, norms=True)
    target = first.trials[0].loaded.recipe.target
    assert (target.labels, target.validation) == (20, 0)


def test_a_part_that_nobody_would_hold_out_is_refused(tiny: str) -> None:
    """The page would go on saying that rates were chosen on it."""
    asked = Study(recipe=tiny, set={"target.validation": 0.2}, scratch={"validation": 0.4})
    with pytest.raises(UsageError, match="`target.validation` keeps one"):
        tuning.candidates(asked, "scratch", {}, norms=True)


@pytest.mark.parametrize(
    ("labels", "more", "drawn"),
    [(40, {}, 80), (41, {}, 41), (20, {"target.gate": 0.5}, 20), (16, {"target.gate": 0.1}, 48)],
)
def test_of_a_users_own_images_no_more_are_asked_for_than_there_are(
    tiny: str, store: Store, labels: int, more: dict[str, Any], drawn: int
) -> None:
    """80 of the task's two classes; a gate takes some of them."""
    asked = Study(recipe=tiny, set={"target.validation": 0, "target.labels": labels, **more})
    (first, *_) = tuning.candidates(asked, "scratch", {}, norms=True)
    target = first.trials[0].loaded.recipe.target
    assert target.labels == drawn and target.validation > 0


def test_where_there_are_not_as_many_more_a_part_of_the_labels_is_held_out() -> None:
    target = target_of(set={"target.labels": 700})  # the sample has 1,200 of these two classes
    assert (target.labels, target.validation) == (700, 0.3)


def test_of_all_labels_a_part_is_held_out() -> None:
    assert target_of(set={"target.labels": "all"}).validation == 0.3
    few = target_of(set={"target.labels": 20}, scratch={"validation": 0.4})
    assert (few.labels, few.validation) == (20, 0.4)


def test_its_trials_end_before_the_test_split_is_seen() -> None:
    skipped = chosen(recipe_files.load("quickstart"), UNTIL_TUNED).skipped
    assert skipped == {"evaluate", "figures", "report"}
    assert chosen(recipe_files.load("quickstart"), None).skipped == frozenset()
    assert set(dag.STEPS) - skipped >= {"train_head", "fine_tune"}


def candidates_of(*pairs: tuple[float, int]) -> list[tuning.Candidate]:
    return [tuning.Candidate("scratch", Tuned(rate, updates), ()) for rate, updates in pairs]


def test_the_best_is_taken() -> None:
    found = candidates_of((1e-3, 1), (1e-2, 1))
    assert tuning.chosen(found, {Tuned(1e-3, 1): [0.6, 0.6], Tuned(1e-2, 1): [0.9, 0.9]}) == Tuned(1e-2, 1)


def test_within_one_standard_error_fewer_updates_are_taken() -> None:
    """Means .90 and .88, standard deviation of the better one's three seeds .05, so one standard error .029."""
    found = candidates_of((1e-3, 1), (1e-3, 3))
    near = {Tuned(1e-3, 1): [0.88, 0.88, 0.88], Tuned(1e-3, 3): [0.85, 0.90, 0.95]}
    assert tuning.chosen(found, near) == Tuned(1e-3, 1)
    far = {Tuned(1e-3, 1): [0.87, 0.87, 0.87], Tuned(1e-3, 3): [0.85, 0.90, 0.95]}
    assert tuning.chosen(found, far) == Tuned(1e-3, 3)


def test_of_equal_updates_the_better_is_taken() -> None:
    found = candidates_of((1e-4, 1), (1e-3, 1))
    near = {Tuned(1e-4, 1): [0.88, 0.88], Tuned(1e-3, 1): [0.80, 0.98]}
    assert tuning.chosen(found, near) == Tuned(1e-3, 1)


def test_one_seed_has_no_standard_error() -> None:
    found = candidates_of((1e-4, 1), (1e-3, 2))
    assert tuning.chosen(found, {Tuned(1e-4, 1): [0.8], Tuned(1e-3, 2): [0.81]}) == Tuned(1e-3, 2)


@pytest.mark.parametrize("updates", [[1], [1, 3]])
def test_never_fewer_updates_than_the_transfer_has(updates: list[int]) -> None:
    study = Study.model_validate({"recipe": "quickstart", "scratch": {"updates": updates}})
    plain = recipe_files.load("quickstart").recipe
    for each in tuning.candidates(study, "scratch", {}, norms=True):
        recipe = each.trials[0].loaded.recipe
        assert recipe.train_head.epochs >= plain.train_head.epochs
        assert recipe.fine_tune.epochs >= plain.fine_tune.epochs
