"""Room and champions, with real runs: gc beside a running flow, the gate, promotion, rollback."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts.champions import Champions
from artifacts.errors import RecordDamaged
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.verify import verify
from flows.cli import _guarded
from flows.keeping_commands import size, span
from tests.flows.conftest import Run
from tests.flows.processes import as_json, graft, start
from tests.flows.tiny import ran, tiny_arrays

Call = Callable[..., tuple[int, Any]]
GATE = {"target.gate": 0.3, "target.labels": "all", "target.validation": 0, "gate.margin": 0.3}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """`call("promote", "last")` → exit code, and what was printed (JSON where `--json` was asked for)."""

    def run_command(*arguments: str) -> tuple[int, Any]:
        code = _guarded(list(arguments))
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out + err

    return run_command


@pytest.fixture(scope="session")
def gated_store(harness: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tiny recipe and three gated runs: two good ones of two seeds, one that was hardly trained."""
    from flows.transfer_learning import transfer_learning
    from tests.flows.tiny import write_tiny_recipe

    folder = tmp_path_factory.mktemp("gated")
    recipe = str(write_tiny_recipe(folder))
    good = {
        **GATE,
        "pretrain.epochs": 8,
        "train_head.epochs": 20,
        "fine_tune.epochs": 10,
        "fine_tune.learning_rate": 0.01,
    }
    untrained = {**good, "train_head.learning_rate": 1e-9, "fine_tune.learning_rate": 1e-9}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_STORE", str(folder / "store"))
        for overrides in (good, {**good, "seed": 1}, untrained):
            transfer_learning(recipe, overrides)
    return folder


@pytest.fixture
def gated(gated_store: Path, store: Store) -> str:
    """This test's own copy of the gated runs. Returns the recipe's path."""
    shutil.copytree(gated_store / "store", store.root)
    return str(gated_store / "tiny.yaml")


# -- room


def test_store_says_what_is_there(finished: str, call: Call) -> None:
    code, found = call("store", "--json")
    assert code == 0
    assert (found["kinds"]["dataset"]["count"], found["kinds"]["history"]["count"]) == (2, 3)
    assert found["kinds"]["model"]["bytes"] > 10_000
    assert "in all" in call("store")[1]


def test_store_says_what_gc_would_free_and_gc_frees_it(run: Run, finished: str, call: Call, store: Store) -> None:
    for mistakes in (3, 4, 5, 3):  # figures cost less than a training
        run(finished, {"figures.mistakes": mistakes})
    would = call("store", "--json")[1]
    assert would["could_free"] > 0
    went = call("gc", "--keep", str(would["keep"]), "--json")[1]
    assert (went["bytes"], went["kept_runs"]) == (would["could_free"], [3, 4, 5])
    assert call("store", "--json")[1]["could_free"] == 0
    assert verify(store).problems == []


def test_after_gc_a_kept_run_is_all_hits_and_a_collected_one_runs_what_is_gone(run: Run, two: str, call: Call) -> None:
    change = {"fine_tune.learning_rate": 0.05}
    assert call("gc", "--keep", "1")[0] == 0
    assert ran(run(two, change)) == []
    assert ran(run(two)) == ["fine_tune", "evaluate", "figures"]


def test_a_dry_run_takes_nothing(run: Run, two: str, call: Call) -> None:
    code, said = call("gc", "--keep", "1", "--dry-run")
    assert "would go" in said
    assert ran(run(two)) == []


def test_a_kept_run_stays(run: Run, two: str, call: Call, store: Store) -> None:
    call("keep", "1")
    assert call("gc", "--keep", "1", "--json")[1]["artifacts"] == 0
    call("keep", "1", "--undo")
    assert call("gc", "--keep", "1", "--json")[1]["artifacts"] > 0


def test_the_champion_stays(run: Run, two: str, call: Call) -> None:
    call("promote", "1")
    assert call("gc", "--keep", "0", "--json")[1]["kept_runs"] == [1]
    assert call("show", "1", "fine_tune", "--json")[0] == 0


