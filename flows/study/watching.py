"""How a study or a sweep is followed: a line a trial on the terminal, with what is left; log lines on a server."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from prefect import get_run_logger

from flows.study.trials import Trial
from flows.study.trying import Looked, Watcher
from tasks.pure.page_content import seeds_told

_watcher: ContextVar[Watcher | None] = ContextVar("graft_study_watcher", default=None)


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Let `watcher` see the study inside the block."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def watcher() -> Watcher:
    """Whoever watches, and the flow run's log."""
    present = _watcher.get()
    return Several([InLog(), *([present] if present else [])])


@dataclass
class Several:
    """Tells several watchers."""

    watchers: list[Watcher]

    def trials(self, what: str, wanted: int, there: int) -> None:
        for each in self.watchers:
            each.trials(what, wanted, there)

    def trial(self, trial: Trial, accuracy: float | None, seconds: float) -> None:
        for each in self.watchers:
            each.trial(trial, accuracy, seconds)

    def look(self, outcome: Looked) -> None:
        for each in self.watchers:
            each.look(outcome)


class InLog:
    """Says it in the flow run's log."""

    def trials(self, what: str, wanted: int, there: int) -> None:
        get_run_logger().info("%s: %s of %s trials are in the store", what, there, wanted)

    def trial(self, trial: Trial, accuracy: float | None, seconds: float) -> None:
        get_run_logger().info("%s, seed %s: %.3f", trial.arm, trial.seed, accuracy or float("nan"))

    def look(self, outcome: Looked) -> None:
        get_run_logger().info("look at %s seeds: %s", outcome.seeds, outcome.sentence)


@dataclass
class OnTerminal:
    """Prints it with Rich."""

    console: Any
    left: int = 0

    def trials(self, what: str, wanted: int, there: int) -> None:
        self.left = wanted - there
        if self.left:
            self.console.print(f"[dim]{what}: {self.left} of {wanted} trials to run[/]", highlight=False)

    def trial(self, trial: Trial, accuracy: float | None, seconds: float) -> None:
        self.left -= 1
        told = "" if accuracy is None else f"{100 * accuracy:5.1f} %"
        seed = f"seed {trial.seed}" if trial.place.axis != "tuning" else f"seed {trial.seed}, validation"
        self.console.print(
            f"  {trial.arm:<14} {seed:<24} {told}  {seconds:5.1f} s, {self.left} left", highlight=False, soft_wrap=True
        )

    def look(self, outcome: Looked) -> None:
        if outcome.done:
            return  # said at the end, by the command
        self.console.print(f"[bold]{seeds_told(outcome.seeds)}[/]: {outcome.sentence}", highlight=False)
