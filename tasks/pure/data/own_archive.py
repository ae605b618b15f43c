"""A user's own `.npz` file: which arrays it may hold, and what is said of the others."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pure.data.naming import one_form
from tasks.pure.errors import BadData
from tasks.pure.formats import names_in_npz, read_npz
from tasks.pure.images import as_images, as_labels

REQUIRED = ("x_train", "y_train", "x_test", "y_test")
VALIDATION = (("x_validation", "y_validation"), ("x_val", "y_val"))


def own_arrays(path: Path) -> dict[str, Any]:
    """The arguments of `readers.RawData`.

    Raises:
        BadData: not an npz file, an array that is missing or of a wrong kind, or a validation part that is not whole.
    """
    there = names_in_npz(path, REQUIRED)
    pair = _validation(path, there)
    arrays = read_npz(path, REQUIRED, (*pair, "class_names"))
    found: dict[str, Any] = {
        name: (as_images if name.startswith("x") else as_labels)(f"{path}: `{name}`", arrays.pop(name))
        for name in (*REQUIRED, *pair)
    }
    if pair:
        found["x_validation"], found["y_validation"] = found.pop(pair[0]), found.pop(pair[1])
        found["validation_part"] = pair[0].removeprefix("x_")
    known = {*REQUIRED, *pair, "class_names"}
    return {
        **found,
        "class_names": _names(path, found["y_train"], arrays.get("class_names")),
        "unread": tuple(sorted(set(there) - known)),
    }


def images_by_class(path: Path) -> tuple[tuple[str, ...], dict[str, Counter[str]]]:
    """The names of all classes in order; and how many images of each there are, by part: `train`, `validation` (none
    where the file has no such part). No image is read.

    Raises:
        BadData: not an npz file, labels of a wrong kind, or a validation part that is not whole.
    """
    pair = _validation(path, names_in_npz(path, REQUIRED))
    asked = {"train": "y_train", **({"validation": pair[1]} if pair else {})}
    arrays = read_npz(path, tuple(asked.values()), ("class_names",))
    labels = {part: as_labels(f"{path}: `{name}`", arrays[name]) for part, name in asked.items()}
    names = _names(path, labels["train"], arrays.get("class_names"))
    counts = {"train": Counter[str](), "validation": Counter[str]()}
    for part, each in labels.items():
        counts[part].update(names[label] for label in each.tolist() if 0 <= label < len(names))
    return names, counts


def _validation(path: Path, there: list[str]) -> tuple[str, ...]:
    """The names of the two arrays of the validation part; none where the file has no such part."""
    begun = [pair for pair in VALIDATION if set(pair) & set(there)]
    if len(begun) > 1:
        found = ", ".join(f"`{name}`" for pair in begun for name in pair if name in there)
        raise BadData(f"{path}: expected one validation part, found {found}. Leave one pair of them.")
    lacking = [name for pair in begun for name in pair if name not in there]
    if lacking:
        raise BadData(
            f"{path}: expected the validation part as `{begun[0][0]}` and `{begun[0][1]}`, found no `{lacking[0]}`. "
            "Add it, or take the other out."
        )
    return begun[0] if begun else ()


def _names(path: Path, labels: np.ndarray, given: np.ndarray | None) -> tuple[str, ...]:
    """The class names of a user's file: its own, or the numbers 0..k-1 where it has none."""
    if given is None:
        highest = int(labels.max(initial=-1))
        if highest >= max(len(labels), 1):  # there cannot be that many classes, and listing them could take for ever
            raise BadData(
                f"{path}: expected labels 0 to k-1, each with images, found the label {highest:,} among "
                f"{len(labels):,} images. Number the classes from 0 without gaps."
            )
        return tuple(str(label) for label in range(highest + 1))
    if given.ndim != 1 or given.dtype.kind != "U":
        raise BadData(
            f"{path}: expected `class_names` as a one-dimensional array of text, found {given.dtype} of "
            f"shape {given.shape}. Save `numpy.array(['first', 'second'])`."
        )
    return tuple(one_form(name) for name in given.tolist())