@pytest.mark.slow
def test_gc_beside_a_running_flow_harms_it_not(run: Run, finished: str, store: Store) -> None:
    from prefect.settings import PREFECT_API_URL

    served = {"PREFECT_API_URL": str(PREFECT_API_URL.value())}
    process = start("run", finished, "--set", "train_head.epochs=60", "--set", "seed=5", "--json", **served)
    deadline, collected = time.monotonic() + 120, 0
    while process.poll() is None and time.monotonic() < deadline:
        done = graft("gc", "--keep", "0", "--json", **served)
        assert done.returncode == 0, done.stderr
        collected += as_json(done)["artifacts"]
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert collected > 0  # the first run's, which nothing kept
    assert json.loads(out)["state"] == "completed"
    assert verify(store).problems == []


@pytest.mark.parametrize(("text", "seconds"), [("30d", 30 * 86400), ("12h", 43200), ("1.5m", 90), ("2w", 1209600)])
def test_spans_are_read(text: str, seconds: float) -> None:
    assert span(text) == seconds


def test_what_is_no_span_or_no_number_is_bad_usage(finished: str, call: Call) -> None:
    code, said = call("gc", "--keep", "1", "--older-than", "soon")
    assert code == 2 and "30d, 12h or 90m" in said
    assert call("gc", "--keep", "1", "--older-than", "")[0] == 2
    assert call("gc")[0] == 2
    assert call("gc", "--keep", "-1")[0] == 2


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (2.5e9, "2.5 GB")])
def test_sizes_are_for_people(count: float, text: str) -> None:
    assert size(count) == text


# -- champions


def test_promote_champion_rollback(run: Run, two: str, call: Call) -> None:
    assert "No champion `champion` yet" in call("champion")[1]
    assert call("promote", "1", "--because", "the first")[0] == 0
    assert call("promote", "2")[0] == 0
    history = call("champion", "--json")[1]["history"]
    assert [(reign["number"], reign["how"], reign["evidence"]["because"]) for reign in history] == [
        (1, "promoted", "the first"),
        (2, "promoted", None),
    ]
    assert call("rollback") == (0, "Run 1 is `champion` again, in the place of run 2.\n")
    assert call("champion", "--json")[1]["history"][-1]["run"] == history[0]["run"]
    code, said = call("rollback")
    assert code == 2 and "no earlier champion" in said


def test_a_run_without_an_evaluation_cannot_be_champion(run: Run, finished: str, call: Call) -> None:
    run(finished, only="train_head")
    code, said = call("promote", "last")
    assert code == 1 and "has no result" in said
    assert call("champion", "--json")[1]["history"] == []


def test_a_damaged_champion_is_set_aside_by_the_next_promotion(finished: str, call: Call, store: Store) -> None:
    call("promote", "1")
    Champions(store).path("champion").write_bytes(b"{}")
    code, said = call("champion")
    assert code == 1 and "Traceback" not in said
    code, said = call("promote", "1")
    assert code == 0 and "set aside" in said
    assert verify(store).problems == []


# -- the gate


def test_the_gate_promotes_nobody_past_a_champion_whose_record_is_damaged(gated: str, call: Call, store: Store) -> None:
    call("promote", "1")
    path = Champions(store).path("champion")
    whole = path.read_bytes()
    path.write_bytes(b"{}")
    code, said = call("promote", "3", "--gate")
    assert code == 1 and "cannot tell whom to compare with" in said and "Put a good copy" in said
    assert path.read_bytes() == b"{}"
    path.write_bytes(whole)
    reign = Champions(store).current()
    assert reign is not None and reign.number == 1


def test_a_schedule_is_told_of_a_damaged_champion_before_it_trains(harness: None, gated: str, store: Store) -> None:
    from flows.retrain import retrain

    Champions(store).path("champion").parent.mkdir(parents=True)
    Champions(store).path("champion").write_bytes(b"{}")
    with pytest.raises(RecordDamaged, match="cannot tell whom to compare with"):
        retrain(gated, GATE)
    assert Runs(store).find("last").number == 3


def test_store_says_what_is_there_when_a_damaged_record_keeps_gc_from_saying_what_it_could_free(
    finished: str, call: Call, store: Store
) -> None:
    Runs(store).path(Runs(store).find("last").id).write_bytes(b"{}")
    code, said = call("store")
    assert code == 0 and "in all" in said and "gc` can free nothing now" in said
    code, said = call("gc", "--keep", "1")
    assert code == 1 and "Nothing was taken away" in said


