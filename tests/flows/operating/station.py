"""A real `graft up` in a home, a store and on a port of its own, and what a person would do with it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling, Scheduled

from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows.home import Home
from tests.flows.processes import ROOT, environment
from tests.flows.tiny import write_tiny_recipe

FINAL = ("Completed", "Failed", "Crashed", "Cancelled")
LOOK_SECONDS = 0.25  # each look asks a server that has better things to do
LONG = {"pretrain.epochs": 20_000}  # minutes of training, for who is to be interrupted in the middle


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(reached: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `reached` returns as soon as that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := reached():
            return found
        time.sleep(LOOK_SECONDS)
    raise TimeoutError(f"after {seconds:.0f} s still not: {what}")


class Station:
    """`graft up`, started with `start` and ended with `stop`.

    Attributes:
        recipe: path of the tiny recipe, whose data lie beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.home, self.store = Home(folder / "home"), Store(folder / "store")
        self.recipe = str(write_tiny_recipe(folder))
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, **changes: str | None) -> dict[str, str]:
        own = {"GRAFT_HOME": str(self.home.root), "GRAFT_STORE": str(self.store.root), "PREFECT_API_URL": None}
        return environment(**{**own, **changes})

    def start(self, *options: str) -> None:
        log = (self.folder / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows.cli", "up", "--port", str(self.port), *options],
            env=self.environment(), cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
        until(self._is_up, 120, f"up; it says: {self.said()}")

    def _is_up(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError(f"`graft up` ended: {self.said()}")
        return self.home.up() is not None

    def said(self) -> str:
        """What `graft up` has printed."""
        log = self.folder / "up.log"
        return log.read_text(encoding="utf-8") if log.exists() else ""

    def stop(self, number: int = signal.SIGTERM) -> float:
        """Signal `graft up` and wait for its end; returns the seconds that took."""
        if self.process is None:
            return 0.0
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(60)
        self.process = None
        return time.monotonic() - began

    def graft(self, *arguments: str, **changes: str | None) -> subprocess.CompletedProcess[str]:
        """The command in another terminal."""
        return subprocess.run(
            [sys.executable, "-m", "flows.cli", *arguments], env=self.environment(**changes), cwd=ROOT,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    def problems(self) -> list[Any]:
        """What `graft verify` finds; in a process of its own, since it starts TensorFlow as it likes."""
        return list(json.loads(self.graft("verify", "--json").stdout)["problems"])

    # -- the server

    def ask(self, question: Callable[[SyncPrefectClient], Any]) -> Any:
        with temporary_settings({PREFECT_API_URL: f"{self.url}/api"}), get_client(sync_client=True) as client:
            return question(client)

    def request(self, deployment: str, **parameters: Any) -> str:
        """What the UI's custom run does; returns the flow run's id."""

        def create(client: SyncPrefectClient) -> str:
            wanted = client.read_deployment_by_name(deployment)
            return str(client.create_flow_run_from_deployment(wanted.id, parameters=parameters).id)

        return str(self.ask(create))

    def run(self, deployment: str, seconds: float = 120, **parameters: Any) -> FlowRun:
        """Request a run and wait for its end."""
        return self.ended(self.request(deployment, **parameters), seconds)

    def flow_run(self, run: str) -> FlowRun:
        return self.ask(lambda client: client.read_flow_run(UUID(run)))

    def ended(self, run: str, seconds: float = 120) -> FlowRun:
        return self.reached(run, FINAL, seconds)

    def reached(self, run: str, states: tuple[str, ...], seconds: float = 120) -> FlowRun:
        def look() -> FlowRun | None:
            found = self.flow_run(run)
            return found if found.state_name in states else None

        found: FlowRun = until(look, seconds, f"run {run} in {states}, it is {self.flow_run(run).state}")
        return found

    def retry(self, run: str) -> None:
        """What the UI's button does."""
        again = Scheduled(name="AwaitingRetry", message="Retry from the UI")  # type: ignore[call-overload]
        self.ask(lambda client: client.set_flow_run_state(UUID(run), again))

    def cancel(self, run: str) -> None:
        """What the UI's button does."""
        self.ask(lambda client: client.set_flow_run_state(UUID(run), Cancelling()))

    def artifacts(self, run: str) -> dict[str, str]:
        """Key or type → content, of the artifacts on a run's page."""
        return {each.key or str(each.type): str(each.data) for each in self.on_page(run)}

    def progress(self, run: str) -> list[tuple[float, str]]:
        """Percent and words of the bars on a run's page."""
        return [(float(each.data), str(each.description)) for each in self.on_page(run) if each.type == "progress"]

    def on_page(self, run: str) -> list[Artifact]:
        wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[UUID(run)]))
        return self.ask(lambda client: client.read_artifacts(artifact_filter=wanted))

    def logs(self, run: str) -> list[str]:
        wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[UUID(run)]))
        return [line.message for line in self.ask(lambda client: client.read_logs(log_filter=wanted, limit=200))]

    # -- the machine

    def record(self, run: str) -> RunRecord:
        return Runs(self.store).get(run)

    def training(self, run: str) -> psutil.Process:
        """The process of a run that is in the middle of `pretrain`."""

        def look() -> psutil.Process | None:
            news = any("epoch" in words for _, words in self.progress(run))
            number = self.home.living(f"{self.url}/api").get(run)
            return psutil.Process(number) if news and number else None

        process: psutil.Process = until(look, 120, f"run {run} trains; logs: {self.logs(run)[-3:]}")
        return process

    def processes(self) -> list[psutil.Process]:
        """Everything that belongs to this home."""
        found = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("GRAFT_HOME") == str(self.home.root)
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def worker(self) -> psutil.Process:
        """Prefect's worker."""
        return next(each for each in self.processes() if "flows.operating.worker_process" in each.cmdline())

    def unfinished(self, database: Path | None = None) -> list[tuple[str, str]]:
        """Name and state of the runs that the database says are under way, read without a server."""
        import sqlite3

        with sqlite3.connect(database or self.home.prefect / "prefect.db") as connection:
            rows = connection.execute("select name, state_type from flow_run").fetchall()
        return [(name, state) for name, state in rows if state in ("RUNNING", "PENDING", "CANCELLING")]


def steps(record: RunRecord) -> Mapping[str, str]:
    return {entry["step"]: entry["status"] for entry in record.steps}


def interrupt(process: "subprocess.Popen[Any]") -> None:
    os.kill(process.pid, signal.SIGINT)
