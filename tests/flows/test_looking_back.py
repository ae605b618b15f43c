"""After the run: list, show, compare, trace and export what real runs left."""

import io
import json
import shutil
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from packaging.requirements import Requirement

from artifacts.errors import UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from flows.cli import _guarded
from flows.origin import rerun_from
from flows.run_lineage import trace
from flows.runs_diff import compare
from tests.flows.conftest import Command, Run
from tests.flows.many_runs import multiply
from tests.flows.processes import ROOT, environment, start
from tests.flows.tiny import ORDER, tiny_arrays

# -- the record


def test_the_record_has_the_name_of_prefects_flow_run(run: Run, finished: str, store: Store) -> None:
    from prefect.client.orchestration import get_client

    result = run(finished)
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(result["run"])
    record = Runs(store).get(result["run"])
    assert (record.id, record.name) == (str(flow_run.id), flow_run.name)
    assert record.name == "tiny · seed 0"


def test_a_rerun_names_the_run_that_it_was_rerun_from(run: Run, finished: str, store: Store) -> None:
    first = Runs(store).find("last")
    again = Runs(store).get(run(finished, only="train_head")["run"])
    assert (first.rerun_from, again.rerun_from) == (None, first.id)
    assert Runs(store).get(run(finished)["run"]).rerun_from is None


def test_a_rerun_names_the_run_with_the_same_parameters_not_the_last_one(run: Run, two: str, store: Store) -> None:
    again = Runs(store).get(run(two, force=["freeze"])["run"])
    assert again.rerun_from == Runs(store).find("1").id


def test_a_rerun_with_new_parameters_names_the_run_with_most_steps_in_common(run: Run, two: str, store: Store) -> None:
    from flows import recipe_files
    from flows.choice import choose
    from flows.dag import edges

    run(two, {"seed": 1}, only="load_data.target")

    def origin(**overrides: Any) -> int | None:
        loaded = recipe_files.load(two, {name.replace("__", "."): value for name, value in overrides.items()})
        found = rerun_from(Runs(store), loaded, choose(edges(loaded.recipe), ["freeze"], None, None))
        return found.number if found else None

    assert origin(fine_tune__learning_rate=0.05, figures__mistakes=3) == 2
    assert origin(seed=1, figures__mistakes=3) == 3
    assert origin(fine_tune__learning_rate=0.05) == 2


def test_a_step_run_alone_takes_what_its_origin_made_not_what_was_made_under_the_same_key_since(
    harness: None, finished: str, store: Store
) -> None:
    from flows.steps import step

    origin = store.run("last")
    others = origin.execution("train_head").outputs
    store.record(replace(origin.execution("pretrain"), outputs=others))
    done = {entry["step"]: entry for entry in step("figures", recipe=finished)["steps"]}
    assert done["pretrain"]["outputs"] == origin.record.outputs("pretrain")
    assert done["figures"]["outputs"] == origin.record.outputs("figures")


def test_a_run_that_was_killed_is_interrupted_to_the_next_command(
    harness: None, tiny: str, store: Store, command: Command
) -> None:
    from prefect.settings import PREFECT_API_URL

    process = start("run", tiny, "--set", "pretrain.epochs=500", PREFECT_API_URL=str(PREFECT_API_URL.value()))
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not any(record.steps for record in Runs(store).all()):
        time.sleep(0.05)
    assert [each["state"] for each in json.loads(command("runs", "--json"))["runs"]] == ["running"]
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert [each["state"] for each in json.loads(command("runs", "--json"))["runs"]] == ["interrupted"]
    assert "interrupted" in command("show", "last")


# -- graft runs


def test_runs_are_listed_newest_first_with_their_figures(two: str, command: Command) -> None:
    listed = json.loads(command("runs", "--json"))["runs"]
    assert [each["number"] for each in listed] == [2, 1]
    assert (listed[0]["hit"], listed[0]["ran"], listed[0]["state"]) == (9, 4, "completed")
    assert listed[1]["overrides"] == {}
    assert 0 <= listed[0]["accuracy_low"] <= listed[0]["accuracy"] <= listed[0]["accuracy_high"] <= 1
    table = command("runs")
    assert table.index("fine_tune" if "fine_tune" in table else "2 ") < table.rindex("1 ")


def test_the_csv_is_what_pandas_reads(two: str, command: Command) -> None:
    frame = pd.read_csv(io.StringIO(command("runs", "--csv")))
    assert frame["number"].tolist() == [2, 1]
    assert frame["accuracy"].dtype == np.float64
    assert frame.loc[0, "overrides"] == "fine_tune.learning_rate=0.05"


