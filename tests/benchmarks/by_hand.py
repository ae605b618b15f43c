"""What `graft run --set fine_tune.learning_rate=…` has to compute, and no more: no Prefect, no keys, nothing stored.

`python -m tests.benchmarks.by_hand RUN LEARNING_RATE` loads the stored artifacts of a run (`GRAFT_STORE`), fine-tunes,
evaluates and draws.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from artifacts import array_codecs, codecs
from artifacts.past import PastRun
from artifacts.runs import Runs
from artifacts.store import Store
from flows import arguments, recipe_files
from flows.recipe import Recipe
from tasks.device import prepare
from tasks.pure import judgement, pictures, session
from tests.benchmarks import grafts_code


class Stored:
    """The artifacts of a run, read without the checks that graft makes."""

    def __init__(self, run: str) -> None:
        self.past = PastRun(Store(), Runs(Store()).find(run))

    def folder(self, step: str, output: str) -> Path:
        return self.past.store.folder(self.past.ref(step, output))

    def model(self, step: str) -> Any:
        return codecs.read_model(self.folder(step, "model"))

    def part(self, role: str, part: str) -> tuple[np.ndarray, np.ndarray]:
        return array_codecs.read_part(self.folder(f"load_data.{role}", "dataset"), part)

    def task(self, role: str) -> judgement.JudgedTask:
        names = self.past.store.manifest(self.past.ref(f"load_data.{role}", "dataset")).facts["class_names"]
        return judgement.judged_task(self.part(role, "train"), self.part(role, "test"), tuple(names))

    def recipe(self, learning_rate: float) -> Recipe:
        record = self.past.record
        changed = {"fine_tune.learning_rate": learning_rate}
        return recipe_files.again(record.recipe, record.title, record.resolved, record.overrides, changed).recipe


def main() -> None:
    """Fine-tune, evaluate, draw."""
    stored, learning_rate = Stored(sys.argv[1]), float(sys.argv[2])
    recipe = stored.recipe(learning_rate)
    prepare()
    tuned, history = fine_tune(stored, recipe)
    metrics, predictions = evaluate(stored, recipe, tuned)
    histories = {step: codecs.read_history(stored.folder(step, "history")) for step in ("pretrain", "train_head")}
    histories["fine_tune"] = history
    pictures.draw(metrics, predictions, histories, metrics["class_names"], recipe.figures.mistakes)


def fine_tune(stored: Stored, recipe: Recipe) -> tuple[Any, Any]:
    """The network and its history."""
    seed = recipe.step_seed("fine_tune")
    session.fresh(seed)
    network = stored.model("unfreeze")
    training = arguments.training(recipe.fine_tune)
    fitted = grafts_code.fit(network, stored.part("target", "train"), training, seed, lambda *_news: None)
    return network, fitted.history


def evaluate(stored: Stored, recipe: Recipe, tuned: Any) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What the step `evaluate` computes: the tuned network, the one before, and the base on its own task."""
    seed = recipe.step_seed("evaluate")
    bounds = judgement.Bounds(recipe.evaluate.bootstrap, recipe.evaluate.confidence, seed)
    ours, theirs = stored.task("target"), stored.task("source")
    metrics, predictions = judgement.judge(tuned, ours, bounds)
    metrics["after_head"], _ = judgement.accuracy_only(stored.model("train_head"), ours, bounds)
    metrics["base"] = judgement.base_figures(stored.model("save_model"), theirs, bounds)
    return metrics, predictions


if __name__ == "__main__":
    main()
