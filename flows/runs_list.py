"""`graft runs`: the runs of the store, newest first, filtered, as a table, JSON or CSV."""

import csv
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TextIO

from artifacts.errors import UsageError
from artifacts.runs import RunRecord
from flows.suggestions import named

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
STATES = ("running", "completed", "failed", "cancelled", "interrupted")


@dataclass(frozen=True)
class Filter:
    """Which runs are wanted; None and empty mean all.

    Attributes:
        recipe: name or title of a recipe.
        state: one of `STATES`.
        metrics: conditions such as `accuracy>=0.9`; a run without that metric meets none.
        study: the beginning of a study's id: the runs that it made.
    """

    recipe: str | None = None
    state: str | None = None
    metrics: Sequence[str] = ()
    study: str | None = None

    def select(self, records: Sequence[RunRecord]) -> list[RunRecord]:
        """Those that are wanted, newest first.

        Raises:
            UsageError: no such state, or a condition that is none.
        """
        if self.state is not None:
            named(self.state, STATES, "state")
        conditions = [_condition(text, records) for text in self.metrics]
        wanted = [record for record in records if self._fits(record) and all(meets(record) for meets in conditions)]
        return sorted(wanted, key=lambda record: -record.number)

    def _fits(self, record: RunRecord) -> bool:
        asked = self.study is None or (bool(record.study) and record.study.startswith(self.study))
        return asked and self.recipe in (None, record.recipe, record.title) and self.state in (None, record.state)


def _condition(text: str, records: Sequence[RunRecord]) -> Callable[[RunRecord], bool]:
    parts = re.fullmatch(r"\s*(\w+)\s*(>=|<=|>|<|=)\s*(\S+)\s*", text)
    try:
        bound = float(parts[3]) if parts else None
    except ValueError:
        bound = None
    if parts is None or bound is None:
        raise UsageError(f"Expected a condition such as `accuracy>=0.9`, found `{text}`.")
    name, compare = parts[1], COMPARISONS[parts[2]]
    known = sorted({metric for record in records for metric in record.metrics})
    if known and name not in known:
        raise UsageError(f"No metric `{name}`. Those of the runs here: {', '.join(known)}.")
    return lambda record: name in record.metrics and compare(float(record.metrics[name]), bound)


def row(record: RunRecord) -> dict[str, Any]:
    """A run as a flat line, for JSON, CSV and the table."""
    counted = {status: sum(step["status"] == status for step in record.steps) for status in ("hit", "ran")}
    return {
        "number": record.number,
        "run": record.id,
        "name": record.name,
        "recipe": record.recipe,
        "started": record.started,
        "seconds": record.seconds,
        "state": record.state,
        "hit": counted["hit"],
        "ran": counted["ran"],
        "overrides": dict(record.overrides),
        "rerun_from": record.rerun_from,
        "study": record.study or None,
        "report": record.report,
        **record.metrics,
    }


def write_csv(records: Sequence[RunRecord], file: TextIO) -> None:
    """One line a run, a column for every metric that any of them has; nothing where a run has it not."""
    rows = [row(record) for record in records]
    columns = list(dict.fromkeys([*row(_NOBODY), *(name for each in rows for name in each)]))
    writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for each in rows:
        writer.writerow({**each, "overrides": " ".join(f"{name}={value}" for name, value in each["overrides"].items())})


_NOBODY = RunRecord("", 0, "", "", {}, {})


def when(started: str) -> str:
    """An ISO time as local `2026-11-24 07:40`."""
    return f"{datetime.fromisoformat(started).astimezone():%Y-%m-%d %H:%M}" if started else ""


def interval(metrics: Mapping[str, Any]) -> str:
    """`.940 [.905, .970]`, or nothing before `evaluate`."""
    if "accuracy" not in metrics:
        return ""
    low, high = metrics.get("accuracy_low"), metrics.get("accuracy_high")
    bounds = "" if low is None or high is None else f" [{_share(low)}, {_share(high)}]"
    return f"{_share(metrics['accuracy'])}{bounds}"


def _share(value: float) -> str:
    """`.940`; 1 stays `1.000`."""
    return f"{value:.3f}".removeprefix("0")
