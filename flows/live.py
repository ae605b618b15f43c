"""A training in Prefect's UI while it goes: a line an epoch in the log, a bar on the run's page."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx
from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import PrefectException

from flows.observing import NoObserver
from tasks.progress import Counting, EpochNews, Remark

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")
BETWEEN_SECONDS = 1.0  # a call costs 10 ms; epochs of a small network take less


class Live(NoObserver):
    """Logs every epoch, and moves a progress artifact at most once a second. A server that is gone stops nobody."""

    def __init__(self) -> None:
        self.bar: UUID | None = None
        self.moved = self.began = 0.0
        self.last = ""
        self.before: int | None = None  # epochs that an earlier execution had done

    def step_started(self, step: str, reason: str) -> None:
        self.bar, self.last = None, ""
        self.moved, self.began, self.before = 0.0, time.monotonic(), None

    def epoch(self, news: EpochNews) -> None:
        if self.before is None:
            self.before = news.epoch - 1 if news.logs else news.epoch
        if news.logs:
            self.last = told(news, (time.monotonic() - self.began) / (news.epoch - self.before))
            get_run_logger().info(self.last)
        if time.monotonic() - self.moved >= BETWEEN_SECONDS or self.bar is None:
            self.moved = time.monotonic()
            self._move(100 * min(news.epoch + news.fraction, news.epochs) / news.epochs, self.last or f"{news.step}: …")

    def count(self, news: Counting) -> None:
        if time.monotonic() - self.moved >= BETWEEN_SECONDS or self.bar is None:
            self.moved = time.monotonic()
            self.last = f"{news.step}: {news.done:,} of {news.total:,} files {news.doing}, {news.rate():,.0f} a second"
            self._move(100 * news.done / max(news.total, 1), self.last)

    def remark(self, remark: Remark) -> None:
        get_run_logger().info("%s: %s", remark.step, remark.text)

    def step_finished(self, entry: Mapping[str, Any]) -> None:
        """The bar ends full where the step ended well, early stopping included, and else stays where it was."""
        if self.bar is not None and entry["status"] == "ran":
            self._move(100.0, self.last)
        self.bar = None

    def _move(self, percent: float, description: str) -> None:
        try:
            if self.bar is None:
                self.bar = UUID(str(create_progress_artifact(percent, description=description)))
            else:
                update_progress_artifact(self.bar, percent, description=description)
        except (httpx.HTTPError, PrefectException) as problem:
            get_run_logger().warning("The progress bar cannot be moved: %s", problem)


def told(news: EpochNews, seconds_an_epoch: float) -> str:
    """One line: figures, what the epoch took, what is left.

    Args:
        seconds_an_epoch: the mean so far.
    """
    figures = ", ".join(f"{name} {news.logs[name]:.4f}" for name in FIGURES if name in news.logs)
    left = (news.epochs - news.epoch) * seconds_an_epoch
    ahead = f"{shown(left)} left" if news.epoch < news.epochs else "done"
    return f"{news.step}: epoch {news.epoch}/{news.epochs}: {figures}, {news.seconds:.1f} s, {ahead}"


def shown(seconds: float) -> str:
    """`40 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