def test_runs_are_filtered_by_recipe_state_and_metric(two: str, command: Command) -> None:
    def numbers(*options: str) -> list[int]:
        return [each["number"] for each in json.loads(command("runs", "--json", *options))["runs"]]

    assert numbers("--recipe", "tiny") == numbers("--recipe", two) == [2, 1]
    assert numbers("--recipe", "quickstart") == numbers("--state", "failed") == []
    assert numbers("--metric", "accuracy>=0") == [2, 1]
    assert numbers("--metric", "accuracy > 1") == []
    assert numbers("--limit", "1") == [2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--metric", "accuracy"), "accuracy>=0.9"),
        (("--metric", "acuracy>0.5"), "No metric `acuracy`"),
        (("--metric", "accuracy>high"), "accuracy>=0.9"),
        (("--state", "complete"), "Did you mean `completed`"),
    ],
)
def test_a_filter_that_is_none_is_bad_usage(
    finished: str, command: Command, options: tuple[str, ...], said: str
) -> None:
    assert said in command("runs", *options, code=2)


def test_an_empty_store_has_no_runs_and_says_how_to_begin(command: Command, store: Store) -> None:
    assert "graft run quickstart" in command("runs")
    assert json.loads(command("runs", "--json")) == {"runs": []}
    assert "graft run quickstart" in command("show", "last", code=2)
    assert not store.root.exists()


# -- naming a run


def test_a_run_is_named_by_id_beginning_number_name_or_last(finished: str, store: Store) -> None:
    runs = Runs(store)
    record = runs.find("last")
    for wanted in (record.id, record.id[:8], "1", "tiny · seed 0"):
        assert runs.find(wanted) == record


def test_a_name_of_two_runs_is_refused_with_their_numbers(two: str, store: Store) -> None:
    with pytest.raises(UsageError, match=r"is the name of 2 runs: 2 \(.*, 1 \("):
        Runs(store).find("tiny · seed 0")


@pytest.mark.parametrize("wanted", ["", "zzz", "999999999", "tiny"])
def test_a_run_that_is_not_there_is_refused_with_the_newest_named(two: str, store: Store, wanted: str) -> None:
    with pytest.raises(UsageError, match=r"No run .*The newest: 2 \("):
        Runs(store).find(wanted)


# -- graft show


def test_show_says_what_a_run_was(two: str, command: Command) -> None:
    shown = command("show", "last")
    for part in ("fine_tune.learning_rate=0.05", "completed", "report.html", *ORDER):
        assert part in shown
    whole = json.loads(command("show", "last", "--json"))
    assert whole["resolved"]["fine_tune"]["learning_rate"] == 0.05
    assert whole["command"] == f"graft run {two} --set fine_tune.learning_rate=0.05"


@pytest.mark.parametrize("step", ORDER)
def test_show_says_what_a_step_got_and_gave(finished: str, command: Command, step: str) -> None:
    whole = json.loads(command("show", "1", step, "--json"))
    assert whole["step"] == step
    assert command("show", "1", step).startswith("step")
    if step != "report":
        assert whole["outputs"] and whole["code"] and whole["versions"]["python"]


def test_show_draws_a_trainings_history(finished: str, command: Command) -> None:
    shown = command("show", "last", "fine_tune")
    assert "accuracy by epoch" in shown
    assert "after 2 epochs: loss" in shown
    assert "model from" not in shown and "from `unfreeze`" in shown


def test_show_of_a_step_that_did_not_run_names_those_that_did(run: Run, finished: str, command: Command) -> None:
    run(finished, only="train_head")
    assert "`evaluate` has no result in run 2 (completed)" in command("show", "last", "evaluate", code=1)
    assert "Did you mean `fine_tune`" in command("show", "last", "finetune", code=2)


# -- graft diff


def test_diff_names_what_differs_and_nothing_else(two: str, store: Store, command: Command) -> None:
    found = compare(store.run("1"), store.run("2"))
    assert found["parameters"] == {"fine_tune.learning_rate": [0.001, 0.05]}
    assert (found["code"], found["data"], found["versions"], found["unknown"]) == ({}, {}, {}, [])
    before, after = (store.run(number).predictions()["right"].to_numpy() for number in ("1", "2"))
    assert found["accuracy"]["difference"] == pytest.approx(after.mean() - before.mean())
    assert (found["accuracy"]["gained"], found["accuracy"]["lost"]) == (
        int((~before & after).sum()),
        int((before & ~after).sum()),
    )
    assert "exact McNemar p" in command("diff", "1", "2")


