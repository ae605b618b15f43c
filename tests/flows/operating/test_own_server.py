"""For those who have a server of their own: PostgreSQL, authentication, two workers on one store; `graft worker`."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flows.server import start as start_server
from flows.server import stop as stop_server
from tests.flows.operating.station import LONG, Station, free_port, steps, until
from tests.flows.processes import ROOT

SECRET = "admin:not-a-secret"
BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
needs_postgres = pytest.mark.skipif(not BINARIES, reason="needs Debian's package postgresql")


class OwnServer(Station):
    """A server as its owner starts it, not `graft up`; graft is told by PREFECT_API_URL."""

    def environment(self, **changes: str | None) -> dict[str, str]:
        told = {"PREFECT_API_URL": f"{self.url}/api", "PREFECT_API_AUTH_STRING": SECRET}
        return super().environment(**{**told, **changes})

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "flows.cli", *arguments], env=self.environment(), cwd=ROOT,
            stdout=subprocess.PIPE, stderr=(self.folder / "worker.log").open("ab"), text=True,
        )  # fmt: skip


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a database in a PostgreSQL of our own: Debian's programs, a temporary folder, a socket-less port."""
    folder = tmp_path_factory.mktemp("postgres")
    binaries, data, port = BINARIES[-1], folder / "data", free_port()
    user = pwd.getpwnam("postgres") if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        for path in (folder, *folder.parents[:3]):
            path.chmod(0o755)
        os.chown(folder, user.pw_uid, user.pw_gid)
    rights = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    create = [binaries / "initdb", "-D", data, "-A", "trust", "-U", "graft", "-E", "UTF8", "--no-sync"]
    subprocess.run(create, check=True, capture_output=True, cwd=folder, **rights)
    server = subprocess.Popen(
        [binaries / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-F"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **rights,
    )  # fmt: skip
    ready = [binaries / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-U", "graft"]
    until(lambda: subprocess.run(ready, capture_output=True, check=False).returncode == 0, 30, "PostgreSQL is ready")
    make = [binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "graft", "prefect"]
    subprocess.run(make, check=True, capture_output=True)
    yield f"postgresql+asyncpg://graft@127.0.0.1:{port}/prefect"
    server.send_signal(signal.SIGINT)
    server.wait(30)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Iterator[OwnServer]:
    """Prefect's server on PostgreSQL, with authentication; everything deployed."""
    made = OwnServer(tmp_path_factory.mktemp("own"))
    settings = {
        "PREFECT_API_DATABASE_CONNECTION_URL": postgres,
        "PREFECT_SERVER_API_AUTH_STRING": SECRET,
        "PREFECT_SERVER_UI_API_URL": f"{made.url}/api",
    }
    with ExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("GRAFT_HOME", str(made.home.root))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("PREFECT_API_AUTH_STRING", SECRET)
        server = start_server(made.port, settings, made.folder / "server.log")
        stack.callback(stop_server, server)
        done = made.graft("deploy")
        assert done.returncode == 0, done.stderr
        assert "retrain/nightly" in done.stdout and "step/fine-tune" in done.stdout
        yield made


@pytest.fixture(autouse=True)
def environment_of_the_owner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "own" in request.fixturenames:
        monkeypatch.setenv("GRAFT_STORE", str(request.getfixturevalue("own").store.root))


@pytest.mark.slow
@needs_postgres
def test_two_workers_on_one_store_tear_nothing(own: OwnServer) -> None:
    """Four runs, one at a time a worker, twice the same at once: all end right."""
    workers = [own.begin("worker", "--limit", "1") for _ in range(2)]
    try:
        asked = [
            own.request("transfer-learning/on-demand", recipe=own.recipe, overrides={"seed": seed})
            for seed in (0, 0, 1, 1)
        ]
        records = []
        for run in asked:
            done = own.ended(run, 240)
            assert done.state_name == "Completed", done.state
            records.append(own.record(run))
        for one, two in ((0, 1), (2, 3)):
            assert [records[one].outputs(step) for step in steps(records[one])] == [
                records[two].outputs(step) for step in steps(records[two])
            ]
        assert own.problems() == []
        assert list(own.store.scratch.glob("*")) == []
        named = [re.match(r"Worker '(.+)' submitting", line) for run in asked for line in own.logs(run)]
        assert len({match[1] for match in named if match}) == 2
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.communicate(timeout=40)


@pytest.mark.slow
@needs_postgres
def test_sigterm_to_a_worker_as_systemd_sends_it_cancels_its_run(own: OwnServer) -> None:
    """`docs/graft-worker.service`: SIGTERM to the main process alone, then a wait."""
    worker = own.begin("worker")
    run = own.request("transfer-learning/on-demand", recipe=own.recipe, overrides={**LONG, "seed": 7})
    process = own.training(run)
    worker.terminate()
    out, _ = worker.communicate(timeout=40)
    assert worker.returncode == 0 and "Runs cancelled: 1." in out
    assert own.flow_run(run).state_name == "Cancelled"
    assert not process.is_running()
    assert own.record(run).state == "cancelled"


@pytest.mark.slow
@needs_postgres
def test_up_uses_the_configured_server_and_leaves_it_running(own: OwnServer) -> None:
    started = own.begin("up")
    until(own.home.up, 90, "graft up beside the server")
    assert own.home.up().own is False
    started.terminate()
    out, _ = started.communicate(timeout=40)
    assert "the configured one" in out and started.returncode == 0
    assert own.ask(lambda client: client.hello()).status_code == 200


@pytest.mark.slow
@needs_postgres
def test_without_the_secret_nobody_gets_in_and_the_error_says_what_to_set(own: OwnServer) -> None:
    done = own.graft("up", PREFECT_API_AUTH_STRING=None)
    assert done.returncode == 1
    assert "PREFECT_API_AUTH_STRING" in done.stderr and "Traceback" not in done.stderr


def test_a_server_of_another_version_is_refused(tmp_path: Path) -> None:
    """A web server that says it were Prefect 2: no such server can be had beside ours."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Old(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'"2.20.1"' if self.path.endswith("version") else b"true")

        def log_message(self, *_: object) -> None:
            pass

    old = HTTPServer(("127.0.0.1", 0), Old)
    threading.Thread(target=old.serve_forever, daemon=True).start()
    station = Station(tmp_path)
    done = station.graft("up", PREFECT_API_URL=f"http://127.0.0.1:{old.server_port}/api")
    old.shutdown()
    assert done.returncode == 1
    assert "is version 2.20.1" in done.stderr and "unset PREFECT_API_URL" in done.stderr


def test_a_worker_without_a_server_says_what_to_set(tmp_path: Path) -> None:
    done = Station(tmp_path).graft("worker")
    assert done.returncode == 1 and "set PREFECT_API_URL" in done.stderr


def test_the_systemd_unit_starts_what_there_is_and_stops_it_well() -> None:
    from configparser import ConfigParser

    unit = ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(ROOT / "docs" / "graft-worker.service")
    service = unit["Service"]
    assert service["ExecStart"].split()[1:] == ["worker", "--limit", "1"]
    assert service["KillMode"] == "mixed"  # SIGTERM to the main process alone; what is left is killed in the end
    assert int(service["TimeoutStopSec"]) >= 30
    if shutil.which("systemd-analyze"):
        checked = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", ROOT / "docs" / "graft-worker.service"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Unknown" not in checked.stderr, checked.stderr
