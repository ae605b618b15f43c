"""A study on Dask: a real scheduler and real workers, one of them killed; and what is said where it cannot be."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from artifacts.errors import ServerError, UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from flows.study import on_dask, on_dask_worker
from tests.flows.operating.station import free_port
from tests.flows.processes import ROOT, as_json, environment, graft, start
from tests.flows.study.test_study_processes import ASKED, found, nothing_computed_twice, trial_processes, until

API = "http://127.0.0.1:4200/api"


def sound(**changes: Any) -> dict[str, dict[str, Any]]:
    """What a worker says that lacks nothing, but for `changes`."""
    plain = {"threads": 1, "store": "/shared", "plan": True, "keys": on_dask_worker.in_every_key(), "server": True}
    return {"tcp://10.0.0.2:4000": {**plain, **changes}}


def test_workers_that_lack_nothing_are_taken() -> None:
    on_dask.check(sound(), API)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"threads": 4}, "expected one thread .*found 4.*--nthreads 1"),
        ({"plan": False}, "its store, /shared, lacks this study's plan.*GRAFT_STORE"),
        ({"keys": {**on_dask_worker.in_every_key(), "graft's code": "sha256:0"}}, "graft's code differ"),
        ({"keys": {**on_dask_worker.in_every_key(), "versions": "{}"}}, "versions differ"),
        ({"server": False}, f"does not reach the Prefect server at {API}.*PREFECT_API_URL"),
    ],
)
def test_a_worker_that_would_compute_other_keys_or_nothing_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=f"Dask worker tcp://10.0.0.2:4000.*{said}"):
        on_dask.check(sound(**changes), API)


def test_what_is_in_every_key_is_the_code_of_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks import fingerprint

    before = on_dask_worker.in_every_key()
    edited = fingerprint.Fingerprint({"tasks/pretrain.py": "sha256:1"}, {"numpy": "1"})
    monkeypatch.setattr(fingerprint, "fingerprint", lambda step: edited)
    after = on_dask_worker.in_every_key()
    assert {name for name in before if before[name] != after[name]} == {"graft's code", "versions"}


def test_without_dask_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prefect_dask", None)
    monkeypatch.delitem(sys.modules, "prefect_dask.client", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'graft\[dask\]'"):
        on_dask.require()


def test_where_no_scheduler_answers_it_says_how_to_start_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_dask, "CONNECT_SECONDS", 1)
    address = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(ServerError, match=f"No Dask scheduler answers at {address}.*dask scheduler"):
        on_dask.OnDask("abc", address, 1, API).__enter__()
    with pytest.raises(ServerError, match="No Dask scheduler answers at nonsense://"):
        on_dask.OnDask("abc", "nonsense://1", 1, API).__enter__()


class Cluster:
    """A scheduler on loopback, and workers with a thread each."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.address = folder, f"tcp://127.0.0.1:{free_port()}"
        self.workers: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", port)

    def _start(self, what: str, *arguments: str) -> "subprocess.Popen[bytes]":
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{what}", *arguments, "--no-dashboard"],
                env=environment(), cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip

    def add(self, number: int) -> None:
        for _ in range(number):
            self.workers.append(self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny"))

    def end(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path, store: Store) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    made.add(2)
    try:
        yield made
    finally:
        made.end()


def under_way(store: Store) -> Callable[[], bool]:
    """Whether both workers are in the middle of a trial."""

    def look() -> bool:
        open_runs = [run for run in Runs(store).all() if run.seconds is None]
        return len(open_runs) == 2 and all(any(e["step"] == "load_data.source" for e in run.steps) for run in open_runs)

    return look


@pytest.mark.slow
def test_a_worker_is_killed_and_nothing_is_lost_or_computed_twice(
    served: dict[str, str], tiny: str, store: Store, tmp_path: Path, cluster: Cluster
) -> None:
    asked = ("study", tiny, *ASKED, "--seeds", "2")
    serial = as_json(graft(*asked, **{**served, "GRAFT_STORE": str(tmp_path / "serial")}))
    process = start(*asked, "--dask", cluster.address, **served)
    until(under_way(store), 120)
    victim = cluster.workers[0]
    (its_trial,) = psutil.Process(victim.pid).children()
    os.kill(victim.pid, signal.SIGKILL)
    told, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert not its_trial.is_running()

    import json

    both = json.loads(told)
    assert found(both) == found(serial)
    assert both["num_runs"] == serial["num_runs"] + 1  # the run that died, and once more elsewhere
    assert nothing_computed_twice(store, serial["computed"], died=1)
    until(lambda: trial_processes(store) == [], 30)


@pytest.mark.slow
def test_a_study_that_is_killed_stops_the_trials_on_the_workers(
    served: dict[str, str], tiny: str, store: Store, cluster: Cluster
) -> None:
    process = start("study", tiny, *ASKED, "--set", "pretrain.epochs=20000", "--dask", cluster.address, **served)
    until(under_way(store), 120)
    process.kill()
    process.communicate()
    until(lambda: all(run.state == "cancelled" for run in Runs(store).all()), 60)
    assert all(worker.poll() is None for worker in cluster.workers)