def test_without_a_gate_split_the_champion_stays(finished: str, call: Call) -> None:
    code, found = call("promote", "1", "--gate", "--json")
    assert (code, found["outcome"], found["promoted"]) == (1, "no gate split", False)
    assert found["message"].endswith("There is no champion yet, and none was made.")
    assert call("champion", "--json")[1]["history"] == []


def test_the_first_challenger_is_champion(gated: str, call: Call) -> None:
    code, found = call("promote", "1", "--gate", "--json")
    assert (code, found["outcome"]) == (0, "no champion")


def test_the_gate_promotes_a_challenger_that_is_not_worse(gated: str, call: Call, store: Store) -> None:
    call("promote", "1")
    code, found = call("promote", "2", "--gate", "--json")
    assert (code, found["outcome"]) == (0, "not worse"), found["evidence"]
    assert found["evidence"]["champion_accuracy"] > 0.8
    reign = Champions(store).current()
    assert reign is not None and (reign.number, reign.how) == (2, "gate")
    assert reign.evidence["p"] <= 0.05
    assert "points on" in call("champion")[1]


def test_the_gate_refuses_one_that_is_worse_and_says_by_how_much(gated: str, call: Call, store: Store) -> None:
    call("promote", "1")
    code, found = call("promote", "3", "--gate", "--json")
    assert (code, found["outcome"]) == (1, "worse"), found["evidence"]
    assert found["evidence"]["difference"] < 0
    (refusal,) = call("champion", "--json")[1]["refused"]
    assert (refusal["number"], refusal["evidence"]) == (3, found["evidence"])
    assert "refused: run 3" in call("champion")[1]
    reign = Champions(store).current()
    assert reign is not None and reign.number == 1


def test_the_gate_meets_the_champions_own_model(run: Run, gated: str, call: Call) -> None:
    call("promote", "1")
    run(gated, dict(Runs(Store()).find("1").overrides))
    code, found = call("promote", "last", "--gate", "--json")
    assert (code, found["outcome"]) == (1, "same model")


@pytest.mark.parametrize("options", [(), ("--gate",)])
def test_promoting_the_champion_changes_nothing(gated: str, call: Call, options: tuple[str, ...]) -> None:
    call("promote", "1")
    code, found = call("promote", "1", *options, "--json")
    assert (code, found["outcome"]) == (0, "same run")
    assert len(call("champion", "--json")[1]["history"]) == 1


def test_the_gate_meets_other_classes(run: Run, gated: str, call: Call, quick: None) -> None:
    call("promote", "1")
    run(gated, {**GATE, "target.task": {"classes": [1, 3]}})
    code, found = call("promote", "last", "--gate", "--json")
    assert (code, found["outcome"]) == (1, "other classes")


@pytest.mark.slow
def test_the_gate_meets_another_input_shape(run: Run, gated: str, call: Call, tmp_path: Path) -> None:
    call("promote", "1")
    arrays = tiny_arrays()
    for name in ("x_train", "x_test"):
        arrays[name] = np.repeat(np.repeat(arrays[name], 2, axis=1), 2, axis=2)
    np.savez(tmp_path / "large.npz", **arrays)
    run(gated, {**GATE, "target.path": str(tmp_path / "large.npz")})
    code, found = call("promote", "last", "--gate", "--json")
    assert (code, found["outcome"]) == (1, "other input shape")


@pytest.mark.slow
def test_gate_images_that_the_champion_was_trained_on_do_not_count(run: Run, gated: str, call: Call) -> None:
    run(gated, {"target.gate": 0, "target.labels": "all", "target.validation": 0})
    call("promote", "last")
    code, found = call("promote", "1", "--gate", "--json")
    assert (code, found["outcome"]) == (1, "no gate split")
    assert found["evidence"]["excluded"] > 0


def test_the_gate_is_trained_on_by_no_step_and_is_not_the_test_split(gated: str, store: Store) -> None:
    from artifacts import array_codecs

    folders = [store.run("1").folder(f"load_data.{role}", "dataset") for role in ("source", "target")]
    gate = {image.tobytes() for image in array_codecs.read_part(folders[1], "gate")[0]}
    assert gate
    for folder in folders:
        for part in ("train", "validation", "test"):
            assert not gate & {image.tobytes() for image in array_codecs.read_part(folder, part)[0]}
    assert Runs(store).find("1").metrics["num_test"] == 40
