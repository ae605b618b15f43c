"""Trials that a study or a sweep wants: those that the store lacks are run, and what they gave is read off it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from artifacts.store import Store
from flows.study import costs, results
from flows.study.dispatching import TrialFailed, TrialRunner
from flows.study.trials import UNTIL_TUNED, Trial

LOST = 0.0
K = TypeVar("K")
V = TypeVar("V")


class Looked(Protocol):
    """What was found when the question was looked at."""

    @property
    def seeds(self) -> int: ...
    @property
    def sentence(self) -> str: ...
    @property
    def done(self) -> bool: ...


class Watcher(Protocol):
    """Who is told how it goes on."""

    def trials(self, what: str, wanted: int, there: int) -> None:
        """So many trials are wanted for something, of which some are there already."""

    def trial(self, trial: Trial, accuracy: float | None, seconds: float) -> None:
        """A trial has ended."""

    def look(self, outcome: Looked) -> None:
        """The question was looked at."""


@dataclass(frozen=True)
class Trying:
    """Tries candidates."""

    store: Store
    processes: TrialRunner
    watcher: Watcher

    def worth(self, what: str, candidates: Mapping[K, Sequence[Trial]]) -> dict[K, list[float]]:
        """Accuracy on validation images by candidate, one a trial; no trial sees the test split.

        What shares most steps is run together, so that a process that ends leaves few of them half done.

        Raises:
            TrialFailed: one failed.
        """
        wanted = [trial for trials in candidates.values() for trial in trials]
        found = {id(trial): known(trial, self.store) for trial in wanted}
        missing = [trial for trial in wanted if found[id(trial)] is None]
        self.watcher.trials(what, len(wanted), len(wanted) - len(missing))

        def read(trial: Trial) -> float:
            found[id(trial)] = known(trial, self.store)
            return there(found[id(trial)], trial)

        order = costs.depth_first([trial.loaded for trial in missing])
        self.run([missing[place] for place in order], UNTIL_TUNED, read)
        return {key: [found[id(trial)] or 0.0 for trial in trials] for key, trials in candidates.items()}

    def run(self, missing: Sequence[Trial], until: str | None, read: Callable[[Trial], float]) -> None:
        """Run them, and tell the watcher what `read` finds of each.

        Raises:
            TrialFailed: one failed.
        """
        began = time.monotonic()

        def ended(trial: Trial) -> None:
            nonlocal began
            accuracy = read(trial)
            self.watcher.trial(trial, accuracy, time.monotonic() - began)
            began = time.monotonic()

        left = list(missing)
        while left:
            try:
                self.processes.run(left, until, ended)
                return
            except TrialFailed as failed:
                lost = failed.trial
                if until is None or lost is None or not results.diverged(lost.loaded, self.store):
                    raise
                ended(lost)
                left = [trial for trial in left if trial is not lost and known(trial, self.store) is None]


def known(trial: Trial, store: Store) -> float | None:
    """Accuracy on validation images, if the store has it; of a training that diverged, which is a bad candidate and no
    reason to stop, `LOST`."""
    accuracy = results.validated(trial.loaded, store)
    return LOST if accuracy is None and results.diverged(trial.loaded, store) else accuracy


def there(value: V | None, trial: Trial) -> V:
    """What a trial that has ended must have left in the store."""
    if value is None:
        raise RuntimeError(f"The trial `{trial.arm}` with seed {trial.seed} ended, but the store lacks what it made.")
    return value
