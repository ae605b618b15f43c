"""A study from a deployment: its verdict, its page, its trials; and that none of them outlives it."""

from typing import Any

import psutil
import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterParentFlowRunId
from prefect.client.schemas.objects import FlowRun

from artifacts.studies import Studies
from tests.flows.operating.station import LONG, Station, until

WEEKLY = "study/weekly"
ASKED: dict[str, Any] = {"arms": ["transfer", "random-base"], "seeds": 1}
# What Prefect calls a flow run whose process was interrupted, and one that a worker cancelled.
ENDED = {"processes": "Crashed", "pool": "Cancelled"}


def trial_processes(station: Station) -> list[psutil.Process]:
    return [each for each in station.processes() if "flows.study.trial_process" in each.cmdline()]


def sent(station: Station, study: str) -> list[FlowRun]:
    """The flow runs that a study sent to the pool."""
    from uuid import UUID

    wanted = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[UUID(study)]))

    def ask(client: SyncPrefectClient) -> list[FlowRun]:
        return client.read_flow_runs(flow_run_filter=wanted)

    return station.ask(ask)


def training(station: Station, trials: int = 1) -> bool:
    """Whether so many trials have got as far as their pretraining."""
    open_runs = [run for run in station_runs(station) if run.state == "running"]
    return sum(any(entry["step"] == "inspect_data" for entry in run.steps) for run in open_runs) >= trials


def one_that_trains(station: Station, where: str, number: int) -> str:
    """The flow run of a study, one of its trials in training; no other `number` shares its evaluations."""
    overrides = {**LONG, "evaluate.bootstrap": number}
    run = station.request(WEEKLY, wanted=station.recipe, overrides=overrides, **ASKED, where=where)
    until(lambda: training(station), 120, "a trial trains")
    return run


def nothing_goes_on(station: Station) -> None:
    until(lambda: not training(station), 60, "no trial trains")
    until(lambda: trial_processes(station) == [], 30, "no process is left")


def station_runs(station: Station) -> list[Any]:
    from artifacts.runs import Runs

    return [run for run in Runs(station.store).all() if run.study]


def test_the_weekly_study_is_scheduled_once_a_week_and_one_at_a_time(station: Station) -> None:
    found = station.ask(lambda client: client.read_deployment_by_name(WEEKLY))
    (schedule,) = found.schedules
    assert (schedule.slug, schedule.schedule.cron, schedule.active) == ("weekly", "0 3 * * 0", True)
    assert found.global_concurrency_limit.limit == 1
    assert found.concurrency_options.collision_strategy.value == "CANCEL_NEW"


@pytest.mark.slow
def test_a_study_says_its_verdict_and_its_page_has_pictures(station: Station) -> None:
    run = station.run(WEEKLY, 240, wanted=station.recipe, **ASKED)
    assert run.state_name == "Completed", run.state
    (record,) = Studies(station.store).all()
    assert run.state.message == record.outcome["sentence"]
    page = station.artifacts(str(run.id))["study-tiny"]
    assert record.outcome["sentence"] in page and "data:image/png;base64," in page
    assert len(page.encode()) < 200_000
    assert trial_processes(station) == []


@pytest.mark.slow
def test_in_the_pool_trials_are_flow_runs_of_their_own_and_the_figures_are_the_same(station: Station) -> None:
    asked = {"wanted": station.recipe, "overrides": {"evaluate.bootstrap": 105}, **ASKED, "seeds": 2}
    run = station.run(WEEKLY, 400, **asked, where="pool", jobs=2)
    assert run.state_name == "Completed", run.state
    trials = sent(station, str(run.id))
    assert [trial.state_name for trial in trials] == ["Completed"] * 4
    (study,) = (each for each in Studies(station.store).all() if each.plan["study"]["seeds"] == 2)
    assert {station.record(str(trial.id)).study for trial in trials} == {study.id}
    again = station.run(WEEKLY, 200, **asked)
    assert again.state.message == run.state.message
    assert Studies(station.store).get(study.id).outcome["num_runs"] == 4  # nothing was missing to the processes


@pytest.mark.slow
@pytest.mark.parametrize("where", ["processes", "pool"])
def test_a_cancelled_study_cancels_its_trials(station: Station, where: str) -> None:
    run = one_that_trains(station, where, 101 if where == "pool" else 102)
    station.cancel(run)
    assert station.ended(run, 60).state_name == "Cancelled"
    nothing_goes_on(station)
    (trial,) = sent(station, run)
    assert station.ended(str(trial.id), 60).state_name == ENDED[where]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["processes", "pool"])
def test_a_killed_study_leaves_no_trial_behind_and_says_how_to_go_on(station: Station, where: str) -> None:
    run = one_that_trains(station, where, 103 if where == "pool" else 104)
    own = [each for each in station.processes() if each.environ().get("PREFECT__FLOW_RUN_ID") == run]
    min(own, key=lambda each: each.create_time()).kill()
    assert station.ended(run, 60).state_name == "Crashed"
    nothing_goes_on(station)
    page = until(lambda: station.artifacts(run).get("markdown"), 30, "its page")
    assert page.startswith("# The study crashed") and "are not computed again" in page
    (trial,) = sent(station, run)
    assert station.ended(str(trial.id), 60).state_name == ENDED[where]
