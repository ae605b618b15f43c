"""What lies on the server after a deployment, that doing it again changes nothing, and that a schedule fires."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect.client.orchestration import SyncPrefectClient

from artifacts.errors import UsageError
from flows.operating import api, deploying, vanished
from flows.operating.deploying import Removed
from flows.steps import dashed
from tests.flows.operating.station import Station, steps, until
from tests.flows.processes import ROOT
from tests.flows.tiny import tiny_arrays

NIGHTLY = "retrain/nightly"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of `prefect.yaml` to change."""
    shutil.copy(ROOT / "prefect.yaml", tmp_path)
    return tmp_path


def changed(project: Path, before: str, after: str) -> None:
    file = project / "prefect.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def deploy(station: Station, root: Path = ROOT) -> list[Removed]:
    return station.ask(lambda client: deploying.deploy(client, f"{station.url}/api", "graft", root))[1]


def snapshot(client: SyncPrefectClient) -> dict[str, Any]:
    """Everything that a person has said of the deployments, and the automation."""
    moving = {"updated", "created", "last_polled", "status", "id", "disabled"}
    found: dict[str, Any] = {}
    for each in client.read_deployments():
        plain = each.model_dump(mode="json", exclude={*moving, "schedules"})
        schedules = [schedule.model_dump(mode="json", exclude=moving) for schedule in each.schedules]
        found[f"{each.flow_id}/{each.name}"] = {**plain, "schedules": schedules}
    automations = client.read_automations_by_name(name=vanished.NAME)
    return {**found, "automations": [each.model_dump(mode="json", exclude=moving) for each in automations]}


def nightly(client: SyncPrefectClient) -> Any:
    return client.read_deployment_by_name(NIGHTLY)


def test_deploying_again_changes_nothing(station: Station) -> None:
    before = station.ask(snapshot)
    assert deploy(station) == []
    assert station.ask(snapshot) == before


def test_the_nightly_deployment_is_what_the_file_says(station: Station) -> None:
    found = station.ask(nightly)
    schedule = found.schedules[0]
    assert (schedule.slug, schedule.schedule.cron, schedule.schedule.timezone) == (
        "nightly",
        "30 2 * * *",
        "Europe/Berlin",
    )
    assert found.global_concurrency_limit.limit == 1
    assert found.concurrency_options.collision_strategy.value == "CANCEL_NEW"


def test_a_paused_schedule_stays_paused(station: Station) -> None:
    found = station.ask(nightly)
    station.ask(lambda client: client.update_deployment_schedule(found.id, found.schedules[0].id, active=False))
    deploy(station)
    assert station.ask(nightly).schedules[0].active is False
    station.ask(lambda client: client.update_deployment_schedule(found.id, found.schedules[0].id, active=True))


@pytest.mark.slow
def test_a_schedule_that_left_the_file_leaves_the_server_one_made_by_hand_stays(
    station: Station, project: Path
) -> None:
    from prefect.client.schemas.schedules import IntervalSchedule

    by_hand = [(IntervalSchedule(interval=86_400), True)]
    found = station.ask(nightly)
    station.ask(lambda client: client.create_deployment_schedules(found.id, by_hand))
    text = (project / "prefect.yaml").read_text()
    start = text.index("    schedules:")
    end = text.index("    concurrency_limit:", start)
    (project / "prefect.yaml").write_text(text[:start] + text[end:])
    assert deploy(station, project) == [Removed(NIGHTLY, "nightly")]
    left = station.ask(nightly).schedules
    assert [schedule.slug for schedule in left] == [None]
    station.ask(lambda client: client.delete_deployment_schedule(found.id, left[0].id))
    deploy(station)
    assert [schedule.slug for schedule in station.ask(nightly).schedules] == ["nightly"]


def test_a_disabled_automation_stays_disabled(station: Station) -> None:
    there = station.ask(lambda client: client.read_automations_by_name(name=vanished.NAME))[0]
    station.ask(lambda client: client.pause_automation(there.id))
    station.ask(vanished.ensure)
    assert station.ask(lambda client: client.read_automations_by_name(name=vanished.NAME))[0].enabled is False
    station.ask(lambda client: client.resume_automation(there.id))


