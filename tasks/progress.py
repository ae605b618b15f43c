"""News of a training, an epoch at a time, of files, and remarks, for whoever listens: the terminal, Prefect's log.

A listener is set for the duration of a run (`listening`); with none, news is dropped. It changes no bit.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class EpochNews:
    """An epoch has ended, or (with `fraction` below 1) is under way.

    Attributes:
        step: the training step.
        epoch: how many epochs have ended.
        epochs: how many there will be at most.
        fraction: how much of the epoch under way is done, 0 to 1.
        logs: loss, accuracy, and with validation val_loss, val_accuracy; empty within an epoch.
        seconds: what the epoch took; 0 within one.
    """

    step: str
    epoch: int
    epochs: int
    fraction: float
    logs: dict[str, float]
    seconds: float


@dataclass(frozen=True)
class Remark:
    """What a person should know about a step under way: how it is computed, where it goes on."""

    step: str
    text: str


@dataclass(frozen=True)
class Counting:
    """Files on their way: read for the first time, or decoded.

    Attributes:
        step: the step that reads them.
        doing: `read` or `decoded`.
        done, total: how many of how many.
        seconds: since the first.
    """

    step: str
    doing: str
    done: int
    total: int
    seconds: float

    def rate(self) -> float:
        """Files a second so far; 0 where no time has passed."""
        return self.done / self.seconds if self.seconds > 0 else 0.0


News = EpochNews | Remark | Counting
Listener = Callable[[News], None]
_listener: ContextVar[Listener | None] = ContextVar("graft_epoch_listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send the news of what goes on inside the block to `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def tell(news: News) -> None:
    """Pass `news` on to the listener, if there is one."""
    listener = _listener.get()
    if listener is not None:
        listener(news)
