"""The page of a study, written beside its plan: `page.html` and `page.md`."""

import os
import shlex
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from artifacts.errors import GraftError, UsageError
from artifacts.runs import Runs, set_options
from artifacts.sealed import write_atomically
from artifacts.store import Store
from artifacts.studies import PAGES, Studies, StudyRecord
from flows.study.asked import Study
from flows.study.deciding import NAMES
from tasks.pure.statistics.seed_table import seed_table
from tasks.pure.study_page.page import html, markdown
from tasks.pure.study_page.pictures import drawn
from tasks.pure.study_page.told import differences

# What `graft study RECIPE` has options for; with anything else the study needs a file of its own.
OPTIONS = ("recipe", "set", "arms", "labels", "depths", "unfrozen", "seeds", "budget", "margin")
AXES = {"labels": ("target", "labels"), "depth": ("clone_with_weights", "layers"), "unfrozen": ("unfreeze", "layers")}


@dataclass(frozen=True)
class Pages:
    """Where the page of a study or a sweep lies."""

    html: Path
    markdown: Path


def write_pages(store: Store, record: StudyRecord) -> Pages:
    """Write the page of a study anew, from its plan and its outcome as of the last look; the old one stays whole until
    the new one is.

    Raises:
        UsageError: the study has no outcome yet.
    """
    if not record.outcome:
        raise UsageError(f"Study {record.id} has no outcome yet: expected one look at least. Run `graft study` first.")
    told = told_of(store, record)
    told["pictures"] = drawn(told)
    return written(Studies(store), record, html(told), markdown(told))


def written(room: Studies, record: StudyRecord, as_html: str, as_markdown: str) -> Pages:
    """Write both pages into the folder of a study or a sweep."""
    pages = pages_of(room, record)
    write_atomically(pages.html, as_html.encode(), room.store.scratch)
    write_atomically(pages.markdown, as_markdown.encode(), room.store.scratch)
    return pages


def pages_of(room: Studies, record: StudyRecord) -> Pages:
    """Where they lie, written or not."""
    return Pages(*(room.folder(record.id) / name for name in PAGES))


def told_of(store: Store, record: StudyRecord) -> dict[str, Any]:
    """What the page is told (`tasks/pure/study_page/told.py`), less the pictures.

    Of the outcome, members beyond those of `Outcome.as_json` are passed on where they are there: `computed`, `reused`,
    `saved`, `test_looks`, `runs` (with the id of each run), and a comparison's `table` and `images`.
    """
    outcome, plan = record.outcome, record.plan
    asked: Mapping[str, Any] = plan["study"]
    told: dict[str, Any] = {
        **outcome,
        "id": record.id,
        "title": plan["title"],
        "names": NAMES,
        "plan": {
            "comparisons": plan["comparisons"],
            "looks": plan["looks"],
            "margin": asked["margin"],
            "budget": asked["budget"],
            "fixed": asked["seeds"],
            "threads": plan["threads"],
        },
        "home": _home(plan["resolved"]),
        "momentum": _momentum(plan["resolved"]),
        "runs": _linked(store, record),
        **_repeated(asked),
    }
    told["comparisons"] = {arm: _with_table(told, arm, each) for arm, each in outcome["comparisons"].items()}
    return told


def _with_table(told: Mapping[str, Any], arm: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """A comparison with its table of seeds, of those seeds that it rests on."""
    return {"table": asdict(seed_table(differences(told, arm)[: entry["seeds"]])), **entry}


def _momentum(resolved: Mapping[str, Any]) -> float | None:
    """Of the batch norms, where the recipe builds the network; one that is taken in has its own."""
    return None if resolved.get("base") else (resolved.get("pretrain") or {}).get("batch_norm_momentum")


def _home(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Axis → where the recipe itself lies on it; left out where that is no place (a list of layers, all labels)."""
    found = {axis: (resolved.get(section) or {}).get(key) for axis, (section, key) in AXES.items()}
    places = {axis: value for axis, value in found.items() if isinstance(value, int | str)}
    return places if isinstance(places.get("labels"), int) else {k: v for k, v in places.items() if k != "labels"}


def _linked(store: Store, record: StudyRecord) -> list[dict[str, Any]]:
    """The runs with the path of each one's report as seen from the page; None where it is gone."""
    folder, runs = Studies(store).folder(record.id), Runs(store)
    return [{**run, "report": report_from(folder, runs, run.get("run"))} for run in record.outcome.get("runs") or []]


def report_from(folder: Path, runs: Runs, run_id: str | None) -> str | None:
    """The path of a run's report as seen from a page in `folder`; None where it is gone."""
    with suppress(OSError, GraftError):
        found = runs.get(run_id).report if run_id else None
        return Path(os.path.relpath(found, folder)).as_posix() if found and Path(found).is_file() else None
    return None


def _repeated(asked: Mapping[str, Any]) -> dict[str, str]:
    """`command`, and `study_yaml` where options alone do not say it all."""
    plain = Study(recipe=asked["recipe"]).model_dump(mode="json")
    changed = {name: value for name, value in asked.items() if name == "recipe" or value != plain.get(name)}
    if set(changed) - set(OPTIONS):
        return {"command": "graft study study.yaml", "study_yaml": _as_yaml(changed)}
    return {"command": _command(changed)}


def _as_yaml(changed: Mapping[str, Any]) -> str:
    from ruamel.yaml import YAML

    stream = StringIO()
    YAML().dump(dict(changed), stream)
    return stream.getvalue()


def _command(changed: Mapping[str, Any]) -> str:
    words = ["graft", "study", str(changed["recipe"])]
    for name, value in changed.items():
        if name == "set":
            words += set_options(value)
        elif name == "margin":
            words += ["--margin", f"{100 * value:g}"]
        elif name != "recipe":
            words += [f"--{name}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join(words)
