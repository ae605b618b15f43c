"""Bytes ↔ data sets and activations: arrays, as `.npy` files that can be mapped. Equal content makes equal bytes."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.digest import canonical_json, digest_arrays
from artifacts.store import Encoded

DATASET_PARTS = ("train", "validation", "gate", "test")
FEATURE_PARTS = ("train", "validation")
MAPPED_BYTES = 2**30

# -- data sets


def encode_dataset(
    parts: Mapping[str, tuple[np.ndarray, np.ndarray]],
    class_names: Sequence[str],
    about: Mapping[str, Any] | None = None,
) -> Encoded:
    """A data set: for each of train, validation, gate and test (images (n, height, width, channels), labels (n,)).

    Args:
        about: plain values that belong to it and follow from the files' content: how pictures were decoded, say. They
            are among the facts, and of the digest where there are any.
    """
    content = {"class_names": list(class_names), "about": dict(about)} if about else list(class_names)
    arrays = {f"{axis}_{part}": array for part in DATASET_PARTS for axis, array in zip("xy", parts[part], strict=True)}
    images = parts["train"][0]
    facts = {
        "class_names": list(class_names),
        "image_shape": list(images.shape[1:]),
        "image_dtype": images.dtype.newbyteorder("<").str,
        "counts": {part: int(len(parts[part][1])) for part in DATASET_PARTS},
        **(about or {}),
    }

    def write(folder: Path) -> None:
        for name, array in arrays.items():
            save_array(folder / f"{name}.npy", array)
        (folder / "classes.json").write_bytes(canonical_json(content))

    return Encoded("dataset", digest_arrays(arrays, content), facts, write)


def read_classes(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Class names, and what else belongs to a stored data set (`about`)."""
    content = json.loads((folder / "classes.json").read_bytes())
    return (content["class_names"], content["about"]) if isinstance(content, dict) else (content, {})


def read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one part (`train`, `validation`, `gate`, `test`) of a stored data set."""
    images, labels = (_load_array(folder / f"{axis}_{part}.npy") for axis in "xy")
    return images, labels


# -- activations of a frozen part


def encode_features(parts: Mapping[str, np.ndarray]) -> Encoded:
    """What a frozen part of a network makes of images: for each of FEATURE_PARTS (n, …) float32, in their order."""
    facts = {
        "shape": list(parts["train"].shape[1:]),
        "dtype": parts["train"].dtype.newbyteorder("<").str,
        "counts": {part: len(parts[part]) for part in FEATURE_PARTS},
    }

    def write(folder: Path) -> None:
        for part in FEATURE_PARTS:
            save_array(folder / f"{part}.npy", parts[part])

    return Encoded("features", digest_arrays({part: parts[part] for part in FEATURE_PARTS}), facts, write)


def read_features(folder: Path, part: str) -> np.ndarray:
    """The activations of one part (`train`, `validation`)."""
    return _load_array(folder / f"{part}.npy")


# -- arrays


def save_array(path: Path, array: np.ndarray) -> None:
    """In C order and little-endian, whatever the array's own: equal arrays are equal bytes, as their digests are."""
    np.save(path, np.ascontiguousarray(array, array.dtype.newbyteorder("<")), allow_pickle=False)


def _load_array(path: Path) -> np.ndarray:
    """The array of a file; a very large one is mapped, so that only the rows that are used are ever read."""
    mapped = path.stat().st_size > MAPPED_BYTES
    array: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array
