"""How the last runs of a deployment compare: accuracy against time, so that drift is seen."""

import base64
from collections.abc import Sequence
from typing import Any

from artifacts.runs import RunRecord
from flows.dag import present
from flows.runs_list import interval, when
from tasks.pure import timeline
from tasks.pure.page_markdown import table

LAST = 30
DATA_STEPS = ("load_data.source", "load_data.target")


def of_deployment(records: Sequence[RunRecord], newest: RunRecord) -> list[RunRecord]:
    """The last evaluated runs of `newest`'s deployment and recipe, oldest first, itself the last."""
    alike = [
        record
        for record in records
        if record.metrics and record.id != newest.id
        and (record.deployment, record.recipe) == (newest.deployment, newest.recipe)
    ]  # fmt: skip
    return [*alike, newest][-LAST:]


def page(runs: Sequence[RunRecord], deployment: str) -> str:
    """Markdown: the picture, and a row a run with what was new in it."""
    picture = timeline.accuracy_against_time([_point(run) for run in runs])
    uri = base64.b64encode(picture).decode("ascii")
    newest_first = [_row(run) for run in reversed(runs)]
    heads = ["run", "when", "accuracy", "cached", "gate", "what was new"]
    return (
        f"# The last {len(runs)} runs of {deployment}\n\n![Accuracy against time](data:image/png;base64,{uri})\n\n"
        f"{table(heads, newest_first)}\n"
    )


def _point(run: RunRecord) -> timeline.Point:
    return timeline.Point(
        number=run.number,
        when=when(run.started)[5:],
        accuracy=run.metrics["accuracy"],
        low=run.metrics["accuracy_low"],
        high=run.metrics["accuracy_high"],
        new_data=bool(_ran(run) & set(DATA_STEPS)),
        promoted=bool(run.gate.get("promoted")),
    )


def _ran(run: RunRecord) -> set[str]:
    return {entry["step"] for entry in run.steps if entry["status"] == "ran"}


def _row(run: RunRecord) -> list[str]:
    steps = present(run.steps)
    hits = sum(entry["status"] == "hit" for entry in steps)
    return [
        str(run.number),
        when(run.started)[5:],
        interval(run.metrics),
        f"{hits} of {len(steps)}",
        str(run.gate.get("outcome", "")),
        _news(run),
    ]


def _news(run: RunRecord) -> str:
    """The first thing that had to be computed, and why."""
    first: dict[str, Any] | None = next(
        (entry for entry in run.steps if entry["status"] == "ran" and entry["step"] != "report"), None
    )
    return f"{first['step']}: {first['reason']}" if first else "nothing"