@pytest.mark.slow
def test_a_schedule_starts_a_run_on_the_worker_by_itself(station: Station, project: Path) -> None:
    """Every minute instead of every night, on the tiny recipe; all else is the file's."""
    changed(project, 'cron: "30 2 * * *"', 'cron: "* * * * *"')
    changed(project, "recipe: nightly", f"recipe: {station.recipe}")
    deploy(station, project)
    began = datetime.now(UTC)

    def fired() -> Any:
        found = station.ask(lambda client: api.started_since(client, began))
        return next((each for each in found if each.auto_scheduled), None)

    run = until(fired, 150, "the schedule fires")
    until(lambda: str(run.name) in station.said(), 10, "`graft up` says so, whatever else the schedule has in store")
    deploy(station)  # back to once a night, before it fires again and again
    done = station.ended(str(run.id))
    assert done.state_name == "Completed", done.state
    assert station.record(str(run.id)).deployment == NIGHTLY
    assert "gate: No gate split" in str(done.state.message)


@pytest.mark.slow
def test_two_nights_at_once_the_second_is_cancelled(station: Station) -> None:
    long = {"pretrain.epochs": 20_000}
    first = station.request(NIGHTLY, recipe=station.recipe, overrides=long)
    station.training(first)
    second = station.run(NIGHTLY, recipe=station.recipe, overrides=long)
    assert second.state_name == "Cancelled"
    station.cancel(first)
    assert station.ended(first, 20).state_name == "Cancelled"


@pytest.mark.slow
def test_the_gate_promotes_and_refuses_in_a_deployment_as_the_data_change(station: Station) -> None:
    """The file behind the recipe is replaced: better data take the champion's place, spoilt ones do not."""
    own = station.folder / "nights.npz"
    overrides = {
        "target.path": str(own), "source.path": str(own), "target.gate": 0.5, "target.labels": "all",
        "gate.margin": 0.3, "fine_tune.epochs": 12, "train_head.epochs": 12, "pretrain.epochs": 8,
    }  # fmt: skip

    def night() -> Any:
        run = station.run(NIGHTLY, recipe=station.recipe, overrides=overrides, champion="gated")
        assert run.state_name == "Completed", run.state
        return run, station.record(str(run.id))

    np.savez(own, **tiny_arrays())
    _, record = night()
    assert record.gate["outcome"] == "no champion" and record.gate["promoted"]

    better = tiny_arrays(seed=1)
    np.savez(own, **better)
    run, record = night()
    assert steps(record)["load_data.source"] == "ran"
    assert record.gate["promoted"], record.gate
    assert "gate: Not worse (" in str(run.state.message)

    # Half of the target's labels change sides: what learns from them can only guess.
    labels = better["y_train"]
    np.savez(own, **{**better, "y_train": np.where(np.arange(160) % 8 < 4, labels, labels ^ 1)})
    run, record = night()
    assert not record.gate["promoted"] and record.gate["outcome"] == "worse", record.gate
    assert "The champion stays." in str(run.state.message)
    page = station.artifacts(str(run.id))
    assert "not promoted" in page["gate-tiny"] and "runs-of-retrain-nightly" in page


@pytest.mark.slow
def test_a_steps_deployment_computes_that_step_again(station: Station) -> None:
    origin = str(station.run("transfer-learning/on-demand", recipe=station.recipe).id)
    for step in ("load_data.target", "pretrain", "freeze", "evaluate", "report"):  # 10 s each
        run = station.run(f"step/{dashed(step)}", step=step, origin=origin, recipe=station.recipe, downstream=False)
        assert run.state_name == "Completed", (step, run.state)
        record = station.record(str(run.id))
        assert [name for name, status in steps(record).items() if status == "ran"] == [step]
        assert record.rerun_from == origin
        if step != "report":
            assert record.outputs(step) == station.record(origin).outputs(step)  # the same bits


def test_a_schedule_without_a_slug_is_refused(project: Path) -> None:
    changed(project, "        slug: nightly\n", "")
    with pytest.raises(UsageError, match="needs a `slug`"):
        deploying.declared(project)


def test_a_file_that_is_no_yaml_is_refused_by_name(project: Path) -> None:
    (project / "prefect.yaml").write_text("deployments: [")
    with pytest.raises(UsageError, match=r"prefect\.yaml cannot be read"):
        deploying.declared(project)


def test_a_steps_form_names_its_own_keys_and_no_other_step() -> None:
    form = deploying.form("fine_tune")["properties"]
    assert (form["step"]["enum"], form["step"]["default"]) == (["fine_tune"], "fine_tune")
    assert "`learning_rate`" in form["overrides"]["description"]
    assert "`labels`" in deploying.form("load_data.target")["properties"]["overrides"]["description"]
