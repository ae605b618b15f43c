"""Two real processes that want the same training at once: one trains, the other waits and hits."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from tests.flows.processes import start
from tests.flows.tiny import statuses

WAITING = "another run computes the same just now; waiting for it"


def at_pretrain(store: Store) -> list[RunRecord]:
    """The runs whose next step, or step under way, is the pretraining."""
    return [
        record
        for record in Runs(store).all()
        if record.state == "running" and record.steps and record.steps[-1]["step"] == "inspect_data"
    ]


def wait_for(count: int, store: Store) -> list[RunRecord]:
    deadline = time.monotonic() + 120
    while len(found := at_pretrain(store)) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(found) == count
    return found


def ended(process: "subprocess.Popen[str]") -> tuple[dict[str, Any], str]:
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return json.loads(out), err


@pytest.mark.parametrize("killed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_one_pretrains_and_the_other_waits_and_hits_or_takes_over_where_the_first_was_killed(
    served: dict[str, str], tiny: str, store: Store, killed: bool
) -> None:
    command = ("run", tiny, "--set", "pretrain.epochs=200", "--json")
    processes = {each.pid: each for each in (start(*command, **served), start(*command, **served))}
    try:
        runs = wait_for(2, store)
        assert {run.process for run in runs} == set(processes)
        if killed:
            first = processes.pop(holder(store, set(processes)))
            os.kill(first.pid, signal.SIGKILL)
            first.communicate()
        told = [ended(process) for process in processes.values()]
    finally:
        for process in processes.values():
            process.kill()
    found = sorted(statuses(result)["pretrain"] for result, _ in told)
    assert found == (["ran"] if killed else ["hit", "ran"])
    assert killed or sum(WAITING in err for _, err in told) == 1  # the first may die before the second comes to wait
    assert len({json.dumps(result["metrics"], sort_keys=True) for result, _ in told}) == 1


def holder(store: Store, pids: set[int]) -> int:
    """Which of the processes has the lock of the one key that is computed now."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines():
            kind, pid, place = line.split()[1], int(line.split()[4]), line.split()[5]
            inode = int(place.split(":")[2])
            if kind == "FLOCK" and pid in pids and inode in {path.stat().st_ino for path in store.computing.glob("*")}:
                return pid
        time.sleep(0.05)
    raise AssertionError("nobody computes")
