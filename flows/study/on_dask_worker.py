"""What a Dask worker does for a study: it runs trials in a process of its own, one after another.

Not in the worker itself, which TensorFlow's leaks would fill until it hangs, and whose threads cannot be interrupted:
the process is stopped when nobody wants the trial any more, and ends with the worker, `kill -9` included.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flows.study.trial_runs import Process

LOOK_SECONDS = 0.5

_idle: dict[tuple[int, str], list[Process]] = {}  # by what a process was started with


def run(sent: str, threads: int, api: str) -> str | None:
    """Run a trial; what went wrong, or None. Called by Dask, in a thread of the worker.

    Args:
        sent: `dispatching.sent` as JSON.
        threads, api: as in `trial_runs.Process`.
    """
    waiting = _idle.setdefault((threads, api), [])
    process = waiting.pop() if waiting else Process(threads, api)
    try:
        with _stopped_when_unwanted(process):
            return process.run(json.loads(sent))
    finally:
        if process.is_fresh:
            waiting.append(process)
        else:
            process.close()


def close() -> None:
    """End the processes that have nothing to do: the study has ended. Dask calls it in its event loop, which may not
    wait for them."""
    for waiting in _idle.values():
        while waiting:
            threading.Thread(target=waiting.pop().close, name="close").start()


@contextmanager
def _stopped_when_unwanted(process: Process) -> Iterator[None]:
    ended, wanted = threading.Event(), _wanted()

    def watch() -> None:
        while not ended.wait(LOOK_SECONDS):
            if not wanted():
                process.interrupt()
                return

    threading.Thread(target=watch, name="wanted", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _wanted() -> Callable[[], bool]:
    """Tells whether somebody still wants what this thread computes: Dask marks a task whose client has cancelled it, or
    is gone, but lets its thread go on."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def ask() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state != "cancelled"

    return ask


def seen(study: str, api: str, dask_worker: Any) -> dict[str, Any]:
    """What this worker has, for `on_dask` to compare: threads, the folder of the store, whether the study's plan is in
    it, what goes into every key, whether the server answers. Dask gives `dask_worker`, by that name."""
    from artifacts.store import Store
    from artifacts.studies import PLAN, Studies
    from flows import server

    store = Store()
    return {
        "threads": dask_worker.state.nthreads,
        "store": str(store.root),
        "plan": (Studies(store).folder(study) / PLAN).is_file(),
        "keys": in_every_key(),
        "server": server.healthy(api),
    }


def in_every_key() -> dict[str, str]:
    """What the keys of a study have in them wherever it is computed: another value, and another machine's results are
    not found."""
    from artifacts.digest import digest_json
    from flows.dag import STEPS
    from tasks.device import device
    from tasks.fingerprint import fingerprint

    prints = [fingerprint(step) for step in STEPS]
    machine = {name: value for name, value in device().items() if name != "threads"}
    versions = {name: version for each in prints for name, version in each.versions.items()}
    code = digest_json([dict(each.files) for each in prints])
    return {"graft's code": code, "machine": str(machine), "versions": str(dict(sorted(versions.items())))}
