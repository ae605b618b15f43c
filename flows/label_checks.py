"""Numbers of labels that cannot work, known before any file is read: too few, too many, too few for validation.

The rules are those of `tasks/pure/splits.py`, which has the last word on reading: a user's own file, and what a gate
leaves, are known only then.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.readers import CLASS_NAMES
from tasks.pure.splits import apportion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flows.recipe_data import DataSection

# Training images of each class, as published. Files that a recipe's own `path` names may hold others.
TRAINING_IMAGES: Mapping[str, Sequence[int]] = {
    "fashion_mnist": (6_000,) * 10,
    "fashion_mnist_sample": (600,) * 10,
    "mnist": (5_923, 6_742, 5_958, 6_131, 5_842, 5_421, 5_918, 6_265, 5_851, 5_949),
    "cifar10": (5_000,) * 10,
    "cifar100": (500,) * 100,
    "digits": (143, 146, 142, 147, 145, 146, 145, 144, 140, 144),
}


def label_problems(section: str, data: DataSection, gate: float) -> list[str]:
    """What is wrong with `labels` and `validation` of a section whose classes are in order.

    Args:
        section: `source` or `target`, for the messages.
        gate: fraction of the training images that is set aside first.
    """
    counts = _counts(data)
    classes, images = _num_classes(data), sum(counts)
    if data.labels != "all" and data.labels < classes:
        return [f"`{section}.labels`: {data.labels} labels for {classes} classes; expected at least {classes}"]
    if data.labels != "all" and counts and data.labels > images:
        return [f"`{section}.labels`: {data.labels} labels, but {_shown(data, images)}; expected at most {images}"]
    total = data.labels if data.labels != "all" else images
    if not (data.validation and classes and total) or (gate and data.labels == "all"):
        return []
    return _validation_problems(section, data, total, classes, [] if gate else counts)


def _validation_problems(section: str, data: DataSection, total: int, classes: int, counts: Sequence[int]) -> list[str]:
    """Each class needs a label to validate and one to train on; with `counts` its share of `total` is known."""
    shares = np.array(counts, np.int64)
    smallest = int(apportion(shares, total, shares).min()) if counts else total // classes
    held_out = int(Fraction(str(data.validation)) * total + Fraction(1, 2))  # as `splits` rounds it
    if smallest >= 2 and classes <= held_out <= total - classes:
        return []
    return [
        f"`{section}.validation`: {data.validation} of {total} labels is {held_out} images, and the smallest of the "
        f"{classes} classes gets {'' if counts else 'at most '}{smallest} labels; expected one of each class to "
        f"validate and one to train on. Raise `{section}.labels`, change `{section}.validation`, or set it to 0"
    ]


def _num_classes(data: DataSection) -> int:
    """How many classes the task has; 0 where only the file knows."""
    if isinstance(data.task.classes, list):
        return len(data.task.classes)
    return 2 if data.task.classes is None else len(CLASS_NAMES.get(data.dataset, ()))


def _counts(data: DataSection) -> list[int]:
    """Training images of each class of the task; empty where only the file knows."""
    if data.path is not None or data.dataset not in TRAINING_IMAGES:
        return []
    known, names, task = TRAINING_IMAGES[data.dataset], CLASS_NAMES[data.dataset], data.task
    if task.classes == "all":
        return list(known)
    chosen = [task.one_vs_rest] if task.classes is None else task.classes
    found = [known[names.index(label) if isinstance(label, str) else int(label or 0)] for label in chosen]
    return [sum(known) - found[0], found[0]] if task.classes is None else found


def _shown(data: DataSection, images: int) -> str:
    return f"the task has {images} training images in `{data.dataset}`"
