"""Which Prefect server a run talks to: the configured one, that of `graft up`, or one of our own while the run lasts.

Our own takes two to three seconds to start, nearly all of them imports. So its process is begun before anything else
(`ahead`) and waited for as late as can be (`prefect_server`); in between, this process makes the plan and imports
Prefect, and TensorFlow where a step will train. Whether another server is configured is cheap to know only in part (the
environment, `graft up`): one that a profile, `prefect.toml` or `.env` names is found by Prefect itself, and the server
that was begun for nothing is dropped.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from flows import server
from flows.home import here

SETTINGS = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_UI_ENABLED": "0"}


class Embedded:
    """A server of graft's own for the length of one run. `end` it whatever happens."""

    def __init__(self) -> None:
        home = here()
        home.make()
        self.port = server.free_port()
        self.url = server.api_url(self.port)
        self.log: Path = home.logs / f"embedded-{self.port}.log"
        self.lock: FileLock = server.start_lock()
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Start it, unless another one is starting on this machine just now: then `wait` takes its turn."""
        with suppress(Timeout):
            self.lock.acquire(blocking=False)
            self._spawn()

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            ServerError: it ended, or did not answer in time.
        """
        if self.process is None:
            self.lock.acquire()
        try:
            process = self.process or self._spawn()
            server.wait_until_healthy(process, self.url, self.log)
        finally:
            self.lock.release()

    def end(self) -> None:
        """Let it write what it holds, and see it end. Again, or before it began, this does nothing."""
        process, self.process = self.process, None
        try:
            if process:
                server.stop(process)
        finally:
            self.lock.release()
            self.log.unlink(missing_ok=True)

    def _spawn(self) -> "subprocess.Popen[bytes]":
        self.process = server.spawn(self.port, SETTINGS, self.log)
        return self.process


@contextmanager
def ahead() -> Iterator[Embedded | None]:
    """Begin to start a server, unless it is plain already that the run will talk to another one (None then)."""
    if os.environ.get("PREFECT_API_URL") or here().is_up():
        yield None
        return
    embedded = Embedded()
    try:
        embedded.begin()
        yield embedded
    finally:
        embedded.end()


@contextmanager
def prefect_server(started: Embedded | None, brief: bool = False) -> Iterator[None]:
    """Make a Prefect server available to the runs inside the block.

    Args:
        started: the embedded one that was begun `ahead`. Used where no other one is configured or up, else dropped.
        brief: the run is over in a moment. It sends no heartbeat then, which nobody would miss within 90 s, and whose
            thread takes up to a second to end.

    Raises:
        ServerError: the configured one does not answer, or none could be started.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    configured = PREFECT_API_URL.value()
    other = configured or _of_graft_up()
    if other:
        if started:
            started.end()
        if configured:
            server.check_reachable(configured)
        heartbeat = None if brief else server.HEARTBEAT_SECONDS
        with temporary_settings({PREFECT_API_URL: other, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: heartbeat}):
            yield
        return
    embedded = started or Embedded()
    try:
        # Nobody listens to a heartbeat there.
        with temporary_settings({PREFECT_API_URL: embedded.url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            embedded.wait()
            try:
                yield
            finally:
                flush()
    finally:
        embedded.end()


def _of_graft_up() -> str | None:
    """Where the server of `graft up` answers. A busy one gets a few seconds: it is no reason to start another."""
    server.without_proxy()
    up = here().up()
    if up is None:
        return None
    deadline = time.monotonic() + server.CONFIGURED_SECONDS
    while not (well := server.healthy(up.api)) and time.monotonic() < deadline and here().is_up():
        time.sleep(0.2)
    return up.api if well else None


def flush() -> None:
    """Let Prefect's client send what it still holds: ended earlier, both sides print long tracebacks."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)
