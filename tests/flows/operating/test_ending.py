"""How it ends, well and badly: SIGTERM, `kill -9` of everything in turn, and what the next start makes of it."""

import json
import signal
import socket
import time
from datetime import UTC, datetime

import psutil
import pytest

from artifacts.runs import Runs
from tests.flows.operating.station import LONG, Station, interrupt, steps, until
from tests.flows.processes import start

LONG_RUN = {"seed": 5, **LONG}


def request_training(station: Station) -> tuple[str, psutil.Process]:
    """A run that trains for minutes unless somebody ends it, once it trains."""
    run = station.request("transfer-learning/on-demand", recipe=station.recipe, overrides=LONG_RUN)
    return run, station.training(run)


def nothing_is_left(station: Station) -> None:
    assert station.processes() == []
    assert station.unfinished() == []
    assert station.home.up() is None


@pytest.mark.slow
def test_sigterm_in_the_middle_of_training_then_up_again_then_retry(fresh: Station) -> None:
    fresh.start()
    run = fresh.request("transfer-learning/on-demand", recipe=fresh.recipe, overrides={"fine_tune.epochs": 20_000})
    until(lambda: "fine_tune" in str(fresh.progress(run)), 120, "fine_tune trains")
    asked = datetime.now(UTC)
    assert fresh.stop(signal.SIGTERM) < 25  # at most ten for the run, the rest for worker and server
    nothing_is_left(fresh)
    assert Runs(fresh.store).get(run).state == "cancelled"

    fresh.start()
    state = fresh.flow_run(run).state
    assert state.name == "Cancelled"
    assert (state.timestamp - asked).total_seconds() < 10
    fresh.retry(run)
    until(lambda: fresh.record(run).attempt == 2 and len(fresh.record(run).steps) == 9, 120, "it is at fine_tune again")
    assert set(steps(fresh.record(run)).values()) == {"hit"}  # nothing before the step that was stopped
    fresh.cancel(run)
    fresh.ended(run, 20)
    assert fresh.problems() == []


def _guest(station: Station) -> str | None:
    return next(iter(station.home.living(f"{station.url}/api")), None)


@pytest.mark.slow
def test_a_dead_server_is_noticed_and_all_ends(fresh: Station) -> None:
    fresh.start()
    run, _ = request_training(fresh)
    next(each for each in fresh.processes() if "flows.server_process" in each.cmdline()).kill()
    assert fresh.process.wait(45) == 1
    fresh.process = None
    assert "The server ended by itself" in fresh.said()
    until(lambda: fresh.processes() == [], 10, "nothing is left")
    fresh.start()
    assert fresh.flow_run(run).state_name == "Crashed"  # settled by the next one


@pytest.mark.slow
def test_a_run_on_another_server_is_no_guest_and_goes_on(fresh: Station) -> None:
    """Begun before `graft up`, on an embedded server of its own."""
    alone = start("run", fresh.recipe, "--json", "--set", "pretrain.epochs=600", **told(fresh))
    until(lambda: list((fresh.home.root / "alive").glob("*/process")), 60, "it runs")
    fresh.start()
    fresh.stop()
    out, said = alone.communicate(timeout=240)
    assert alone.returncode == 0, said
    assert json.loads(out)["state"] == "completed"


def told(station: Station) -> dict[str, str | None]:
    """Where a `graft` of another terminal finds this station's home and store."""
    settings = station.environment()
    return {name: settings.get(name) for name in ("GRAFT_HOME", "GRAFT_STORE", "PREFECT_API_URL")}


@pytest.mark.slow
def test_ctrl_c_also_interrupts_a_run_of_another_terminal(fresh: Station) -> None:
    fresh.start()
    guest = start("run", fresh.recipe, "--set", "pretrain.epochs=20000", **told(fresh))
    until(lambda: _guest(fresh) and fresh.training(_guest(fresh)), 60, "the guest trains")
    interrupt(fresh.process)
    assert fresh.process.wait(40) == 0
    fresh.process = None
    _, said = guest.communicate(timeout=20)
    assert guest.returncode == 130 and "interrupted" in said
    nothing_is_left(fresh)


