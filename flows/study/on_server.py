"""The trials of a study as flow runs of a deployment, so that the workers of its pool carry them out."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

from prefect import get_run_logger
from prefect.client.schemas.objects import FlowRun
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound

from artifacts.errors import ServerError
from flows.operating import api
from flows.study.dispatching import UnderWay, sent
from flows.study.trials import Trial

DEPLOYMENT = "study-trial/in-pool"
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 60.0  # without any trial begun, before the log says so


@dataclass
class InPool:
    """Runs trials, at most `jobs` sent at once. A context manager: what is under way at its end is cancelled.

    Attributes:
        study: id, for the tag of the runs.
        threads: that each trains on: part of the key, so the same for all.
    """

    study: str
    jobs: int
    threads: int
    _under_way: UnderWay[UUID] = field(init=False)
    _heard: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._under_way = UnderWay(self._send, self._ended, lambda: self.jobs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with api.connected() as client:
            for run in self._under_way.trials:
                api.cancel(client, str(run), f"Study {self.study} has ended before.")

    def run(self, trials: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        """As `dispatching.TrialRunner` says; those under way are cancelled where one failed."""
        self._under_way.run(trials, until, ended)

    def _send(self, trial: Trial, until: str | None) -> UUID:
        environment: dict[str, Any] = {"env": {"GRAFT_THREADS": str(self.threads)}}
        tags = ["graft", f"study: {self.study}"]
        parameters = sent(self.study, trial, until)
        try:
            run = run_deployment(DEPLOYMENT, parameters=parameters, timeout=0, tags=tags, job_variables=environment)
        except ObjectNotFound:
            raise ServerError(
                f"This server has no deployment `{DEPLOYMENT}`. Run `graft deploy` first, or leave `where` as it is."
            ) from None
        return run.id  # type: ignore[union-attr]

    def _ended(self) -> Iterator[tuple[UUID, str | None]]:
        """Those that have ended since the last time; a server that stumbles is asked again."""
        time.sleep(LOOK_SECONDS)
        with api.connected() as client:
            for run in list(self._under_way.trials):
                with suppress(*api.Problems):
                    found = client.read_flow_run(run)
                    if found.state and not (found.state.is_scheduled() or found.state.is_pending()):
                        self._heard = time.monotonic()
                    if found.state and found.state.is_final():
                        yield run, _problem(found)
        self._say_if_nobody_takes_them()

    def _say_if_nobody_takes_them(self) -> None:
        if time.monotonic() - self._heard > PATIENCE_SECONDS:
            self._heard = time.monotonic()
            get_run_logger().warning(
                "No worker has begun one of the %s trials sent. The study itself takes one place: does the pool have "
                "a worker with room for another run (`graft up --limit 2`, `graft worker --limit 2`)?",
                len(self._under_way.trials),
            )


def _problem(run: FlowRun) -> str | None:
    """What went wrong in a flow run that has ended, or None."""
    completed = run.state is not None and run.state.is_completed()
    return None if completed else f"flow run {run.name}: {run.state and run.state.message}."
