"""A step's work in a thread of its own: what a signal raises stops it, and never hits it."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from contextvars import ContextVar

import pytest

from tasks.apart import apart, left_alone
from tasks.pure import stopping
from tests.flows.processes import ROOT, environment

colour: ContextVar[str] = ContextVar("colour", default="none")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    assert not left_alone()


def signal_when(*ready: threading.Event) -> threading.Thread:
    """Presses Ctrl-C once each of these has happened."""

    def press() -> None:
        for event in ready:
            assert event.wait(30)
            os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def until_asked_to_stop() -> None:
    with suppress(stopping.Stopped):
        while True:
            time.sleep(0.01)
            stopping.point()


def test_the_work_has_another_thread_and_the_same_context() -> None:
    token = colour.set("blue")
    try:
        thread, found, given = apart(lambda *given: (threading.current_thread(), colour.get(), given))(1, 2)
    finally:
        colour.reset(token)
    assert thread is not threading.main_thread()
    assert (found, given) == ("blue", (1, 2))


def test_its_error_is_the_callers() -> None:
    def work() -> None:
        raise ValueError("as it was")

    with pytest.raises(ValueError, match="as it was"):
        apart(work)()


def test_in_another_thread_than_the_main_one_it_stays_there() -> None:
    seen: list[threading.Thread] = []
    other = threading.Thread(target=lambda: seen.append(apart(threading.current_thread)()))
    other.start()
    other.join()
    assert seen == [other]


def test_a_ctrl_c_stops_the_work_at_its_next_point_and_is_raised_after_that() -> None:
    ready, seen = threading.Event(), []

    def work() -> None:
        ready.set()
        try:
            while True:
                time.sleep(0.01)
                stopping.point()
        except BaseException as problem:
            seen.append(type(problem))
            raise

    presser = signal_when(ready)
    with pytest.raises(KeyboardInterrupt):
        apart(work)()
    presser.join()
    assert seen == [stopping.Stopped]


def test_work_that_has_no_point_ends_first() -> None:
    ready, seen = threading.Event(), []

    def work() -> None:
        ready.set()
        until_asked_to_stop()
        time.sleep(0.5)
        seen.append("done")

    presser = signal_when(ready)
    with pytest.raises(KeyboardInterrupt):
        apart(work)()
    presser.join()
    assert seen == ["done"]


def test_a_second_ctrl_c_does_not_wait() -> None:
    ready, asked, go_on = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        ready.set()
        until_asked_to_stop()
        asked.set()
        go_on.wait(30)

    presser = signal_when(ready, asked)
    with pytest.raises(KeyboardInterrupt):
        apart(work)()
    assert left_alone()
    go_on.set()
    presser.join()
    while left_alone():
        time.sleep(0.01)


def test_outside_of_a_step_a_point_is_nothing() -> None:
    stopping.point()


AT_ANY_MOMENT = """
import os, random, signal, threading, time
import numpy as np
from tasks.device import prepare
prepare()
import keras
from tasks.apart import apart
from tasks.pure import fitting
from tasks.pure.training import Training

random.seed(0)
images = np.zeros((64, 8, 8, 1), np.uint8)
part = images, np.arange(64) % 4
head = [keras.layers.Dropout(0.2), keras.layers.Dense(4, "softmax")]
network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), *head])
training = Training(epochs=100_000, batch_size=16, learning_rate=1e-3, early_stopping=None, class_weights=False)
for count in range(15):
    threading.Timer(random.uniform(0.8, 1.8), os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        apart(fitting.fit)(network, part, part, training, count)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.slow
def test_a_ctrl_c_at_any_moment_of_a_training_stops_it_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ANY_MOMENT],
        env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()) == (0, ["stopped"] * 15), done.stderr
    assert "ignored" not in done.stderr
