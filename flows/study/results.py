"""What a trial gave, read off the store: no run is made for what is there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifacts import codecs
from artifacts.errors import DataError, RecordDamaged
from artifacts.refs import Ref
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import plan
from flows.plan import PlannedStep
from flows.recipe_files import LoadedRecipe
from flows.study.arms import TRANSFER
from tasks.pure.batch_norm import lags
from tasks.pure.errors import DIVERGED


@dataclass(frozen=True)
class Judged:
    """An arm with one seed, on the test images.

    Attributes:
        accuracy: share of right answers.
        right: (n,) bool, an answer a test image.
        evaluation: digest of the evaluation that it stands in.
        run: id of the newest run that ended in it, or None.
        lags: whether its batch norms' moving statistics had not converged (`batch_norm.lags`).
    """

    accuracy: float
    right: np.ndarray
    evaluation: str
    run: str | None
    lags: bool = False


def output(steps: list[PlannedStep], step: str, name: str) -> Ref | None:
    """What `step` gave under that name, if it is a hit."""
    found = next((each for each in steps if each.step == step and each.status == "hit"), None)
    return (found.outputs or {}).get(name) if found else None


def judged(loaded: LoadedRecipe, store: Store) -> Mapping[str, Judged] | None:
    """Arm → what it reached: `transfer` for the run's own network, and what is read off it. None where it is not in the
    store, or not sound."""
    ref = output(plan.walk(loaded), "evaluate", "evaluation")
    if ref is None:
        return None
    folder = store.folder(ref)
    arrays = codecs.read_predictions(folder)
    own = arrays["probabilities"].argmax(axis=1) == arrays["labels"]
    answers = {TRANSFER: own, "head-only": arrays["head_right"], "raw-pixels": arrays["raw_pixels_right"]}
    run = _run(Runs(store).all(), ref)
    lagging = {TRANSFER: lags(codecs.read_evaluation(folder)["batch_norm"])}
    return {
        arm: Judged(float(np.mean(right)), right.astype(bool), ref.digest, run, lagging.get(arm, False))
        for arm, right in answers.items()
    }


def validated(loaded: LoadedRecipe, store: Store) -> float | None:
    """Accuracy on the validation part of the network that fine-tuning ended with; None where it is not in the store."""
    steps = plan.walk(loaded)
    ref = output(steps, "fine_tune", "history")
    if ref is None:
        return None
    history = codecs.read_history(store.folder(ref))
    if "val_accuracy" not in history:
        raise DataError(
            f"The data of `{loaded.title}` have no validation image of the task, and rates are chosen on such images. "
            "Set `target.validation`, or mend the validation part of the data."
        )
    execution = store.execution(next(each.key for each in steps if each.step == "fine_tune") or "")
    facts = execution.facts if execution else {}
    if calibrated := facts.get("calibrated"):
        return float(calibrated["accuracy"])
    if blended := facts.get("blended"):
        return float(next(tried["accuracy"] for tried in blended["curve"] if tried["alpha"] == blended["alpha"]))
    section = loaded.recipe.fine_tune
    best = section.early_stopping is not None or section.keep == "best"
    row = int(history["val_loss"].to_numpy().argmin()) if best else -1
    return float(history["val_accuracy"].to_numpy()[row])


def target_data(store: Store, record: RunRecord) -> dict[str, str] | None:
    """Name → SHA-256 of the files that the target of a run was read from; None where that is not known (any more)."""
    key = next((entry.get("key") for entry in record.steps if entry["step"] == "load_data.target"), None)
    try:
        execution = store.execution(key) if key else None
    except RecordDamaged:
        return None
    return dict(execution.identity["data"]) if execution else None


def diverged(loaded: LoadedRecipe, store: Store) -> bool:
    """Whether a run of just this recipe ended because its training did."""
    resolved = loaded.recipe.model_dump(mode="json")
    failed = (run for run in Runs(store).all() if run.state == "failed" and DIVERGED in (run.message or ""))
    return any(run.resolved == resolved for run in failed)


def _run(records: list[RunRecord], evaluation: Ref) -> str | None:
    found = [run for run in records if run.outputs("evaluate").get("evaluation") == evaluation.digest]
    return found[-1].id if found else None


@dataclass(frozen=True)
class Effort:
    """What a study's own runs did.

    Attributes:
        num_runs: how many.
        computed, reused: steps, reports not counted.
        seconds: of the runs together.
        saved: seconds that the reused steps took when they were computed.
    """

    num_runs: int
    computed: int
    reused: int
    seconds: float
    saved: float


def effort(store: Store, study: str) -> Effort:
    """Of all runs that `study` made, in whatever session."""
    made = [run for run in Runs(store).all() if run.study == study]
    entries = [entry for run in made for entry in run.steps if entry["step"] != "report"]
    hits = [entry for entry in entries if entry["status"] == "hit"]
    ran = sum(entry["status"] == "ran" for entry in entries)
    seconds, saved = sum(run.seconds or 0.0 for run in made), sum(_seconds(store, entry) for entry in hits)
    return Effort(len(made), ran, len(hits), round(seconds, 1), round(saved, 1))


def looks_at_the_test_split(store: Store, resolved: Mapping[str, Any], study: str) -> dict[str, int]:
    """How many different networks were judged on the test images of this target: `here`, by this study, and
    `elsewhere`. What was chosen after many looks at one test split is fitted to it."""
    split, here, elsewhere = _test_split(resolved), set[str](), set[str]()
    for run in Runs(store).all():
        digest = run.outputs("evaluate").get("evaluation")
        if digest and _test_split(run.resolved) == split:
            (here if run.study == study else elsewhere).add(digest)
    return {"here": len(here), "elsewhere": len(elsewhere - here)}


def _test_split(resolved: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in resolved["target"].items() if name not in ("labels", "validation", "gate")}


def _seconds(store: Store, entry: Mapping[str, Any]) -> float:
    try:
        execution = store.execution(entry["key"])
    except RecordDamaged:
        return 0.0
    return execution.seconds if execution else 0.0
