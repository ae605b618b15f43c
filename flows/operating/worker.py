"""A worker that can be stopped without leaving a run behind that says "Running".

SIGTERM to Prefect's own worker kills the flow without clean-up, and the run stays "Running" for ever. Here the runs are
cancelled first, as the UI does it, so that each unwinds, closes its record and tells the server; then the worker is
stopped; and whatever is still there after the grace is killed and its run closed by force.
"""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import IO

import psutil
from prefect.client.orchestration import SyncPrefectClient

from flows.home import ROOT
from flows.operating import api, processes
from flows.server import HEARTBEAT_SECONDS

POOL = "graft"  # as prefect.yaml says
MARK = "STARTED_BY_GRAFT"  # in the environment of everything that a worker starts
RUN = "PREFECT__FLOW_RUN_ID"
GRACE_SECONDS = 10.0
STOP_SECONDS = 5.0
LOOK_SECONDS = 0.2
POLL_SECONDS = "2"  # how often the worker asks for new runs; Prefect's own 10 are long for somebody who waits


class Worker:
    """Prefect's worker for one pool, and the flow runs that it started.

    Args:
        pool: the work pool.
        limit: how many runs at once.
        url: the server's API.
        log: where the worker writes.
    """

    def __init__(self, pool: str, limit: int, url: str, log: IO[bytes]) -> None:
        self.pool, self.limit, self.url, self.log = pool, limit, url, log
        self.mark = uuid.uuid4().hex
        self.name = f"graft on {socket.gethostname()} ({self.mark[:6]})"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the worker; again, where it has died."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flows.operating.worker_process", "--pool", self.pool, "--name", self.name,
             "--limit", str(self.limit), "--type", "process"],
            env=self._environment(), cwd=ROOT, stdin=subprocess.PIPE, stdout=self.log, stderr=self.log,
            start_new_session=True,  # Ctrl-C is for who started us; the runs are cancelled, not killed
        )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        ours = {
            MARK: self.mark,
            "PREFECT_API_URL": self.url,
            "PREFECT_WORKER_QUERY_SECONDS": POLL_SECONDS,
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
        }
        return {**os.environ, **ours}

    def has_died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def running(self) -> dict[str, list[psutil.Process]]:
        """Flow run → its processes, those of a worker that was killed before included."""
        found: dict[str, list[psutil.Process]] = {}
        for process, environment in self._started():
            if RUN in environment:
                found.setdefault(environment[RUN], []).append(process)
        return found

    def _started(self) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
        for process in psutil.process_iter():
            try:
                environment = process.environ()
            except (psutil.Error, OSError):
                continue  # somebody else's, or gone
            if environment.get(MARK) == self.mark and process.pid != os.getpid():
                yield process, environment

    def orphans(self, run: str) -> list[psutil.Process]:
        """The processes of a run that this worker started but no longer has, because it was killed itself."""
        mine = {child.pid for child in processes.below(self.process.pid)} if self.process else set()
        return [process for process in self.running().get(run, []) if process.pid not in mine]

    def stop(self, client: SyncPrefectClient, why: str, hurry: Callable[[], bool] = lambda: False) -> list[str]:
        """Cancel the runs, wait for them at most `GRACE_SECONDS`, and stop the worker.

        Args:
            client: Prefect's, for the server.
            why: what the cancelled runs' states say.
            hurry: asked now and then; true where there is no time to wait.

        Returns:
            The flow runs that were cancelled.
        """
        cancelled: dict[str, None] = {}
        deadline = time.monotonic() + GRACE_SECONDS
        while (running := self.running()) and time.monotonic() < deadline and not hurry():
            for run in running.keys() - cancelled.keys():
                cancelled[run] = None
                api.cancel(client, run, why)
                processes.terminate(self.orphans(run))  # nobody else would tell them
            time.sleep(LOOK_SECONDS)
        cancelled |= dict.fromkeys(self._end())
        for run in cancelled:
            api.close(client, run, why)
        api.forget_worker(client, self.pool, self.name)
        return list(cancelled)

    def _end(self) -> list[str]:
        """End the worker, then whatever of it is left; returns the runs that were."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()
        left = list(self._started())
        processes.kill(process for process, _ in left)
        psutil.wait_procs([process for process, _ in left], STOP_SECONDS)
        return [environment[RUN] for _, environment in left if RUN in environment]
