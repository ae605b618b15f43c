"""Which Prefect server a run talks to: the configured one, that of `graft up`, or one of our own while the run lasts.

graft's own servers keep their records under graft's home, bind 127.0.0.1 and end with the process that started them;
the embedded one of a run takes a free port. Starts are made one at a time under a lock: two first starts on a fresh
machine collide in the database's migration otherwise.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener, urlopen

from filelock import FileLock

from artifacts.errors import ServerError
from flows.home import ROOT, here

START_SECONDS = 90.0  # a fresh home on a busy machine: migration, and bytecode to compile
LOCK_SECONDS = 300.0
STOP_SECONDS = 10.0
CONFIGURED_SECONDS = 10.0
# The automation for vanished runs (`operating/vanished.py`) waits 90 s; with Prefect's own 180 all would look dead.
HEARTBEAT_SECONDS = 30


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
        check_reachable(configured)
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: HEARTBEAT_SECONDS}):
            yield
        return
    without_proxy()
    up = here().up()
    if up and _answers_soon(up.api):
        with temporary_settings({PREFECT_API_URL: up.api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: HEARTBEAT_SECONDS}):
            yield
        return
    with (
        _embedded(waiting) as url,
        # Nobody listens to a heartbeat there, and joining its thread costs a second.
        temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
    ):
        try:
            yield
        finally:
            flush()


def check_reachable(url: str) -> None:
    """Raises ServerError where no server answers at the configured address."""
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


def without_proxy() -> None:
    """Let Prefect's client reach our own server directly, whatever proxy the environment names."""
    for name in ("NO_PROXY", "no_proxy"):
        known = os.environ.get(name, "")
        os.environ[name] = ",".join(filter(None, [known, "127.0.0.1", "localhost"]))


@contextmanager
def _embedded(waiting: Callable[[], AbstractContextManager[Any]]) -> Iterator[str]:
    with waiting():
        process, url, log = _start()
    try:
        yield url
    finally:
        stop(process)
        log.unlink(missing_ok=True)


def _start() -> tuple["subprocess.Popen[bytes]", str, Path]:
    port, home = free_port(), here()
    home.make()
    settings = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_UI_ENABLED": "0"}
    log = home.logs / f"embedded-{port}.log"
    return start(port, settings, log), api_url(port), log


def api_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/api"


def start(port: int, settings: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    """Start a server of graft's own and wait until it answers.

    Args:
        settings: environment variables for Prefect.
        log: file for its standard error. A pipe that nobody reads would stop it once it is full.

    Raises:
        ServerError: it ended, or did not answer in time.
    """
    home = here()
    home.make()
    with FileLock(home.root / "server-start.lock", timeout=LOCK_SECONDS):
        process = _spawn(port, settings, log)
        try:
            _wait_until_healthy(process, api_url(port), log)
        except BaseException:
            stop(process)
            raise
    return process


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _spawn(port: int, settings: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
    environment |= {
        "PREFECT_HOME": str(here().prefect),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        **settings,
    }
    with log.open("ab") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "flows.server_process", str(port)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            # Ctrl-C is for the run; the server must still be there for the run's last words.
            start_new_session=True,
        )


def healthy(url: str) -> bool:
    """Whether a server answers at `url` (with `/api`)."""
    try:
        with build_opener(ProxyHandler({})).open(f"{url}/health", timeout=2):
            return True
    except (URLError, OSError):
        return False


def _answers_soon(url: str) -> bool:
    """Whether the server of `graft up` answers within a few seconds: a busy one is no reason to start another."""
    deadline = time.monotonic() + CONFIGURED_SECONDS
    while not (well := healthy(url)) and time.monotonic() < deadline and here().is_up():
        time.sleep(0.2)
    return well


def _wait_until_healthy(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"Prefect's server ended while starting: {_last_words(process, log)}")
        if healthy(url):
            return
        time.sleep(0.05)
    raise ServerError(
        f"Prefect's server did not answer within {START_SECONDS:.0f} s. Try again, or start one with "
        "`prefect server start` and set PREFECT_API_URL."
    )


def _last_words(process: "subprocess.Popen[bytes]", log: Path) -> str:
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {process.returncode}"


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Close the pipe and end the process; its last words are of no interest to anyone."""
    process.terminate()
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def flush() -> None:
    """Let Prefect's client send what it still holds: ended earlier, both sides print long tracebacks."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=5)
    EventsWorker.drain_all(timeout=5)
