"""Which Prefect server a run talks to: the configured one, or one of our own for as long as the run lasts.

The embedded server keeps its records where Prefect does (`PREFECT_HOME`), binds 127.0.0.1 on a free port, and ends
with this process. Starts are made one at a time under a lock: two first starts on a fresh machine collide in the
database's migration otherwise.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener, urlopen

from filelock import FileLock

from artifacts.errors import ServerError

START_SECONDS = 90.0  # a fresh PREFECT_HOME on a busy machine: migration, and bytecode to compile
LOCK_SECONDS = 300.0
STOP_SECONDS = 10.0
CONFIGURED_SECONDS = 10.0
ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def prefect_server(waiting: Callable[[], AbstractContextManager[Any]] = nullcontext) -> Iterator[None]:
    """Make a Prefect server available to the runs inside the block.

    Args:
        waiting: makes a context that is entered while an embedded server starts, such as a spinner.

    Raises:
        ServerError: none could be started.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    configured = PREFECT_API_URL.value()
    if configured:
        _check_reachable(configured)
        yield
        return
    _without_proxy()
    with (
        _embedded(waiting) as url,
        temporary_settings({PREFECT_API_URL: url}, restore_defaults={PREFECT_FLOWS_HEARTBEAT_FREQUENCY}),
    ):
        try:
            yield
        finally:
            _flush()


def _check_reachable(url: str) -> None:
    try:
        with urlopen(f"{url.rstrip('/')}/health", timeout=CONFIGURED_SECONDS):  # noqa: S310 - the person's own setting
            return
    except HTTPError:
        return  # somebody answers; whether we may come in, Prefect will say
    except (URLError, OSError, ValueError) as problem:
        raise ServerError(
            f"PREFECT_API_URL is {url}, but no Prefect server answers there ({problem}). Start it with `prefect server "
            "start`, mend the address, or unset PREFECT_API_URL: graft then starts a server of its own for the run."
        ) from None


def _without_proxy() -> None:
    """Let Prefect's client reach our own server directly, whatever proxy the environment names."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        os.environ[name] = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))


@contextmanager
def _embedded(waiting: Callable[[], AbstractContextManager[Any]]) -> Iterator[str]:
    with waiting():
        process, url = _start()
    try:
        yield url
    finally:
        _stop(process)


def _start() -> tuple["subprocess.Popen[bytes]", str]:
    home = _home()
    with FileLock(home / "graft-server-start.lock", timeout=LOCK_SECONDS):
        port = _free_port()
        process = _spawn(port)
        url = f"http://127.0.0.1:{port}/api"
        try:
            _wait_until_healthy(process, url)
        except BaseException:
            _stop(process)
            raise
    return process, url


def _home() -> Path:
    from prefect.settings import PREFECT_HOME

    home = Path(PREFECT_HOME.value())
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise ServerError(f"PREFECT_HOME {home} cannot be made ({problem.strerror}). Set PREFECT_HOME.") from problem
    return home


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spawn(port: int) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    environment |= {
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT_UI_ENABLED": "0",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "flows.server_process", str(port)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        # Ctrl-C is for the run; the server must still be there for the run's last words.
        start_new_session=True,
    )


def _wait_until_healthy(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"Prefect's embedded server ended while starting: {_last_words(process)}")
        try:
            with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.05)
    raise ServerError(
        f"Prefect's embedded server did not answer within {START_SECONDS:.0f} s. Try again, or start one with "
        "`prefect server start` and set PREFECT_API_URL."
    )


def _last_words(process: "subprocess.Popen[bytes]") -> str:
    text = process.stderr.read().decode(errors="replace") if process.stderr else ""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {process.returncode}"


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Close the pipe and end the process; its last words are of no interest to anyone."""
    process.terminate()
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stderr:
        process.stderr.close()


def _flush() -> None:
    """Let Prefect's client send what it still holds: ended earlier, both sides print long tracebacks."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)
