"""The server of a run: begun before all else, dropped where another one is named, and gone at the end with all said."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from artifacts.errors import ServerError
from flows import commands, plan, recipe_files, run_server, server
from flows.choice import choose
from flows.commands import Prospect
from flows.dag import edges
from tests.flows.processes import ROOT, environment, graft, start
from tests.flows.test_processes import PROBE, servers_of

NOTHING_NAMED: dict[str, str | None] = {"PREFECT_API_URL": None, "PREFECT_PROFILES_PATH": None}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh GRAFT_HOME, in this process too."""
    monkeypatch.setenv("GRAFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path / "home"


def rows(home: Path, question: str) -> list[Any]:
    """What the database says once every process of this home has ended."""
    with sqlite3.connect(home / "prefect" / "prefect.db") as connection:
        return connection.execute(question).fetchall()


def test_a_cached_run_imports_nothing_heavy_and_leaves_a_whole_page_in_the_database(finished: str, home: Path) -> None:
    """Nothing that the server still held in memory is lost with it: task runs come by way of events."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "run", finished, "--json"],
        env=environment(**NOTHING_NAMED), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert {entry["status"] for entry in json.loads(done.stdout)["steps"]} == {"hit", "ran"}
    assert done.stderr.splitlines()[-1] == "heavy: []"
    assert "Error" not in done.stderr and "Traceback" not in done.stderr
    assert servers_of(home) == []
    assert list((home / "logs").iterdir()) == []
    assert rows(home, "select name, state_type from flow_run") == [("tiny · seed 0", "COMPLETED")]
    assert rows(home, "select state_name, count(*) from task_run group by state_name order by 1") == [
        ("Cached", 12),
        ("Completed", 1),
    ]
    assert rows(home, "select count(*) from artifact where type in ('markdown', 'table')") == [(3,)]
    (said,) = rows(home, "select count(*) from log where message like '%: cached'")
    assert said == (12,)


def test_the_server_of_a_profile_is_used_and_the_one_begun_for_nothing_dropped(
    served: dict[str, str], finished: str, home: Path, tmp_path: Path
) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text(f'active = "own"\n[profiles.own]\nPREFECT_API_URL = "{served["PREFECT_API_URL"]}"\n')
    done = graft("run", finished, "--json", PREFECT_API_URL=None, PREFECT_PROFILES_PATH=str(profiles))
    assert done.returncode == 0, done.stderr
    assert servers_of(home) == []
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        assert client.read_flow_run(UUID(json.loads(done.stdout)["run"])).state_name == "Completed"


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.0])
def test_ctrl_c_while_it_starts_leaves_no_process(finished: str, home: Path, seconds: float) -> None:
    process = start("run", finished, **NOTHING_NAMED)
    deadline = time.monotonic() + 30
    while not servers_of(home) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert servers_of(home) == []


def test_a_server_that_cannot_start_is_a_clear_error(finished: str, home: Path) -> None:
    (home / "prefect").mkdir(parents=True)
    (home / "prefect" / "prefect.db").write_text("no database" * 1000)
    done = graft("run", finished, **NOTHING_NAMED)
    assert done.returncode == 1
    assert "graft: Prefect's server ended while starting: " in done.stderr
    assert "Traceback" not in done.stderr
    assert servers_of(home) == []


def test_while_another_one_starts_it_waits_for_its_turn(home: Path) -> None:
    home.mkdir()
    with server.start_lock():
        embedded = run_server.Embedded()
        embedded.begin()
        assert embedded.process is None
    try:
        embedded.wait()
        assert server.healthy(embedded.url)
        assert not embedded.lock.is_locked
    finally:
        embedded.end()
    assert servers_of(home) == []


def test_with_a_server_in_the_environment_none_is_begun(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    with run_server.ahead() as begun:
        assert begun is None
    assert not home.exists()


def test_a_run_that_is_refused_leaves_no_server(tiny: str, home: Path) -> None:
    done = graft("run", tiny, "--only", "fine_tune", **NOTHING_NAMED)
    assert done.returncode == 1 and "expects every step before it" in done.stderr
    assert servers_of(home) == []


def test_a_server_that_ends_is_not_waited_for(home: Path) -> None:
    embedded = run_server.Embedded()
    ending = [sys.executable, "-c", "import sys; sys.exit('no room')"]
    with embedded.log.open("wb") as log:
        embedded.process = subprocess.Popen(ending, stdin=subprocess.PIPE, stderr=log)
    with pytest.raises(ServerError, match="ended while starting: no room"):
        embedded.wait()
    embedded.end()


@pytest.mark.parametrize(
    ("overrides", "begun", "expected"),
    [({}, True, False), ({"fine_tune.epochs": 3}, True, True), ({"fine_tune.epochs": 3}, False, False),
     ({"figures.mistakes": 1}, True, False)],
)  # fmt: skip
def test_tensorflow_is_imported_in_the_wait_where_a_step_will_train(
    finished: str, home: Path, monkeypatch: pytest.MonkeyPatch, overrides: dict[str, Any], begun: bool, expected: bool
) -> None:
    imported: list[bool] = []
    monkeypatch.setattr(commands, "use_tensorflow", lambda: imported.append(True))
    loaded = recipe_files.load(finished, overrides)
    steps = plan.walk(loaded, choose(edges(loaded.recipe), [], None, None))
    prospect = Prospect(steps, run_server.Embedded() if begun else None)
    prospect.import_all()
    assert bool(imported) == expected
    assert prospect.is_brief() == (not overrides)


def test_a_heartbeat_is_sent_to_a_server_that_stays_unless_the_run_is_brief(served: dict[str, str]) -> None:
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY

    for brief, expected in ((False, server.HEARTBEAT_SECONDS), (True, None)):
        with run_server.prefect_server(None, brief):
            assert PREFECT_API_URL.value() == served["PREFECT_API_URL"]
            assert PREFECT_FLOWS_HEARTBEAT_FREQUENCY.value() == expected


def test_proxies_do_not_stand_between_a_run_and_its_own_server(finished: str, home: Path) -> None:
    done = graft("run", finished, "--json", HTTP_PROXY="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9",
                 NO_PROXY=None, no_proxy=None, **NOTHING_NAMED)  # fmt: skip
    assert done.returncode == 0, done.stderr
