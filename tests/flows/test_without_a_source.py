"""A recipe whose base is taken in: nothing is read for a source, and every place that names one does without."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from artifacts import codecs
from artifacts.errors import UsageError
from artifacts.executions import Execution
from artifacts.refs import HistoryRef
from artifacts.runs import Runs
from artifacts.store import Store
from flows import augmented, controls, dag, data_checks, data_commands, plan, recipe_files, recorded, steps, summary
from flows.choice import choose
from flows.dag import STEPS
from flows.decisions import differences
from flows.operating.deploying import form
from flows.recipe import Recipe
from flows.recipe_base import TAKES_ITS_PLACE
from flows.recipe_files import LoadedRecipe
from flows.terminal_plot import print_history
from tasks.evaluate import evaluate
from tasks.figures import figures
from tasks.pure.bases.base import Base

RECIPE = "base: {application: MobileNetV2, weights: none}\ntarget: {dataset: npz, path: tiny.npz}\n"
SOURCE = "load_data.source"


@pytest.fixture
def taken(tiny: str) -> LoadedRecipe:
    """A recipe with a base beside the data of the tiny one."""
    path = Path(tiny).with_name("taken.yaml")
    path.write_text(RECIPE)
    return recipe_files.load(str(path))


def arguments_of(recipe: Recipe) -> dict[str, dict[str, Any]]:
    given: dict[str, dict[str, Any]] = {}

    def note(step: str, **arguments: Any) -> Any:
        given[step] = arguments
        return {
            name: f"{step}.{name}" for name in ("dataset", "inspection", "model", "history", "evaluation", "figures")
        }

    dag.wire(note, recipe)
    return given


def test_the_sentence_has_no_source(taken: LoadedRecipe) -> None:
    given = arguments_of(taken.recipe)
    assert list(given) == [step for step in STEPS if step != SOURCE]
    assert {
        step: given[step]["source"] for step in ("inspect_data", "pretrain", "evaluate", "report")
    } == dict.fromkeys(("inspect_data", "pretrain", "evaluate", "report"))
    assert given["evaluate"]["base"] is None and given["clone_with_weights"]["base"] == "save_model.model"
    assert given["pretrain"]["network"] == Base("application", "MobileNetV2", "none")
    assert given["pretrain"]["training"] is None


def test_a_base_that_is_trained_further_reads_its_source(taken: LoadedRecipe) -> None:
    more = {"source": {"dataset": "digits"}, "pretrain.epochs": 2}
    given = arguments_of(recipe_files.load(taken.name, more).recipe)
    assert given["pretrain"]["source"] == f"{SOURCE}.dataset" and given["pretrain"]["training"].epochs == 2
    assert given["evaluate"]["base"] == "save_model.model"


def planned(loaded: LoadedRecipe) -> dict[str, plan.PlannedStep]:
    return {step.step: step for step in plan.walk(loaded, choose(dag.edges(loaded.recipe), [], None, None))}


def test_a_plan_shows_the_step_that_is_left_out_and_why(taken: LoadedRecipe) -> None:
    lines = planned(taken)
    assert list(lines) == list(STEPS)
    assert (lines[SOURCE].status, lines[SOURCE].reason, lines[SOURCE].key) == ("skipped", TAKES_ITS_PLACE, None)
    assert lines["inspect_data"].status == "run"


@pytest.mark.parametrize("options", [([SOURCE], None, None), ([], SOURCE, None), ([], None, SOURCE)])
def test_who_asks_for_the_step_that_is_left_out_is_told_why(taken: LoadedRecipe, options: Any) -> None:
    with pytest.raises(
        UsageError, match=r"no `load_data\.source`: `base` takes the place of `source`\. Its steps: `load"
    ):
        choose(dag.edges(taken.recipe), *options)


def test_the_deployment_of_that_step_says_so_too(
    harness: None, taken: LoadedRecipe, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Runs(store).open("first", taken.name, "taken", {}, taken.recipe.model_dump(mode="json"))
    monkeypatch.setattr(steps, "get_run_logger", lambda: Console(quiet=True))
    monkeypatch.setattr(Console, "info", lambda *_: None, raising=False)
    with pytest.raises(UsageError, match="This recipe has no `load_data.source`"):
        steps.wish(SOURCE, taken.name, str(record.number), {}, True)


def test_the_form_of_every_step_has_its_own_keys() -> None:
    assert "`dataset`" in form(SOURCE)["properties"]["overrides"]["description"]
    assert "`epochs`" in form("pretrain")["properties"]["overrides"]["description"]


def test_data_is_looked_at_without_a_source(
    harness: None, taken: LoadedRecipe, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.data_flow import inspect

    result = inspect(taken.name, {})
    by_step = {entry["step"]: entry for entry in result["steps"]}
    assert by_step[SOURCE]["reason"] == TAKES_ITS_PLACE and by_step["inspect_data"]["status"] == "ran"
    assert [entry["step"] for entry in result["steps"]] == list(STEPS)
    assert data_commands.data(taken.name, [], shown_as_json=True, verbose=False) == 0  # all of it a hit
    found = json.loads(capsys.readouterr().out)
    assert "source" not in found and found["classes"] and not found["problems"]
    assert not [pair for pair in found["duplicates"]["exact"] if pair.startswith("source")]
    assert Path(found["report"]).read_text().count("data:image/png;base64") == 1
    again = inspect(taken.name, {})
    assert {entry["status"] for entry in again["steps"]} == {"hit", "skipped"}
    assert "nothing had changed" not in summary.sentence(Runs(store).all()[-1])  # most of it was not run


def test_what_is_left_out_is_not_counted_among_the_steps(store: Store) -> None:
    entries = [summary.entry(step, "hit", "cached") for step in STEPS[1:-1]]
    entries = [summary.entry(SOURCE, "skipped", TAKES_ITS_PLACE), *entries, summary.entry("report", "ran", "")]
    record = Runs(store).update(Runs(store).open("one", "r", "r", {}, {}), steps=entries)
    assert summary.sentence(record) == "11 of 12 steps cached · nothing had changed"


def test_a_run_is_tagged_with_its_base(taken: LoadedRecipe) -> None:
    assert recorded._tags(taken) == ["recipe: taken", "base: MobileNetV2", "data: npz"]


def test_evaluation_and_pictures_do_without_the_bases_figures(finished: str, store: Store) -> None:
    past = store.run("last")
    refs = {step: past.refs(step) for step in ("load_data.target", "inspect_data", "train_head", "fine_tune")}
    judged = evaluate.fn(
        model=refs["fine_tune"]["model"], head=refs["train_head"]["model"], base=None, source=None,
        target=refs["load_data.target"]["dataset"], inspection=refs["inspect_data"]["inspection"],
        bootstrap=100, confidence=0.95, seed=1,
    )["evaluation"]  # fmt: skip
    whole = codecs.read_evaluation(store.folder(judged))
    assert whole["base"] is None and whole["accuracy"] == past.metrics()["accuracy"]
    assert "base_accuracy" not in summary.metrics(store, judged) and "after_head_accuracy" in summary.metrics(
        store, judged
    )
    nothing = HistoryRef(store.put(codecs.encode_history(no_epochs())).ref.digest)
    histories = {"head_training": refs["train_head"]["history"], "fine_tuning": refs["fine_tune"]["history"]}
    drawn = figures.fn(evaluation=judged, pretraining=nothing, **histories, mistakes=2)["figures"]
    assert "learning_curves" in codecs.read_figures(store.folder(drawn))


def no_epochs() -> pd.DataFrame:
    return pd.DataFrame({"epoch": pd.Series(dtype=int), "loss": pd.Series(dtype=float)})


def test_a_history_without_epochs_is_shown_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    print_history(Console(), no_epochs().to_dict("list"))
    assert "no epochs" in capsys.readouterr().out


def test_the_report_gets_what_the_lineage_says_of_the_base(taken: LoadedRecipe, finished: str, store: Store) -> None:
    identity = store.run("last").execution("pretrain").identity
    noted = {"base": {"kind": "application", "name": "MobileNetV2", "licence": "Apache-2.0"}}
    execution = Execution({**identity, "parameters": {}}, store.run("last").execution("pretrain").outputs, 1.0, noted)
    store.record(execution)
    arguments = {"source": None, "target": store.run("last").ref("load_data.target", "dataset")}
    facts = summary._facts(store, taken.recipe, arguments, {"pretrain": execution.key})
    assert facts["source"] is None and facts["base"] == "MobileNetV2, copied weights"
    assert facts["taken_in"] == {**noted["base"], "called": "MobileNetV2", "trained": False}


def test_data_without_a_source_is_refused_for_its_own_faults_alone(taken: LoadedRecipe) -> None:
    target = {"pixels": {"train": [0, 255]}, "floats": False, "parts": {"train": {}, "test": {}}}
    found = {"target": target, "trained_on": []}
    assert data_checks.refusals(taken.recipe, found, {}) == []
    stopping = recipe_files.load(taken.name, {"fine_tune.early_stopping": 2}).recipe
    assert "`target` has no validation part" in data_checks.refusals(stopping, found, {})[0]


def test_the_control_of_a_base_is_found(taken: LoadedRecipe, store: Store) -> None:
    runs = Runs(store)
    random = {"clone_with_weights.copy_weights": False}
    for number, overrides in enumerate(({}, random)):
        resolved = recipe_files.load(taken.name, overrides).recipe.model_dump(mode="json")
        record = runs.open(f"r{number}", taken.name, "taken", overrides, resolved)
        runs.update(record, metrics={"accuracy": 0.5 + number / 10})
    found = controls.compare(runs.all()[0], runs.all())
    assert [each["accuracy"] for each in found["other"]] == [0.6]


def test_nothing_is_augmented_where_nothing_is_trained(taken: LoadedRecipe, store: Store) -> None:
    assert augmented.in_words(store, taken.recipe, []) == {}


def parameters(**changed: Any) -> dict[str, Any]:
    own = {"kind": "application", "name": "MobileNetV2", "weights": "imagenet", "dropout": False}
    return identity_of({**own, **changed})


def identity_of(parameters: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = {"code": {}, "data": {}, "inputs": {}, "versions": {}}
    return {"step": "pretrain", "parameters": parameters, "seed": 0, **empty}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (parameters(), parameters(weights="none"), ["parameter `base.weights` imagenet → none"]),
        (parameters(), parameters(name="VGG16", weights="none"), ["base application MobileNetV2 → application VGG16"]),
        (identity_of({"widths": [3]}), parameters(), ["base pretrained → application MobileNetV2"]),
        (identity_of({"dropout": 0.1}), identity_of({"dropout": 0.2}), ["parameter `pretrain.dropout` 0.1 → 0.2"]),
    ],
)
def test_why_a_base_is_taken_in_anew_is_told_in_the_recipes_words(old: Any, new: Any, why: list[str]) -> None:
    assert list(differences(old, new, {}, (0, 0))) == why
