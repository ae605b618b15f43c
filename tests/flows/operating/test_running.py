"""What one does with a running `graft up`: run, watch, cancel, rerun a step. A real server and a real worker."""

import json
import time

import numpy as np
import pytest

from flows.dag import STEPS
from flows.steps import dashed
from tests.flows.operating.station import LONG, Station, steps, until
from tests.flows.tiny import tiny_arrays


@pytest.fixture(scope="module")
def first(station: Station) -> str:
    """Id of a completed run of the tiny recipe, requested as the UI does."""
    run = station.run("transfer-learning/on-demand", recipe=station.recipe, overrides={"target.gate": 0.25})
    assert run.state_name == "Completed", run.state
    return str(run.id)


def test_every_deployment_is_there(station: Station) -> None:
    def names(client) -> set[str]:
        flows = {flow.id: flow.name for flow in client.read_flows()}
        return {f"{flows[each.flow_id]}/{each.name}" for each in client.read_deployments()}

    every = {f"step/{dashed(step)}" for step in STEPS}
    ours = {"transfer-learning/on-demand", "retrain/nightly", "study/weekly", "study-trial/in-pool"}
    assert station.ask(names) == {*ours, *every}


def test_the_run_says_its_name_its_tags_and_its_result(station: Station, first: str) -> None:
    run = station.flow_run(first)
    assert run.name == "tiny · seed 0"
    assert set(run.tags) == {"graft", "recipe: tiny", "data: npz"}
    accuracy = station.record(first).metrics["accuracy"]
    assert str(run.state.message).startswith(f"accuracy {accuracy:.3f} [")
    assert str(run.state.message).endswith("0 of 13 steps cached")
    assert station.record(first).deployment == "transfer-learning/on-demand"


def test_each_epoch_is_a_line_in_the_log_with_what_is_left(station: Station, first: str) -> None:
    logs = until(lambda: [line for line in station.logs(first) if "epoch" in line], 10, "epochs in the log")
    assert any(line.startswith("pretrain: epoch 1/2: loss ") and " left" in line for line in logs)
    assert any("train_head: epoch 2/2" in line and "val_accuracy" in line and "done" in line for line in logs)


def test_the_page_has_report_figures_and_lineage(station: Station, first: str) -> None:
    page = station.artifacts(first)
    assert {"report-tiny", "metrics-tiny", "lineage-tiny", "runs-of-transfer-learning-on-demand"} <= set(page)
    assert "data:image/png;base64," in page["report-tiny"]
    assert len(page["report-tiny"].encode()) < 200_000
    assert "by pretrain" in page["lineage-tiny"] and "flowchart" in page["lineage-tiny"]
    figures = {row["figure"]: row["value"] for row in json.loads(page["metrics-tiny"])}
    assert figures["accuracy"] == pytest.approx(station.record(first).metrics["accuracy"], abs=1e-4)


def test_a_run_in_which_every_step_was_a_hit_has_the_whole_page_too(station: Station, first: str) -> None:
    run = station.run("transfer-learning/on-demand", recipe=station.recipe, overrides={"target.gate": 0.25})
    assert "12 of 13 steps cached" in str(run.state.message)
    assert "nothing had changed" in str(run.state.message)
    assert {"report-tiny", "metrics-tiny", "lineage-tiny"} <= set(station.artifacts(str(run.id)))


