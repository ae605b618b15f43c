"""What is said of a run: a step's entry in the record, the metrics, what the report's page is about."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import codecs
from artifacts.inspection_codecs import read_inspection
from artifacts.refs import Ref, StepResult
from artifacts.runs import RunRecord
from artifacts.store import Store
from flows import augmented, controls, dag, rates, recipe_files, tuned
from flows.recipe import Recipe
from flows.study import answering
from tasks.identity import SourceFiles
from tasks.pictures.names import printable
from tasks.pure.page_controls import short_controls

if TYPE_CHECKING:
    from flows.running import Runner
    from tasks.pictures.listing import Listing

SHOWN_METRICS = (
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "balanced_accuracy",
    "macro_f1",
    "log_loss",
    "calibration_error",
    "roc_auc",
    "pr_auc",
    "num_test",
)


def entry(
    step: str, status: str, reason: str, seconds: float = 0.0, result: StepResult | None = None
) -> dict[str, Any]:
    """A step as it stands in the run's record and in `--json`."""
    outputs = {name: ref.digest for name, ref in result.outputs.items()} if result else {}
    return {
        "step": step,
        "status": status,
        "reason": reason,
        "seconds": round(seconds, 3),
        "key": result.key if result else None,
        "artifact": next(iter(outputs.values()), None),
        "outputs": outputs,
    }


def as_json(record: RunRecord) -> dict[str, Any]:
    """What `graft run --json` prints."""
    return {
        "run": record.id,
        "recipe": record.recipe,
        "state": record.state,
        "steps": record.steps,
        "metrics": dict(record.metrics),
        "report": record.report,
        **({"gate": dict(record.gate)} if record.gate else {}),
    }


def sentence(record: RunRecord) -> str:
    """The result of a finished run, as its state says it in Prefect's UI."""
    steps = dag.present(record.steps)
    hits = sum(entry["status"] == "hit" for entry in steps)
    cached = f"{hits} of {len(steps)} steps cached"
    parts = [f"accuracy {_with_interval(record.metrics)}, {cached}" if record.metrics else cached]
    if all(entry["status"] == "hit" or entry["step"] == "report" for entry in steps):
        parts.append("nothing had changed")
    if record.gate:
        parts.append(f"gate: {record.gate['message']}")
    return " · ".join(parts)


def _with_interval(found: Mapping[str, Any]) -> str:
    return f"{found['accuracy']:.3f} [{found['accuracy_low']:.3f}, {found['accuracy_high']:.3f}]"


def metrics(store: Store, evaluation: Ref) -> dict[str, Any]:
    """The plain figures of an evaluation that lists and scripts want, without tables."""
    whole = codecs.read_evaluation(store.folder(evaluation))
    plain = {name: whole[name] for name in SHOWN_METRICS if whole.get(name) is not None}
    plain["majority_accuracy"] = whole["majority"]["accuracy"]
    plain["after_head_accuracy"] = whole["after_head"]["accuracy"]
    if whole["base"] is not None:  # one that was taken in has no task of its own here
        plain["base_accuracy"] = whole["base"]["accuracy"]
    without = whole.get("without_duplicates") or {}
    if without.get("accuracy") is not None:
        plain["accuracy_without_duplicates"] = without["accuracy"]
    return {**plain, **short_controls(whole)}


def one_line(problem: BaseException) -> str:
    """An error for a list of steps: its message, or its kind where it has none."""
    text = " ".join(str(problem).split())
    return text or type(problem).__name__


def input_digests(arguments: Mapping[str, Any]) -> dict[str, str]:
    return {name: value.digest for name, value in arguments.items() if isinstance(value, Ref)}


def file_digests(arguments: Mapping[str, Any], data: Mapping[str, str]) -> dict[str, str]:
    """The data files that a step reads, by their names where the step was given them."""
    given = next((value for value in arguments.values() if isinstance(value, SourceFiles)), None)
    paths = given.paths if given else {}
    return {Path(paths[role]).name: sha256 for role, sha256 in data.items()}


