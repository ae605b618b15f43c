"""A realistic page for the tests of the report, and what to change in it."""

from dataclasses import replace
from typing import Any

from tasks.pure.page import Page

DIGEST = "sha256:" + "0123456789abcdef" * 4


def metrics(**changed: Any) -> dict[str, Any]:
    return {
        "accuracy": 0.91, "accuracy_low": 0.87, "accuracy_high": 0.945, "confidence": 0.95, "num_test": 2000,
        "class_names": ["T-shirt", "Pullover"], "balanced_accuracy": 0.9, "macro_f1": 0.905, "log_loss": 0.3,
        "calibration_error": 0.04, "roc_auc": 0.97, "pr_auc": 0.96, "positive": "Pullover",
        "per_class": [
            {"class": "T-shirt", "precision": 0.9, "recall": 0.92, "f1": 0.91, "support": 1000},
            {"class": "Pullover", "precision": None, "recall": 0.9, "f1": 0.9, "support": 1000},
        ],
        "confusion": [[920, 80], [100, 900]],
        "majority": {"class": "T-shirt", "accuracy": 0.5},
        "accuracy_gain": 0.41, "accuracy_gain_low": 0.37, "accuracy_gain_high": 0.45,
        "after_head": {"accuracy": 0.88, "accuracy_low": 0.86, "accuracy_high": 0.9},
        "base": {"accuracy": 0.9905, "accuracy_low": 0.988, "accuracy_high": 0.992, "num_test": 800,
                 "majority": {"class": "Bag", "accuracy": 0.125}, "class_names": ["Bag", "Coat"]},
        "batch_norm": None,
        **changed,
    }  # fmt: skip


def seeds(*accuracies: float) -> list[dict[str, Any]]:
    return [{"seed": seed, "accuracy": accuracy, "run": f"run-{seed}"} for seed, accuracy in enumerate(accuracies)]


def controls(this: list[dict[str, Any]], other: list[dict[str, Any]]) -> dict[str, Any]:
    names = {"this_name": "copied weights", "other_name": "random base (weights never copied)"}
    return {"this": this, "other": other, **names}


def study(verdict: str = "helps", **changed: Any) -> dict[str, Any]:
    helps = "Transfer helps: +3.1 points [+1.2, +5.0] against training from scratch"
    said = {"helps": helps, "hurts": "Transfer hurts", "undecided": "Undecided"}[verdict]
    page = "../../studies/3f2a9c01d4e5/page.html"
    answer = {"study": "3f2a9c01d4e5", "verdict": verdict, "sentence": f"{said} (5 seeds).", "page": page}
    return {"answer": answer, "trial_of": "", "command": "graft study quickstart", **changed}


def page(**changed: Any) -> Page:
    steps = [
        {"step": "pretrain", "status": "hit", "seconds": 0.004, "reason": "", "key": "k", "artifact": DIGEST,
         "inputs": {}, "files": {}, "outputs": {"model": DIGEST}},
        {"step": "clone_with_weights", "status": "ran", "seconds": 75.0, "reason": "parameter `a.b` 1 → 2", "key": "k",
         "artifact": DIGEST[:-1] + "0", "inputs": {"source": DIGEST}, "outputs": {"model": DIGEST[:-1] + "0"}},
    ]  # fmt: skip
    whole = Page(
        title="quickstart · seed 0",
        run={"id": "r1", "name": "quickstart #1", "recipe": "quickstart", "started": "2025-01-01T00:00", "seconds": 18},
        metrics=metrics(),
        steps=steps,
        recipe_yaml="seed: 0\n",
        copy_weights=True,
        facts={"source": "eight classes", "target": "T-shirt against pullover", "num_train": 20, "num_test": 2000},
        controls=controls([], []),
        pictures={"learning_curves": b"png", "confusion": b"png", "mistakes": b"png", "reliability": b"png"},
        study={"answer": None, "trial_of": "", "command": "graft study quickstart --set a.b=1"},
    )
    return replace(whole, **changed)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")
