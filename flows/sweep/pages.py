"""The page of a sweep, written beside its plan: `page.html` and `page.md`."""

import shlex
from collections.abc import Mapping
from typing import Any

from artifacts.errors import UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.studies import StudyRecord
from artifacts.sweeps import Sweeps
from flows.study.pages import Pages, report_from
from flows.study.pages import written as written_beside
from flows.sweep.grid import written
from tasks.pure.sweep_page.page import html, markdown, pictures


def write_pages(store: Store, record: StudyRecord) -> Pages:
    """Write the page of a sweep anew, from its plan and its outcome.

    Raises:
        UsageError: it has no outcome yet.
    """
    if not record.outcome:
        raise UsageError(f"Sweep {record.id} has no outcome yet: it has not ended. Run `graft sweep` again to go on.")
    told = told_of(store, record)
    told["pictures"] = pictures(told)
    return written_beside(Sweeps(store), record, html(told), markdown(told))


def told_of(store: Store, record: StudyRecord) -> dict[str, Any]:
    """What the page is told (`tasks/pure/sweep_page/told.py`), less the pictures."""
    outcome, plan = record.outcome, record.plan
    folder, runs = Sweeps(store).folder(record.id), Runs(store)
    rows = [{**row, "values": [written(row["settings"][key]) for key in plan["grid"]]} for row in outcome["validation"]]
    return {
        **outcome,
        "id": record.id,
        "title": plan["title"],
        "grid": {key: [written(value) for value in values] for key, values in plan["grid"].items()},
        "chosen": next(at for at, row in enumerate(rows) if row["settings"] == outcome["chosen"]),
        "rows": rows,
        "rounds": plan["rounds"],
        "runs": [report_from(folder, runs, run) or "" for run in outcome["runs"]],
        "command": _command(plan),
    }


def _command(plan: Mapping[str, Any]) -> str:
    words = ["graft", "sweep", str(plan["recipe"])]
    for key, values in {**plan["grid"], **{key: [value] for key, value in plan["set"].items()}}.items():
        words += ["--set", f"{key}={','.join(map(_quoted, values))}"]
    return shlex.join([*words, *(["--halving"] if plan["halving"] else ["--seeds", str(plan["rounds"][0][1])])])


def _quoted(value: Any) -> str:
    """As `--set` reads it among others: text with a comma, or that would be read as something else, in quotes."""
    text = written(value)
    plain = isinstance(value, str) and text.replace("_", "").replace("/", "").replace(".", "").isalnum()
    return f'"{text}"' if isinstance(value, str) and not plain else text