def about(runner: "Runner", arguments: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The arguments of `Page`, save metrics and pictures."""
    record, recipe = runner.record, runner.loaded.recipe
    return {
        "title": run_title(record.title, recipe),
        "run": {
            "id": record.id,
            "name": f"run {record.number}",
            "recipe": record.title,
            "started": f"{datetime.fromisoformat(record.started):%Y-%m-%d %H:%M} UTC",
            "seconds": round(seconds, 1),
        },
        "steps": [*({**step, **_made_from(runner, step["step"])} for step in record.steps), _report_itself()],
        "recipe_yaml": recipe_files.to_yaml(recipe),
        "copy_weights": recipe.clone_with_weights.copy_weights,
        "facts": {
            **_facts(runner.store, recipe, arguments, record.keys()),
            "augmented": augmented.in_words(runner.store, recipe, record.steps),
            "tuned": tuned.in_words(runner.store, record.steps),
        },
        "rates": rates.found(runner.store, record.steps),
        "controls": controls.compare(record, runner.runs.all()),
        "data": data_facts(runner.store, arguments, record.keys(), runner.listings),
        "study": answering.told(runner.store, record),
    }


def data_facts(
    store: Store, refs: Mapping[str, Any], keys: Mapping[str, str], listings: Mapping[str, "Listing"]
) -> dict[str, Any]:
    """What a page says of the data beside the inspection: `pictures` (role → facts of a folder), `dropped`, and `names`
    (SHA-256 → what the file is called) of the pictures that the inspection names.

    Args:
        refs: role → data set, no `source` (or None) where there is none; and `inspection`.
        keys: step → key; the executions of the two `load_data` know what was left out.
        listings: role → what lies in a folder or table now: names, and what was passed over, are part of no key.
    """
    told: dict[str, Any] = {}
    for role in ("source", "target"):
        execution = store.execution(keys[f"load_data.{role}"]) if f"load_data.{role}" in keys else None
        told[role] = execution.facts if execution else {}
    pictures = {
        role: _pictures(store.manifest(ref).facts.get("pictures"), told[role], _skipped(listings.get(role)))
        for role in told
        if (ref := refs.get(role)) is not None
    }
    names = file_names(read_inspection(store.folder(refs["inspection"])), listings)
    return {"pictures": pictures, "dropped": told["target"].get("dropped"), "names": names}


def _skipped(listing: "Listing | None") -> Mapping[str, int]:
    return listing.skipped if listing else {}


def file_names(found: Mapping[str, Any], listings: Mapping[str, "Listing"]) -> dict[str, str]:
    """What the files are called that the examples of an inspection name (see `problems.Names`), from the place of the
    folder or table on."""
    wanted = {each.get(f"{place}_file", "") for each in found["examples"] for place in ("first", "second")} - {""}
    return {
        f"{role}/{each.part}/{each.sha256}": printable(
            os.path.relpath(each.path, listing.root if listing.root.is_dir() else listing.root.parent)
        )
        for role, listing in (listings.items() if wanted else ())
        for each in listing.pictures
        if each.sha256 in wanted
    }


def _pictures(
    facts: Mapping[str, Any] | None, told: Mapping[str, Any], skipped: Mapping[str, int]
) -> dict[str, Any] | None:
    """The facts of a folder, and what its content does not know: names of damaged files, what was passed over."""
    if facts is None:
        return None
    damaged = {"damaged": told.get("damaged", []), "num_damaged": facts["damaged"]}
    return {**facts, **damaged, "skipped": sum(skipped.values()), "skipped_why": dict(skipped)}


def _made_from(runner: "Runner", step: str) -> dict[str, Any]:
    """What a step read, name to digest: other steps' outputs, and data files."""
    return {"inputs": runner.inputs.get(step, {}), "files": runner.files.get(step, {})}


def _report_itself() -> dict[str, Any]:
    """The page's own row. What it took is known only once it is written."""
    return {**entry("report", "ran", "never cached: it writes this page"), "seconds": None}


def run_title(title: str, recipe: Recipe) -> str:
    """`fashion-mnist-cnn · seed 0`; a random base is called one."""
    base = "" if recipe.clone_with_weights.copy_weights else " · random base"
    return f"{title} · seed {recipe.seed}{base if 'random' not in title else ''}"


def _facts(store: Store, recipe: Recipe, arguments: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    target = store.manifest(arguments["target"]).facts
    source = store.manifest(arguments["source"]).facts if recipe.source else {}
    return {
        "source": _described(recipe.source.dataset, source) if recipe.source else None,
        "target": _described(recipe.target.dataset, target),
        "num_train": target["counts"]["train"],
        "num_validation": target["counts"]["validation"],
        "num_test": target["counts"]["test"],
        "reused_layers": _named(store, keys, "clone_with_weights", "reused_layers"),
        "trainable": _named(store, keys, "unfreeze", "trainable_layers"),
        "base": ", ".join([*([recipe.base.called] if recipe.base else []), _of_the_weights(recipe)]),
        "taken_in": _taken_in(store, recipe, keys),
    }


def _named(store: Store, keys: Mapping[str, str], step: str, parameter: str) -> list[str]:
    """Names of layers that a step worked on: the recipe may only know a number or a pattern."""
    execution = store.execution(keys[step]) if step in keys else None
    return list(execution.identity["parameters"].get(parameter, [])) if execution else []


def _of_the_weights(recipe: Recipe) -> str:
    return "copied weights" if recipe.clone_with_weights.copy_weights else "random base"


def _taken_in(store: Store, recipe: Recipe, keys: Mapping[str, str]) -> dict[str, Any] | None:
    """What is known of the network that `base` took in (`TakenIn.about`), and what people call it."""
    if recipe.base is None:
        return None
    execution = store.execution(keys["pretrain"]) if "pretrain" in keys else None
    about = execution.facts.get("base", {}) if execution else {}
    return {"kind": recipe.base.kind, **about, "called": recipe.base.called, "trained": bool(recipe.pretrain.epochs)}


def _described(dataset: str, facts: Mapping[str, Any]) -> str:
    names = facts["class_names"]
    shown = ", ".join(names) if len(names) <= 10 else f"{len(names)} classes"
    return f"{dataset}: {shown}"