def test_graft_run_in_another_terminal_uses_the_same_server(station: Station, first: str) -> None:
    done = station.graft("run", station.recipe, "--set", "target.gate=0.25", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert station.flow_run(result["run"]).state_name == "Completed"
    assert {entry["status"] for entry in result["steps"][:-1]} == {"hit"}


def test_status_says_server_worker_and_what_comes_next(station: Station) -> None:
    def scheduled() -> dict | None:
        found = json.loads(station.graft("status", "--json").stdout)
        return found if found["next"] else None

    found = until(scheduled, 90, "the nightly run is scheduled")
    assert found["server"]["ui"] == station.url and found["server"]["answers"]
    assert found["up"]["process"] == station.process.pid
    assert [worker["status"] for worker in found["workers"]] == ["online"]
    assert found["next"][0]["deployment"] == "retrain/nightly"


def test_a_wrong_override_fails_at_once_with_the_words_of_the_command_line(station: Station) -> None:
    run = station.run("transfer-learning/on-demand", recipe=station.recipe, overrides={"fine_tune.learning_rte": 1})
    said = station.graft("plan", station.recipe, "--set", "fine_tune.learning_rte=1").stderr.removeprefix("graft: ")
    assert run.state_name == "Failed"
    assert said.strip() in str(run.state.message)
    assert "did you mean `fine_tune.learning_rate`" in until(
        lambda: station.artifacts(str(run.id)).get("markdown"), 10, "a note on the page"
    )


def test_a_wrong_step_is_refused_by_the_form(station: Station) -> None:
    with pytest.raises(Exception, match="is not one of|not valid under"):
        station.request("transfer-learning/on-demand", recipe="quickstart", force=["fine_tun"])


@pytest.mark.slow
def test_a_failed_step_says_what_to_do_and_retry_goes_on_there(station: Station, first: str) -> None:
    """The data of the target are damaged, mended, and the same run is tried again."""
    own = station.folder / "own.npz"
    arrays = tiny_arrays(seed=3)
    np.savez(own, **{**arrays, "y_train": np.zeros_like(arrays["y_train"])})
    overrides = {"target.path": str(own), "target.gate": 0.25}
    forced = {"force": ["load_data.source"]}
    run = station.run("transfer-learning/on-demand", recipe=station.recipe, overrides=overrides, **forced)
    assert run.state_name == "Failed"
    record = station.record(str(run.id))
    origin = record.rerun_from
    assert steps(record)["load_data.source"] == "ran" and steps(record)["load_data.target"] == "failed"
    assert str(record.message) in str(run.state.message)
    note = until(lambda: station.artifacts(str(run.id)).get("markdown"), 10, "a note on the page")
    assert "at `load_data.target`" in note and "*Retry*" in note

    np.savez(own, **arrays)
    station.retry(str(run.id))
    again = until(lambda: _completed(station, str(run.id)), 120, "the retry completes")
    assert again.run_count == 2
    record = station.record(str(run.id))
    assert (record.attempt, record.state, record.rerun_from) == (2, "completed", origin)
    assert steps(record)["load_data.source"] == steps(record)["pretrain"] == "hit"  # forced once, not twice
    assert steps(record)["load_data.target"] == "ran"


def _completed(station: Station, run: str):
    found = station.flow_run(run)
    return found if found.state_name == "Completed" and found.run_count == 2 else None


def test_cancelling_in_the_middle_of_training_takes_seconds_and_leaves_the_store_clean(
    station: Station, first: str
) -> None:
    run = station.request("transfer-learning/on-demand", recipe=station.recipe, overrides={**LONG, "seed": 8})
    process = station.training(run)
    percent, words = station.progress(run)[0]
    assert 0 < percent < 50 and words.startswith("pretrain: epoch ") and words.endswith("left")
    began = time.monotonic()
    station.cancel(run)
    assert station.ended(run, 20).state_name == "Cancelled"
    assert time.monotonic() - began < 10
    until(lambda: not process.is_running(), 5, "its process has ended")
    assert station.record(run).state == "cancelled"
    assert list(station.store.scratch.glob("*")) == []
    assert station.problems() == []


def test_a_step_is_computed_again_on_what_an_earlier_run_left(station: Station, first: str) -> None:
    run = station.run(
        "step/fine-tune", step="fine_tune", recipe=station.recipe, origin=first[:8], overrides={"learning_rate": 0.002}
    )
    assert run.state_name == "Completed", run.state
    record, origin = station.record(str(run.id)), station.record(first)
    assert record.rerun_from == first
    assert any(line.startswith(f"origin: run {origin.number} ({first})") for line in station.logs(str(run.id)))
    assert [step for step, status in steps(record).items() if status == "ran"] == [
        "fine_tune",
        "evaluate",
        "figures",
        "report",
    ]
    assert record.outputs("train_head") == origin.outputs("train_head")


@pytest.mark.slow
def test_a_step_alone_leaves_out_what_follows(station: Station, first: str) -> None:
    run = station.run("step/unfreeze", step="unfreeze", origin=first, downstream=False)
    assert run.state_name == "Completed", run.state
    after = {"fine_tune", "evaluate", "figures", "report"}
    assert {steps(station.record(str(run.id)))[step] for step in after} == {"skipped"}


def test_a_step_without_an_origin_says_what_to_run_first(station: Station) -> None:
    run = station.run("step/fine-tune", step="fine_tune", recipe="fashion-mnist-cnn")
    assert run.state_name == "Failed"
    assert "Run `graft run fashion-mnist-cnn` first" in str(run.state.message)


@pytest.mark.slow
def test_an_override_of_another_section_is_refused(station: Station, first: str) -> None:
    run = station.run("step/fine-tune", step="fine_tune", origin=first, overrides={"train_head.epochs": 1})
    assert run.state_name == "Failed"
    assert "sets keys of `fine_tune` alone" in str(run.state.message)


@pytest.mark.slow
def test_the_nightly_run_ends_at_the_gate_and_says_what_was_decided(station: Station, first: str) -> None:
    overrides = {"target.gate": 0.25}
    run = station.run("retrain/nightly", recipe=station.recipe, overrides=overrides, champion="nights")
    assert run.state_name == "Completed", run.state
    assert "gate: No champion yet: the challenger is the first one." in str(run.state.message)
    assert station.record(str(run.id)).gate["promoted"] is True
    again = station.run("retrain/nightly", recipe=station.recipe, overrides=overrides, champion="nights")
    assert "nothing had changed" in str(again.state.message)
    assert "champion's very model" in str(again.state.message)
    assert "gate-tiny" in station.artifacts(str(again.id))


def test_a_second_up_is_refused_and_names_the_first(station: Station) -> None:
    done = station.graft("up", "--port", str(station.port + 1))
    assert done.returncode == 2
    assert f"process {station.process.pid}" in done.stderr and station.url in done.stderr


def test_the_server_listens_on_this_machine_alone_and_phones_nobody(station: Station) -> None:
    server = next(each for each in station.processes() if "flows.server_process" in each.cmdline())
    listening = [each.laddr.ip for each in server.net_connections() if each.status == "LISTEN"]
    assert set(listening) == {"127.0.0.1"}
    assert server.environ()["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
