"""What holds for the whole suite: a home of its own, and no process left behind."""

import gc
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flows.garbage import settle

MARK = "GRAFT_TEST_SESSION"
GRACE_SECONDS = 30.0


def pytest_configure(config: pytest.Config) -> None:
    """Every process that the suite starts inherits the mark and the home. With xdist the workers do, too.

    So is Ctrl-C: where a script starts the suite with `&`, its shell has it ignored, and whoever is to be interrupted
    by a test would go on for ever.
    """
    if not hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ[MARK] = uuid.uuid4().hex
        os.environ["GRAFT_HOME"] = tempfile.mkdtemp(prefix="graft-home-")


@pytest.fixture(autouse=True)
def environment_as_it_was() -> Iterator[None]:
    """What a command sets for its own process (that Prefect be quiet, say) is not for the tests after it."""
    before = dict(os.environ)
    yield
    for name in os.environ.keys() - before.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(autouse=True)
def garbage_of_this_test_alone() -> None:
    """Steps and Keras collect garbage again and again, and each time walk through all that there is: Prefect,
    TensorFlow and every test that was collected, half of a small run's time. What was there before stays."""
    gc.collect()
    settle()


def left_behind(mark: str) -> list[psutil.Process]:
    """Processes that the session with this mark started, this one and those above it aside."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        try:
            ended = process.status() == psutil.STATUS_ZOMBIE
            if process.pid not in own and not ended and process.environ().get(MARK) == mark:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone, or somebody else's
    return found


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session where a process outlived it: no test may leave a server, a worker or a flow behind."""
    if hasattr(session.config, "workerinput"):
        return
    deadline = time.monotonic() + GRACE_SECONDS
    while (left := left_behind(os.environ[MARK])) and time.monotonic() < deadline:
        time.sleep(0.5)
    for process in left:
        print(f"\nleft behind: {process.pid} {' '.join(process.cmdline())[:200]}")
        process.kill()
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(Path(os.environ["GRAFT_HOME"]), ignore_errors=True)
