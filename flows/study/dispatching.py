"""Where trials run (this machine, Dask, a work pool), and which of those that wait begins next.

Trials with the same seed share their pretraining. Begun together, the second would only wait for the first to end it
(`tasks/computing.py`), and a process would stand idle; so a trial begins before its turn where it shares less with
those under way. What a trial gives does not depend on the order.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from artifacts.errors import GraftError
from flows.study import costs
from flows.study.trials import Trial

H = TypeVar("H")
COSTLY = ("pretrain", "train_head", "fine_tune")  # to wait for any other step costs nothing


class TrialFailed(GraftError):
    """A trial's run failed; the study goes on when what it says is mended.

    Attributes:
        trial: which, if that is known.
    """

    trial: Trial | None = None

    @classmethod
    def of(cls, trial: Trial, problem: str, kind: str = "study") -> "TrialFailed":
        failed = cls(
            f"The trial `{trial.arm}` with seed {trial.seed} failed: {problem} "
            f"What had ended is in the store; run the {kind} again to go on from there."
        )
        failed.trial = trial
        return failed


class TrialRunner(Protocol):
    """Runs trials somewhere."""

    def run(self, trials: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        """Run them all, some at once; `ended` is called for each, in the calling thread.

        Raises:
            TrialFailed: one failed; the rest never began.
        """


def sent(study: str, trial: Trial, until: str | None) -> dict[str, Any]:
    """The arguments of the flow `study_trial`, as plain JSON: all that travels to where the trial runs."""
    recipe, overrides = trial.loaded.name, dict(trial.loaded.overrides)
    return {"recipe": recipe, "overrides": overrides, "study": study, "arm": trial.arm, "until": until}


class Waiting:
    """Trials that have not begun, in their order.

    Args:
        until: the last step that they run; all of them where it is None.
    """

    def __init__(self, trials: Sequence[Trial], until: str | None) -> None:
        self._trials = list(trials)
        self._costly = {id(trial): _costly(trial, until) for trial in trials}
        self._ended, self._under_way = set[str](), list[frozenset[str]]()

    def __bool__(self) -> bool:
        return bool(self._trials)

    def next(self) -> Trial:
        """The first of those that share the fewest costly steps with a trial under way."""
        busy = frozenset().union(*self._under_way) - self._ended
        chosen = min(self._trials, key=lambda trial: len(self._costly[id(trial)] & busy))
        self._trials = [trial for trial in self._trials if trial is not chosen]
        self._under_way.append(self._costly[id(chosen)])
        return chosen

    def ended(self, trial: Trial) -> None:
        """What it computed is in the store from now on."""
        steps = self._costly[id(trial)]
        self._under_way.remove(steps)
        self._ended |= steps


@dataclass
class UnderWay(Generic[H]):
    """Trials that were sent somewhere: by the handle that they are known by there.

    Attributes:
        send: begins a trial; returns its handle.
        ended: the handles that have ended since the last time, each with what went wrong, or None.
        room: how many may be under way just now.
    """

    send: Callable[[Trial, str | None], H]
    ended: Callable[[], Iterable[tuple[H, str | None]]]
    room: Callable[[], int]
    trials: dict[H, Trial] = field(default_factory=dict)

    def run(self, trials: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        """As `TrialRunner` says; what is under way where one failed stays in `trials`."""
        waiting = Waiting(trials, until)
        while waiting or self.trials:
            while waiting and len(self.trials) < self.room():
                trial = waiting.next()
                self.trials[self.send(trial, until)] = trial
            for handle, problem in self.ended():
                trial = self.trials.pop(handle)
                if problem:
                    raise TrialFailed.of(trial, problem)
                waiting.ended(trial)
                ended(trial)


def _costly(trial: Trial, until: str | None) -> frozenset[str]:
    named = costs.names(trial.loaded, until)
    return frozenset(named[step] for step in COSTLY if step in named)
