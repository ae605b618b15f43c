"""A recipe that costs a second or two, with everything in it that could go wrong: batch norm, dropout, validation."""

from pathlib import Path
from typing import Any

import numpy as np

RECIPE = """\
seed: 0
source: {dataset: npz, path: tiny.npz, task: {classes: [0, 1]}}
target: {dataset: npz, path: tiny.npz, task: {classes: [2, 3]}, labels: 40, validation: 0.2}
pretrain:
  {architecture: cnn, widths: [3, 4], scale: unit, dropout: 0.2, epochs: 2, batch_size: 16, learning_rate: 0.01}
clone_with_weights: {add_hidden: [4]}
train_head: {epochs: 2, batch_size: 8, learning_rate: 0.01}
unfreeze: {layers: 1}
fine_tune: {epochs: 2, batch_size: 8, learning_rate: 0.001}
evaluate: {bootstrap: 100}
figures: {mistakes: 2}
"""

ORDER = (
    "load_data.source",
    "load_data.target",
    "inspect_data",
    "pretrain",
    "save_model",
    "clone_with_weights",
    "freeze",
    "train_head",
    "unfreeze",
    "fine_tune",
    "evaluate",
    "figures",
    "report",
)


def tiny_arrays(seed: int = 0) -> dict[str, Any]:
    """Four classes of 8×8 grey images, told apart by which quarter is bright."""
    generator = np.random.default_rng(seed)

    def part(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 4
        images = generator.integers(0, 120, (count, 8, 8), dtype=np.uint8)
        for index, label in enumerate(labels):
            row, column = divmod(int(label), 2)
            images[index, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 90
        return images, labels

    x_train, y_train = part(160)
    x_test, y_test = part(80)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def write_tiny_recipe(folder: Path) -> Path:
    """Write `tiny.npz` and `tiny.yaml` into `folder`; returns the recipe's path."""
    np.savez(folder / "tiny.npz", **tiny_arrays())
    recipe = folder / "tiny.yaml"
    recipe.write_text(RECIPE)
    return recipe


def statuses(result: dict[str, Any]) -> dict[str, str]:
    """step → status, of a run or a plan as JSON."""
    return {entry["step"]: entry["status"] for entry in result["steps"]}


def ran(result: dict[str, Any]) -> list[str]:
    """The steps that were computed, in order, without the report, which always is."""
    return [entry["step"] for entry in result["steps"] if entry["status"] == "ran" and entry["step"] != "report"]


def digests(result: dict[str, Any]) -> dict[str, dict[str, str]]:
    """step → output → digest."""
    return {entry["step"]: entry["outputs"] for entry in result["steps"]}
