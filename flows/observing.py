"""Who watches a run while it goes: the terminal, Prefect's UI."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from artifacts.runs import RunRecord
from flows import interrupts
from tasks.progress import Counting, EpochNews, News, Remark


class Observer(Protocol):
    """Who wants to see a run while it goes."""

    def run_started(self, record: RunRecord) -> None: ...

    def step_started(self, step: str, reason: str) -> None: ...

    def epoch(self, news: EpochNews) -> None: ...

    def remark(self, remark: Remark) -> None: ...

    def count(self, news: Counting) -> None: ...

    def step_finished(self, entry: Mapping[str, Any]) -> None: ...


class NoObserver:
    """Nobody watches."""

    def run_started(self, record: RunRecord) -> None:
        """Ignore it."""

    def step_started(self, step: str, reason: str) -> None:
        """Ignore it."""

    def epoch(self, news: EpochNews) -> None:
        """Ignore it."""

    def remark(self, remark: Remark) -> None:
        """Ignore it."""

    def count(self, news: Counting) -> None:
        """Ignore it."""

    def step_finished(self, entry: Mapping[str, Any]) -> None:
        """Ignore it."""


class Observers:
    """Several, told in turn."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self.observers = observers

    def run_started(self, record: RunRecord) -> None:
        for observer in self.observers:
            observer.run_started(record)

    def step_started(self, step: str, reason: str) -> None:
        for observer in self.observers:
            observer.step_started(step, reason)

    def epoch(self, news: EpochNews) -> None:
        for observer in self.observers:
            observer.epoch(news)

    def remark(self, remark: Remark) -> None:
        for observer in self.observers:
            observer.remark(remark)

    def count(self, news: Counting) -> None:
        for observer in self.observers:
            observer.count(news)

    def listen(self, news: News) -> None:
        """What a step tells while it computes (`tasks.progress`), in its own thread. A Ctrl-C that was dropped before
        the step began (`interrupts.py`) counts here: the thread that waits knows nothing of it."""
        if interrupts.heard():
            raise KeyboardInterrupt
        if isinstance(news, Remark):
            self.remark(news)
        elif isinstance(news, Counting):
            self.count(news)
        else:
            self.epoch(news)

    def step_finished(self, entry: Mapping[str, Any]) -> None:
        for observer in self.observers:
            observer.step_finished(entry)
