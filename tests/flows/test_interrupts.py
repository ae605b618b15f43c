"""Ctrl-C counts, whatever the code that it hit made of it."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from artifacts.runs import Runs
from artifacts.store import Store
from flows import interrupts
from flows.observing import Observers
from tasks.progress import EpochNews
from tests.flows.processes import ROOT, environment


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):  # Python looks for signals between two of its instructions
        pass


def test_a_ctrl_c_is_remembered_and_still_raised_and_the_handler_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts.listening():
        assert not interrupts.heard()
        with pytest.raises(KeyboardInterrupt):
            press_ctrl_c()
        assert interrupts.heard()
    assert not interrupts.heard()
    assert signal.getsignal(signal.SIGINT) is before


def test_where_ctrl_c_is_ignored_it_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.listening():
            press_ctrl_c()
            assert not interrupts.heard()
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_than_the_main_one_changes_nothing() -> None:
    seen: list[object] = []

    def listen() -> None:
        with interrupts.listening():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]


INTERRUPTED = """
import os, signal, sys
from flows.cli import _guarded
from tasks.pure import pictures
from tests.flows.test_interrupts import press_ctrl_c
from tests.flows.quick import quick_pictures

becomes = sys.argv.pop(1)

def draw(*given):
    try:
        press_ctrl_c()
    except KeyboardInterrupt:
        if becomes == "an error":
            raise RuntimeError("in user code") from None
    return quick_pictures(*given)

pictures.draw = draw
sys.exit(_guarded(sys.argv[1:]))
"""


@pytest.mark.parametrize("becomes", ["an error", "nothing"])
def test_a_swallowed_ctrl_c_is_cancelled_all_the_same(
    served: dict[str, str], finished: str, store: Store, becomes: str
) -> None:
    """As C code does it that matplotlib calls, and as an object's end does it."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, becomes, "run", finished, "--force", "figures"],
        env=environment(**served), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, "graft: interrupted" in done.stderr) == (130, True), done.stderr
    record = Runs(store).all()[-1]
    assert record.state == "cancelled" and str(record.message).startswith("cancelled")
    assert {entry["step"]: entry["status"] for entry in record.steps}["report"] in ("failed", "skipped")
    assert "in user code" not in str(record.steps)


def test_a_swallowed_ctrl_c_ends_a_training_at_its_next_news() -> None:
    """Raised while an object is deleted it is only printed, and a training of a week would go on."""
    news = EpochNews("fine_tune", 1, 100, 0.0, {}, 0.0)
    with interrupts.listening():
        Observers([]).listen(news)
        with suppress(KeyboardInterrupt):
            press_ctrl_c()
        with pytest.raises(KeyboardInterrupt):
            Observers([]).listen(news)


ENDLESS = """
import sys, time
from flows.cli import main
from tasks.pure import fitting
from tests.tasks.test_apart import until_asked_to_stop

def fit(*given):
    print("under way", file=sys.stderr, flush=True)
    until_asked_to_stop()
    print("and goes on", file=sys.stderr, flush=True)
    time.sleep(3600)

fitting.fit = fit
main()
"""


def test_a_second_ctrl_c_does_not_wait_for_the_step(served: dict[str, str], tiny: str, store: Store) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, "run", tiny, "--json"],
        env=environment(**served), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    for told in ("under way", "and goes on"):
        while told not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out)["state"] == Runs(store).all()[-1].state == "cancelled"
