"""Prefect servers as processes of graft's own: that of `graft up`, and the embedded one of a run (`run_server.py`).

They keep their records under graft's home, bind 127.0.0.1 and end with the process that started them. Starts are made
one at a time under a lock: two first starts on a fresh machine collide in the database's migration otherwise.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
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
    here().make()
    with start_lock():
        process = spawn(port, settings, log)
        try:
            wait_until_healthy(process, api_url(port), log)
        except BaseException:
            stop(process)
            raise
    return process


def start_lock() -> FileLock:
    """To be held from a server's start until it answers: two first starts collide in the database's migration."""
    return FileLock(here().root / "server-start.lock", timeout=LOCK_SECONDS)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(port: int, settings: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
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


def wait_until_healthy(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    """Raises ServerError where the server ends instead, or does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServerError(f"Prefect's server ended while starting: {_last_words(process, log)}")
        if healthy(url):
            return
        time.sleep(0.02)
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
