"""What only `fine_tune` has, from `stages` to `calibrate_batch_norm`: refused in words, or trained and told."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from artifacts.errors import RecipeError
from artifacts.store import Store
from artifacts.verify import verify
from flows import arguments, recipe_files, run_show
from flows.recipe import Recipe
from flows.recorded import observed_by
from flows.study import results
from flows.tuned import lines
from tasks import resuming
from tasks.pure.layer_choice import Trainable
from tasks.pure.tuning import Stage, Tuning
from tests.flows.conftest import Run
from tests.flows.test_resuming import Stopper
from tests.flows.tiny import digests, ran
from tests.tasks.pure.test_layer_choice import net

DATA = {"source": {"dataset": "fashion_mnist"}, "target": {"dataset": "digits", "labels": 100, "validation": 0.2}}
STAGES = [{"layers": 0, "epochs": 2, "learning_rate": 1e-2}, {"layers": 2, "epochs": 3}]


def recipe(**sections: Any) -> Recipe:
    return Recipe.model_validate({**DATA, **sections})


def refusal(**sections: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        recipe(**sections)
    return str(refused.value)


def test_stages_become_what_each_may_change_with_epochs_and_rate() -> None:
    found = arguments.tuning(recipe(fine_tune={"stages": STAGES, "learning_rate": 1e-3}))
    head, more = Trainable(("head",), ()), Trainable(("dense_3", "dense_4", "head"), ())
    grafted = net(*(f"dense_{number}" for number in range(1, 5)), norms=False)
    assert found.resolved(grafted) == Tuning((Stage(head, 2, 1e-2), Stage(more, 3, 1e-3)))


def test_the_epochs_are_those_of_the_stages_also_when_every_default_is_filled_in() -> None:
    staged = recipe(fine_tune={"stages": STAGES})
    assert staged.fine_tune.epochs == arguments.training(staged.fine_tune).epochs == 5
    assert Recipe.model_validate(staged.model_dump()) == staged


def test_what_a_stage_never_uses_changes_nothing() -> None:
    own = [{"layers": 0, "epochs": 2, "learning_rate": 1e-2}]
    with_rate, without = (recipe(fine_tune={"stages": own, **more}).fine_tune for more in ({"learning_rate": 0.5}, {}))
    assert arguments.training(with_rate) == arguments.training(without)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"fine_tune": {"stages": STAGES, "epochs": 7}},
            "`fine_tune.epochs`: 7, but `fine_tune.stages` have 5 together; each stage says how long it trains",
        ),
        ({"fine_tune": {"stages": STAGES, "early_stopping": 2}}, "which of the `fine_tune.stages` should end early?"),
        (
            {"fine_tune": {"stages": STAGES}, "unfreeze": {"layers": 1}},
            "`fine_tune.stages`: stage 2 trains `dense_3`, which `unfreeze.layers` leaves frozen",
        ),
        ({"fine_tune": {"stages": [{"layers": "dens_1", "epochs": 1}]}}, "no layer named `dens_1`; did you mean"),
        ({"fine_tune": {"stages": [{"layers": 9, "epochs": 1}]}}, "`fine_tune.stages`: 9 of 4 layers"),
        ({"fine_tune": {"stages": []}}, "at least 1 item"),
        ({"fine_tune": {"layer_decay": 0.0}}, "greater than 0"),
        ({"fine_tune": {"keep": "first"}}, "'last' or 'best'"),
    ],
)
def test_what_cannot_be_is_refused_in_words(sections: dict[str, Any], said: str) -> None:
    assert said in refusal(**sections)


@pytest.mark.parametrize(("key", "value"), [("keep", "best"), ("blend", True)])
def test_choosing_needs_a_validation_part(key: str, value: Any) -> None:
    blind = {"dataset": "digits", "labels": 100}
    assert f"`fine_tune.{key}`: " in (told := refusal(target=blind, fine_tune={key: value}))
    assert "chooses by the validation part, but `target` has none; set `target.validation`" in told
    recipe(target={"dataset": "npz", "path": "mine.npz"}, fine_tune={key: value})  # may bring a part of its own


def test_the_training_of_the_head_has_none_of_it() -> None:
    assert "Extra inputs" in refusal(train_head={"blend": True})


GRADUAL: dict[str, Any] = {
    "pretrain.architecture": "dense",
    "pretrain.epochs": 1,
    "unfreeze.layers": "all",
    "fine_tune.epochs": 4,
    "fine_tune.stages": [{"layers": 0, "epochs": 2}, {"layers": 1, "epochs": 2, "learning_rate": 0.01}],
    "fine_tune.keep": "best",
    "fine_tune.blend": True,
    "fine_tune.layer_decay": 0.5,
}


def test_a_staged_run_tells_what_was_chosen(run: Run, tiny: str, store: Store) -> None:
    result = run(tiny, GRADUAL)
    assert store.run("last").history("fine_tune")["stage"].tolist() == [1, 1, 2, 2]
    execution = store.execution(result["by_step"]["fine_tune"]["key"])
    assert execution is not None
    assert len(execution.facts["blended"]["curve"]) == 11
    assert {"kept epoch", "blended"} <= {label for label, _ in run_show.how(dict(execution.facts))}
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "Fine-tuning: kept epoch" in page and "Fine-tuning: blended" in page
    assert verify(store).problems == []


@pytest.mark.slow
def test_a_staged_run_resumes_to_the_same_bits(
    run: Run, tiny: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(resuming, "BETWEEN_SECONDS", 0.0)
    with observed_by(Stopper("fine_tune", 4)), pytest.raises(KeyboardInterrupt):
        run(tiny, GRADUAL)
    second = Stopper()
    with observed_by(second):
        resumed = run(tiny, GRADUAL)
    assert [epoch for name, epoch in second.epochs if name == "fine_tune"] == [4]
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "untouched"))
    assert digests(run(tiny, GRADUAL)) == digests(resumed)
    # What follows is a hit where the blend had taken all of the fine-tuned weights.
    assert ran(run(tiny, {**GRADUAL, "fine_tune.blend": False}))[:1] == ["fine_tune"]


CALIBRATED: dict[str, Any] = {
    "pretrain.architecture": "dense",
    "pretrain.batch_norm": True,
    "pretrain.batch_norm_momentum": 0.99,
    "pretrain.epochs": 1,
    "clone_with_weights.copy_weights": False,
    "freeze.layers": 0,
    "freeze.batch_norm": "trained",
    "unfreeze.layers": "all",
    "unfreeze.batch_norm": "trained",
    "target.validation": 0.3,
    "fine_tune.learning_rate": 0.01,
}


def test_a_calibrated_run_tells_of_it_and_a_study_judges_what_was_calibrated(run: Run, tiny: str, store: Store) -> None:
    result = run(tiny, {**CALIBRATED, "fine_tune.calibrate_batch_norm": True})
    execution = store.execution(result["by_step"]["fine_tune"]["key"])
    assert execution is not None
    told = execution.facts["calibrated"]
    before = store.run("last").history("fine_tune")["val_accuracy"].iloc[-1]
    assert told["batch_norms"] == 2 and told["accuracy"] != before
    loaded = recipe_files.load(tiny, {**CALIBRATED, "fine_tune.calibrate_batch_norm": True})
    assert results.validated(loaded, store) == told["accuracy"]
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert "Fine-tuning: calibrated" in page and "the statistics of 2 batch norms, on the training images" in page
    assert ran(run(tiny, CALIBRATED))[:1] == ["fine_tune"]


def test_what_was_calibrated_is_told_with_what_it_is_worth() -> None:
    shown = [lines({"calibrated": {"batch_norms": count, "accuracy": worth}}) for count, worth in ((0, 1.0), (1, None))]
    assert shown == [
        [("calibrated", "nothing: no batch norm trained")],
        [("calibrated", "the statistics of 1 batch norm, on the training images")],
    ]


def test_a_blend_is_told_with_its_shares_and_the_curve() -> None:
    tried = [{"alpha": 0.0, "accuracy": 0.5, "loss": 1.0}, {"alpha": 0.3, "accuracy": 0.75, "loss": 0.5}]
    (label, words), *_ = lines({"blended": {"alpha": 0.3, "curve": tried}})
    assert label == "blended"
    assert words.startswith("0.7 of the weights before fine-tuning and 0.3 of those after it")
    assert "0.0 → 50.0\u00a0% (1.000), 0.3 → 75.0\u00a0% (0.500)" in words
    assert "those before fine-tuning" in lines({"blended": {"alpha": 0.0, "curve": tried}})[0][1]
    assert lines({}) == []


def test_the_best_epoch_and_an_average_exclude_each_other() -> None:
    """What was validated is the average; what would be kept, the epoch's own weights."""
    settings = {"target.validation": 0.4, "fine_tune.keep": "best"}
    recipe_files.load("quickstart", settings)
    with pytest.raises(RecipeError, match=r"`fine_tune.keep`: `best` .* leave one of the two out"):
        recipe_files.load("quickstart", {**settings, "fine_tune.ema": 0.9})
