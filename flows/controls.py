"""The control of a run: the same recipe with the base's weights never copied (or copied), over the seeds that were run.

One run of either lies; the report therefore names what its counterpart reached in this store, or says that nobody has
run it and how to.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.runs import RunRecord

# Sections that change no weights and no answers.
SHOWN_ONLY = ("seed", "figures", "report", "evaluate", "gate")
NAMES = {True: "copied weights", False: "random base (weights never copied)"}


def compare(record: RunRecord, runs: Sequence[RunRecord]) -> dict[str, Any]:
    """Runs that differ from `record` by seed alone (`this`), and by seed and `copy_weights` (`other`).

    Of several runs with one seed the newest counts. `record` itself is among `this` once it has an accuracy.
    """
    copied = _copies(record.resolved)
    alike = [run for run in runs if run.metrics and _apart_from_seed(run.resolved) == _apart_from_seed(record.resolved)]
    this = [run for run in alike if _copies(run.resolved) == copied]
    other = [run for run in alike if _copies(run.resolved) != copied]
    return {
        "this": _by_seed(this),
        "other": _by_seed(other),
        "this_name": NAMES[copied],
        "other_name": NAMES[not copied],
    }


def _copies(resolved: Mapping[str, Any]) -> bool:
    return bool(resolved["clone_with_weights"]["copy_weights"])


def _apart_from_seed(resolved: Mapping[str, Any]) -> str:
    """What must agree, as text: everything but the seed, `copy_weights` and what only the pages show."""
    rest = {name: value for name, value in resolved.items() if name not in SHOWN_ONLY}
    rest["clone_with_weights"] = {**resolved["clone_with_weights"], "copy_weights": None}
    return json.dumps(rest, sort_keys=True)


def _by_seed(runs: Sequence[RunRecord]) -> list[dict[str, Any]]:
    newest = {run.resolved["seed"]: run for run in sorted(runs, key=lambda run: run.number)}
    return [{"seed": seed, "accuracy": run.metrics["accuracy"], "run": run.id} for seed, run in sorted(newest.items())]
