"""The trials of a study on the workers of a Dask scheduler: on many machines, with one store that all of them see.

A trial travels as JSON, and back comes nothing but that it has ended: the results are in the store, a shared folder.
What a lost worker had under way runs again on another (Dask's own retry). Two machines whose locks do not see each
other compute the same bits, and the first one wins (`artifacts/store.py`).

The client is that of `prefect-dask`, which hands plain functions on to Dask. Its task runner is not used: a trial is a
flow run of its own already, and that would pickle the study's whole context with each.
"""

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from artifacts.errors import ServerError, UsageError
from flows.study import on_dask_worker
from flows.study.dispatching import UnderWay, sent
from flows.study.trials import Trial

CONNECT_SECONDS = 10
LOOK_SECONDS = 2  # workers may have come; until then nobody asks
INSTALL = "python -m pip install 'graft[dask]'"


@dataclass
class OnDask:
    """Runs trials, one on each worker at once. A context manager: at its end the workers have stopped.

    Attributes:
        study: id, whose plan is in the store already.
        address: of the scheduler, such as `tcp://10.0.0.1:8786`.
        threads: that each trains on: part of the key, so the same for all.
        api: of the Prefect server that they report to.
    """

    study: str
    address: str
    threads: int
    api: str
    _client: Any = None
    _under_way: UnderWay[Any] = field(init=False)

    def __post_init__(self) -> None:
        self._under_way = UnderWay(self._send, self._ended, self._room)

    def __enter__(self) -> Self:
        """Connect, and look whether the workers can do it.

        Raises:
            UsageError: Dask is not installed; a worker lacks something. ServerError: no scheduler, or no worker.
        """
        self._client = _connected(self.address)
        try:
            check(self._client.run(on_dask_worker.seen, self.study, self.api), self.api)
        except ModuleNotFoundError as problem:
            self._client.close()
            raise UsageError(f"The workers at {self.address} lack {problem.name}. Install graft there, too.") from None
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Workers stop what they have under way (`on_dask_worker`), as they do where this process is killed."""
        try:
            self._client.cancel(list(self._under_way.trials))
            self._client.run(on_dask_worker.close, on_error="ignore")
        finally:
            self._client.close()

    def run(self, trials: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        """As `dispatching.TrialRunner` says; those under way are stopped where one failed."""
        self._under_way.run(trials, until, ended)

    def _room(self) -> int:
        """How many workers there are; where all are gone just now, one is waited for."""
        return max(1, len(self._client.nthreads()))

    def _send(self, trial: Trial, until: str | None) -> Any:
        key = f"{trial.arm}-{trial.seed}-{uuid.uuid4().hex[:8]}"
        what = json.dumps(sent(self.study, trial, until))
        return self._client.submit(on_dask_worker.run, what, self.threads, self.api, key=key, pure=False)

    def _ended(self) -> list[tuple[Any, str | None]]:
        from distributed import CancelledError, TimeoutError, wait

        try:
            with self._client.as_current():
                done = wait(list(self._under_way.trials), LOOK_SECONDS, "FIRST_COMPLETED").done
        except TimeoutError:
            return []
        except CancelledError:
            raise ServerError(
                f"The Dask scheduler at {self.address} is gone. What had ended is in the store; start it, and run the "
                "study again to go on from there."
            ) from None
        return [(future, _problem(future)) for future in done]


def _problem(future: Any) -> str | None:
    """What went wrong in a trial, or None; whatever Dask raises in words."""
    try:
        problem: str | None = future.result()
    except Exception as error:  # Dask raises here whatever was raised anywhere
        return f"{type(error).__name__}: {error}"
    return problem


def require() -> None:
    """Raises UsageError where Dask is not installed."""
    try:
        import prefect_dask.client  # noqa: F401
    except ModuleNotFoundError as problem:
        raise UsageError(f"Expected prefect-dask, found no module `{problem.name}`. Run: {INSTALL}") from None


def _connected(address: str) -> Any:
    """A client of the scheduler, which has a worker at least."""
    require()
    from prefect_dask.client import PrefectDaskClient

    start = "Start them with `dask scheduler` and, on each machine, `dask worker ADDRESS --nthreads 1`."
    try:
        client = PrefectDaskClient(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as problem:
        raise ServerError(f"No Dask scheduler answers at {address} ({problem}). {start}") from None
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except OSError:
        client.close()
        raise ServerError(f"The Dask scheduler at {address} has no worker. {start}") from None
    return client


def check(workers: Mapping[str, Mapping[str, Any]], api: str) -> None:
    """Refuse workers on which the study could not be computed, or not found again.

    Args:
        workers: address → `on_dask_worker.seen` there.
        api: of the Prefect server.

    Raises:
        UsageError: says which worker lacks what.
    """
    ours = on_dask_worker.in_every_key()
    for worker, seen in workers.items():
        if seen["threads"] != 1:
            raise UsageError(
                f"Dask worker {worker}: expected one thread (trials train on several cores each), found "
                f"{seen['threads']}. Start it with `dask worker ADDRESS --nthreads 1`."
            )
        if not seen["plan"]:
            raise UsageError(
                f"Dask worker {worker}: its store, {seen['store']}, lacks this study's plan. Expected the folder that "
                "this command uses: set GRAFT_STORE to it, as that machine sees it, before the worker starts."
            )
        for what, value in ours.items():
            if seen["keys"][what] != value:
                raise UsageError(
                    f"Dask worker {worker}: {what} differ: expected {value}, found {seen['keys'][what]}. Its results "
                    "would have other keys. Install the same there."
                )
        if not seen["server"]:
            raise UsageError(
                f"Dask worker {worker} does not reach the Prefect server at {api}. Set PREFECT_API_URL, for this "
                "command, to one that all machines reach."
            )