@pytest.mark.slow
def test_diff_names_data_that_changed_and_compares_no_accuracies_then(
    run: Run, tiny: str, store: Store, command: Command
) -> None:
    run(tiny)
    np.savez(Path(tiny).with_name("tiny.npz"), **tiny_arrays(seed=1))
    run(tiny)
    found = json.loads(command("diff", "1", "2", "--json"))
    assert set(found["data"]) == {"load_data.source: npz", "load_data.target: npz"}
    assert found["accuracy"] is None
    assert "not tested on the same images" in found["accuracy_note"]


def test_diff_compares_no_accuracies_where_the_same_images_have_other_labels(
    quick: None, run: Run, finished: str, store: Store, command: Command, tmp_path: Path
) -> None:
    np.savez(tmp_path / "named.npz", **tiny_arrays(), class_names=np.array(["a", "b", "c", "d"]))
    run(finished, {"target.path": str(tmp_path / "named.npz")})
    found = json.loads(command("diff", "1", "2", "--json"))
    assert found["accuracy"] is None
    assert "other labels" in found["accuracy_note"]


# -- graft lineage


def test_lineage_goes_back_to_files_code_and_versions(finished: str, store: Store, command: Command) -> None:
    found = json.loads(command("lineage", "last", "--format", "json"))
    assert {each["step"] for each in found["executions"]} == set(ORDER) - {"figures", "report"}
    assert set(found["data"]) == {"npz"}
    assert "tasks/pure/surgery.py" in found["code"]
    assert {"python", "keras", "tensorflow"} <= set(found["versions"])


def test_lineage_names_all_executions_that_made_the_same_bits(finished: str, store: Store, command: Command) -> None:
    base = store.run("last").ref("pretrain", "model")
    (root,) = trace(store, base.digest[7:20]).roots
    assert root == base
    makers = trace(store, base.digest).makers[base]
    assert {execution.step for execution in makers} == {"pretrain", "save_model"}
    assert "by pretrain" in command("lineage", base.digest[:20])


def test_lineage_as_a_flowchart_names_each_node_once(finished: str, command: Command) -> None:
    chart = command("lineage", "last", "--format", "mermaid")
    assert chart.startswith("flowchart LR\n")
    defined = [
        line.split("[")[0].split("(")[0].strip() for line in chart.splitlines()[1:] if '["' in line or '("' in line
    ]
    nodes = [name for name in defined if not name.startswith("file")]
    assert len(nodes) == len(set(nodes)) > 10


def test_lineage_of_nothing_says_what_may_be_named(finished: str, command: Command) -> None:
    assert "No run `nothing`" in command("lineage", "nothing", code=2)
    assert "6 hex digits" in command("lineage", "nothing", code=2)
    assert "Did you mean `mermaid`" in command("lineage", "last", "--format", "mermeid", code=2)


def test_lineage_leaves_a_damaged_record_out_and_says_so(
    finished: str, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.execution_path(store.run("last").keys["freeze"]).write_bytes(b"{}")
    assert _guarded(["lineage", "last"]) == 0
    out, err = capsys.readouterr()
    assert "no execution in the store made it" in out
    assert "is damaged and was left out" in err


# -- graft export

ELSEWHERE = """
import sys
class NoGraft:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("flows", "tasks", "artifacts"):
            raise ImportError(f"{name}: graft is not installed here")
sys.meta_path.insert(0, NoGraft())
import json, zipfile
import keras, numpy as np, pandas as pd
folder = sys.argv[1]
model = keras.saving.load_model(f"{folder}/model.keras")
shown = np.asarray(model(np.load(f"{folder}/../images.npy"), training=False))
frame = pd.read_csv(f"{folder}/predictions.csv", float_precision="round_trip")
expected = frame.filter(like="p(").to_numpy(np.float32)
names = json.loads(zipfile.ZipFile(f"{folder}/model.keras").read("class_names.json"))
builtin = all(type(layer).__module__.startswith("keras.src.") for layer in model._flatten_layers())
print(json.dumps({"same": bool((shown[:, 0] == expected[:, 1]).all()), "names": names, "builtin": builtin}))
"""


def test_an_exported_run_loads_and_predicts_in_plain_keras_without_graft(
    finished: str, store: Store, command: Command, tmp_path: Path
) -> None:
    run = store.run("last")
    command("export", "last", str(tmp_path / "out"))
    shutil.copy(run.folder("load_data.target", "dataset") / "x_test.npy", tmp_path / "images.npy")
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path / "out")],
        env=environment(PYTHONPATH=None, KERAS_BACKEND="tensorflow"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"same": True, "names": ["2", "3"], "builtin": True}


