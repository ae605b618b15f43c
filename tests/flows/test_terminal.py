"""What a person sees while it runs: a bar in a terminal, now and then a line in a log file, and Ctrl-C at the end."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from rich.console import Console

from artifacts.runs import Runs
from artifacts.store import Store
from flows import terminal
from flows.counting import told
from flows.terminal import SILENT_SECONDS, TerminalObserver
from tasks.progress import Counting, EpochNews
from tests.flows.processes import ROOT, environment, start
from tests.flows.tiny import statuses


@pytest.fixture
def server(harness: None) -> dict[str, str]:
    """Environment that sends `graft` to the server of this session's harness."""
    from prefect.settings import PREFECT_API_URL

    return {"PREFECT_API_URL": str(PREFECT_API_URL.value())}


def news(epoch: int, fraction: float = 0.0) -> EpochNews:
    logs = {} if fraction else {"loss": 0.5, "accuracy": 0.75}
    return EpochNews("fine_tune", epoch, 40, fraction, logs, 1.0)


def test_a_log_file_gets_a_line_about_a_training_every_few_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: clock[0])
    log = io.StringIO()
    observer = TerminalObserver(Console(file=log, width=200))
    observer.step_started("fine_tune", "forced")
    for epoch in range(1, 9):
        clock[0] += SILENT_SECONDS / 3 + 0.01
        observer.epoch(news(epoch, fraction=0.5))
        observer.epoch(news(epoch))
    assert log.getvalue().splitlines() == [
        "  fine_tune          epoch 3/40  loss 0.500  accuracy 0.750",
        "  fine_tune          epoch 6/40  loss 0.500  accuracy 0.750",
    ]


def test_a_quick_training_needs_no_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    observer = TerminalObserver(Console(file=log))
    observer.step_started("fine_tune", "forced")
    observer.epoch(news(40))
    assert log.getvalue() == ""


def in_a_terminal(*arguments: str, **changes: str) -> tuple[str, int]:
    """Run `graft` where standard output and error are a terminal: what is shown there, and the exit code."""
    ours, theirs = os.openpty()
    settings = environment(TERM="xterm", COLUMNS="120", LINES="40", **changes)
    command = [sys.executable, "-m", "flows.cli", *arguments]
    with subprocess.Popen(command, env=settings, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
        process.wait(timeout=60)
    os.close(ours)
    return shown.decode(errors="replace"), process.returncode


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux' way to say that nobody is at the other end any more
        return b""


def test_a_terminal_shows_a_bar_while_a_step_trains_and_with_verbose_prefects_lines(
    server: dict[str, str], finished: str
) -> None:
    longer = ("--set", "fine_tune.epochs=60")
    shown, code = in_a_terminal("run", finished, *longer, "--verbose", **server)
    assert code == 0
    assert re.search(r"fine_tune .*━.*epoch \d+/60 +\S*accuracy \d\.\d{3}", shown)
    assert "Beginning flow run" in shown
    assert "Report: " in shown


def test_ctrl_c_ends_with_130_and_the_object_and_what_had_ended_is_kept(
    server: dict[str, str], finished: str, store: Store
) -> None:
    endless = ("--set", "fine_tune.epochs=100000")
    # The forced step starts TensorFlow, so that the next one is caught while it trains, not while it imports.
    process = start("run", finished, *endless, "--force", "train_head", "--json", **server)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and "unfreeze" not in steps_of_the_newest_run(store):
        time.sleep(0.05)
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    result = json.loads(out)
    assert result["state"] == "cancelled"
    assert (statuses(result)["unfreeze"], statuses(result)["fine_tune"], statuses(result)["report"]) == (
        "hit",
        "failed",
        "skipped",
    )
    assert (result["metrics"], result["report"]) == ({}, None)
    assert "graft: interrupted" in err and "Traceback" not in err


def steps_of_the_newest_run(store: Store) -> list[str]:
    records = Runs(store).all()
    return [entry["step"] for entry in records[-1].steps] if len(records) > 1 else []


def test_files_on_their_way_are_counted_with_their_rate() -> None:
    """As a bar where somebody watches, and as a line every few seconds where nobody does."""
    news = Counting("load_data.target", "decoded", 1_200, 50_000, 2.0)
    assert told(news) == "1,200 of 50,000 files decoded · 600 a second"
    assert told(Counting("load_data.target", "read", 0, 5, 0.0)) == "0 of 5 files read"
    written = io.StringIO()
    observer = TerminalObserver(Console(file=written, width=100))
    observer.step_started("load_data.target", "")
    observer.spoke -= 60
    observer.count(Counting("load_data.target", "decoded", 3, 6, 1.0))
    observer.count(Counting("load_data.target", "decoded", 4, 6, 1.0))
    assert written.getvalue().splitlines() == ["  load_data.target   3 of 6 files decoded · 3 a second"]
