"""One process at a time computes a key; a lock ends with its holder."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifacts.store import Store
from tasks.computing import alone
from tests.flows.processes import environment

KEY = "sha256:" + "a" * 64
HOLD = """
import sys, time
from pathlib import Path
from artifacts.store import Store
from tasks.computing import alone

with alone(Store(Path(sys.argv[1])), sys.argv[2], lambda _: None):
    print("held", flush=True)
    time.sleep(float(sys.argv[3]))
"""
Hold = Callable[[float], "subprocess.Popen[str]"]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Hold]:
    """Starts a process that holds the key, and gives it once it does."""
    started = []

    def start(seconds: float) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", HOLD, str(tmp_path), KEY, str(seconds)]
        process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_who_comes_second_waits_and_says_so_once(tmp_path: Path, holder: Hold) -> None:
    holder(1.5)
    said: list[str] = []
    began = time.monotonic()
    with alone(Store(tmp_path), KEY, said.append):
        waited = time.monotonic() - began
    assert waited > 0.5
    assert said == ["another run computes the same just now; waiting for it"]


def test_another_key_is_free(tmp_path: Path, holder: Hold) -> None:
    holder(30)
    said: list[str] = []
    began = time.monotonic()
    with alone(Store(tmp_path), "sha256:" + "b" * 64, said.append):
        pass
    assert time.monotonic() - began < 5 and said == []


def test_a_killed_holder_holds_nothing(tmp_path: Path, holder: Hold) -> None:
    process = holder(60)
    os.kill(process.pid, signal.SIGKILL)
    began = time.monotonic()
    with alone(Store(tmp_path), KEY, lambda _: None):
        assert time.monotonic() - began < 10


def test_it_can_be_had_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError), alone(Store(tmp_path), KEY, lambda _: None):
        raise ValueError
    with alone(Store(tmp_path), KEY, lambda _: pytest.fail("it is free")):
        pass