def test_an_export_holds_all_that_one_needs(finished: str, command: Command, store: Store, tmp_path: Path) -> None:
    command("export", "last", str(tmp_path / "out"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "model.keras", "class_names.json", "metrics.json", "predictions.csv", "recipe.yaml", "requirements.txt",
        "history-pretrain.csv", "history-train_head.csv", "history-fine_tune.csv", "report.html", "report.md",
        "input.json", "preprocess.py",
    }  # fmt: skip
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == store.run("last").metrics()
    assert "tensorflow==" in (tmp_path / "out" / "requirements.txt").read_text()
    assert "pillow==" in (tmp_path / "out" / "requirements.txt").read_text()
    taken = json.loads((tmp_path / "out" / "input.json").read_text())
    assert (taken["shape"], taken["range"], taken["class_names"]) == ([8, 8, 1], [0, 255], ["2", "3"])
    assert taken["decoding"] == {
        "channels": 1, "size": [8, 8], "fit": "stretch", "background": "white", "value_range": None
    }  # fmt: skip


def test_the_exported_requirements_are_those_of_the_run_whoever_else_made_the_same_bits(
    finished: str, command: Command, store: Store, tmp_path: Path
) -> None:
    execution = store.run("last").execution("evaluate")
    versions = {**execution.identity["versions"], "numpy": "1.0"}
    store.record(replace(execution, identity={**execution.identity, "versions": versions}))
    command("export", "last", str(tmp_path / "out"))
    lines = (tmp_path / "out" / "requirements.txt").read_text().splitlines()
    assert f"numpy=={np.__version__}" in lines
    assert all(Requirement(line) for line in lines if not line.startswith("#"))
    assert not any("1.0" in line for line in lines if line.startswith(("numpy", "#")))


def test_the_exported_recipe_repeats_the_run(run: Run, finished: str, command: Command, tmp_path: Path) -> None:
    command("export", "last", str(tmp_path / "out"))
    again = run(str(tmp_path / "out" / "recipe.yaml"))
    assert {entry["status"] for entry in again["steps"][:-1]} == {"hit"}


def test_an_export_overwrites_nothing(finished: str, command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    assert "is there already" in command("export", "last", str(tmp_path / "mine"), code=2)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_an_export_of_a_run_without_an_evaluation_leaves_nothing(
    run: Run, finished: str, command: Command, tmp_path: Path
) -> None:
    run(finished, only="train_head")
    assert "has no result" in command("export", "last", str(tmp_path / "out"), code=1)
    assert not list(tmp_path.glob("**/model.keras")) or not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".graft-export-*"))


# -- from Python


def test_a_notebook_gets_model_histories_and_predictions(finished: str, store: Store) -> None:
    run = Store().run("last")
    frame = run.predictions()
    assert list(frame.columns) == ["label", "predicted", "right", "p(2)", "p(3)"]
    assert frame["right"].mean() == run.record.metrics["accuracy"]
    assert run.history()["step"].unique().tolist() == ["pretrain", "train_head", "fine_tune"]
    assert list(run.history("fine_tune").columns)[:3] == ["epoch", "loss", "accuracy"]
    assert run.model().output_shape == (None, 1)
    assert run.model("pretrain").name == "graft"


# -- a thousand runs


def seconds(*arguments: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], env=environment(), cwd=ROOT, check=True, capture_output=True)
    return time.perf_counter() - began


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("runs",), ("show", "last"), ("lineage", "last")])
def test_with_a_thousand_runs_it_takes_less_than_twice_an_import_of_prefect(
    finished: str, store: Store, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    multiply(store, 1000)
    ours = statistics.median(seconds("-m", "flows.cli", *arguments) for _ in range(3))
    theirs = statistics.median(seconds("-c", "import prefect") for _ in range(3))
    with capsys.disabled():
        print(f"\ngraft {' '.join(arguments)} with 1,000 runs: {ours:.2f} s; import prefect: {theirs:.2f} s")
    assert ours < 2 * theirs


def test_any_of_them_on_a_damaged_run_record_goes_on_with_the_others(two: str, store: Store, command: Command) -> None:
    Runs(store).path(Runs(store).find("2").id).write_bytes(b"{}")
    assert [each["number"] for each in json.loads(command("runs", "--json"))["runs"]] == [1]
