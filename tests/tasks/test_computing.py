"""One process at a time computes a key; a lock ends with its holder."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from artifacts.store import Store
from tasks.computing import alone

KEY = "sha256:" + "a" * 64
SPAWN = multiprocessing.get_context("spawn")


def hold(root: Path, holding: "multiprocessing.synchronize.Event", seconds: float) -> None:
    with alone(Store(root), KEY, lambda _: None):
        holding.set()
        time.sleep(seconds)


@pytest.fixture
def holder(tmp_path: Path):
    """Starts a process that holds the key, and gives it once it does."""
    started = []

    def start(seconds: float) -> "multiprocessing.Process":
        holding = SPAWN.Event()
        process = SPAWN.Process(target=hold, args=(tmp_path, holding, seconds))
        process.start()
        started.append(process)
        assert holding.wait(60)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def test_who_comes_second_waits_and_says_so_once(tmp_path: Path, holder) -> None:
    holder(1.5)
    said: list[str] = []
    began = time.monotonic()
    with alone(Store(tmp_path), KEY, said.append):
        waited = time.monotonic() - began
    assert waited > 0.5
    assert said == ["another run is computing this step just now; waiting for it"]


def test_another_key_is_free(tmp_path: Path, holder) -> None:
    holder(30)
    said: list[str] = []
    began = time.monotonic()
    with alone(Store(tmp_path), "sha256:" + "b" * 64, said.append):
        pass
    assert time.monotonic() - began < 5 and said == []


def test_a_killed_holder_holds_nothing(tmp_path: Path, holder) -> None:
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