@pytest.mark.slow
def test_a_killed_flow_is_crashed_in_seconds_and_retry_goes_on(fresh: Station) -> None:
    fresh.start()
    run, process = request_training(fresh)
    process.kill()
    assert fresh.ended(run, 20).state_name == "Crashed"
    record = until(lambda: _closed(fresh, run), 10, "the hook has closed the record")
    assert record.state == "interrupted" and "killed" in str(record.message)
    assert "*Retry*" in until(lambda: fresh.artifacts(run).get("markdown"), 10, "a note on the page")
    assert fresh.problems() == []
    time.sleep(3)  # the worker says "Crashed" a second time when it has cleaned up, a retry before that included
    fresh.retry(run)
    until(lambda: fresh.record(run).attempt == 2 and len(fresh.record(run).steps) == 3, 120, "it trains again")
    assert list(steps(fresh.record(run)).values()) == ["hit"] * 3


def _closed(station: Station, run: str):
    record = Runs(station.store).get(run)
    return record if record.message else None


@pytest.mark.slow
def test_a_killed_worker_is_started_again_its_run_goes_on_and_can_be_cancelled(fresh: Station) -> None:
    fresh.start()
    run, process = request_training(fresh)
    killed = fresh.worker()
    killed.kill()
    until(lambda: "started again" in fresh.said(), 10, "a new worker")
    assert process.is_running() and fresh.flow_run(run).state_name == "Running"
    done = fresh.run("transfer-learning/on-demand", recipe=fresh.recipe)  # by the new worker
    assert done.state_name == "Completed"
    fresh.cancel(run)
    fresh.reached(run, ("Cancelled",), 30)  # by way of "Crashed": the signal came from nobody whom it knows
    until(lambda: not process.is_running(), 10, "its process has ended")


@pytest.mark.slow
def test_up_itself_killed_leaves_no_process_and_the_next_one_settles_the_runs(fresh: Station) -> None:
    fresh.start()
    run, _ = request_training(fresh)
    fresh.process.kill()
    fresh.process.wait()
    until(lambda: fresh.processes() == [], 30, "server, worker and flow have ended with it")
    assert fresh.unfinished() != []  # nobody was left to say it
    fresh.start()
    assert fresh.flow_run(run).state_name == "Crashed"
    until(lambda: "settled" in fresh.said(), 10, "it has said so: what it prints comes after it is up")
    assert Runs(fresh.store).get(run).state in ("interrupted", "cancelled")


@pytest.mark.slow
def test_a_run_that_vanished_with_its_worker_is_marked_by_the_automation(fresh: Station) -> None:
    """Nobody on this machine could tell: the heartbeat stops, and 90 s later the server knows."""
    fresh.start()
    run, process = request_training(fresh)
    until(lambda: _heartbeats(fresh, run), 60, "a heartbeat")
    for each in (fresh.worker(), process):
        each.kill()
    began = time.monotonic()
    state = fresh.ended(run, 240).state
    print(f"marked {time.monotonic() - began:.0f} s after the kill")
    assert state.name == "Crashed" and "No sign of life" in str(state.message)


def _heartbeats(station: Station, run: str) -> bool:
    asked = {"filter": {"event": {"name": ["prefect.flow-run.heartbeat"]}}, "limit": 50}
    found = station.ask(lambda client: client.request("POST", "/events/filter", json=asked)).json()
    return any(run in event["resource"]["prefect.resource.id"] for event in found["events"])


def test_a_taken_port_is_said_and_another_one_named(fresh: Station) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", fresh.port))
        taken.listen()
        done = fresh.graft("up", "--port", str(fresh.port))
    assert done.returncode == 1
    assert f"Port {fresh.port}" in done.stderr and f"graft up --port {fresh.port + 1}" in done.stderr


def test_check_only_says_what_would_start(fresh: Station) -> None:
    done = fresh.graft("up", "--check", "--port", str(fresh.port))
    assert done.returncode == 0, done.stderr
    assert fresh.url in done.stdout and "retrain/nightly, schedules: nightly" in done.stdout
    assert fresh.processes() == [] and not (fresh.home.prefect / "prefect.db").exists()


def test_status_without_a_server_says_so(fresh: Station) -> None:
    done = fresh.graft("status")
    assert done.returncode == 0 and "none: `graft up` brings one up" in done.stdout
