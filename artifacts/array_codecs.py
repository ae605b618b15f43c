"""Bytes ↔ data sets and activations: arrays, as `.npy` files that can be mapped. Equal content makes equal bytes.


Arrays may be larger than memory: they are digested, written and read back a block at a time (`digest.Rows`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.digest import Arrays, blocks, canonical_json, digest_arrays, portable
from artifacts.store import Encoded

DATASET_PARTS = ("train", "validation", "gate", "test")
FEATURE_PARTS = ("train", "validation")
MAPPED_BYTES = 48 * 2**20  # several such arrays are in memory at once; Fashion-MNIST's 47 MB just fit

# -- data sets


def encode_dataset(
    parts: Mapping[str, tuple[Arrays, np.ndarray]],
    class_names: Sequence[str],
    about: Mapping[str, Any] | None = None,
    files: Mapping[str, np.ndarray] | None = None,
) -> Encoded:
    """A data set: for each of train, validation, gate and test (images (n, height, width, channels), labels (n,)).

    Its facts: `class_names`, `image_shape`, `image_dtype`, `counts` by part, and `pixel_range`, the smallest and the
    largest value of the training images (null without any, and missing in data sets that an older graft stored).

    Args:
        about: plain values that belong to it and follow from the files' content: how pictures were decoded, say. They
            are among the facts, and of the digest where there are any.
        files: part → (n, 32) uint8, the SHA-256 of each picture's file, where pictures lie in files of their own.
    """
    content = {"class_names": list(class_names), "about": dict(about)} if about else list(class_names)
    arrays = {f"{axis}_{part}": array for part in DATASET_PARTS for axis, array in zip("xy", parts[part], strict=True)}
    arrays |= {f"files_{part}": hashes for part, hashes in (files or {}).items()}
    images = _Watched(parts["train"][0])
    digest = digest_arrays({**arrays, "x_train": images}, content)
    facts = {
        "class_names": list(class_names),
        "image_shape": list(images.shape[1:]),
        "image_dtype": portable(images).str,
        "counts": {part: int(len(parts[part][1])) for part in DATASET_PARTS},
        "pixel_range": images.range,
        **(about or {}),
    }

    def write(folder: Path) -> None:
        for name, array in arrays.items():
            save_array(folder / f"{name}.npy", array)
        (folder / "classes.json").write_bytes(canonical_json(content))

    return Encoded("dataset", digest, facts, write)


def read_classes(folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Class names, and what else belongs to a stored data set (`about`)."""
    content = json.loads((folder / "classes.json").read_bytes())
    return (content["class_names"], content["about"]) if isinstance(content, dict) else (content, {})


def read_part(folder: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of one part (`train`, `validation`, `gate`, `test`) of a stored data set.

    Beyond MAPPED_BYTES the images are mapped: what is touched of them counts as memory until it is released.
    """
    images, labels = (_load_array(folder / f"{axis}_{part}.npy") for axis in "xy")
    return images, labels


def read_files(folder: Path) -> dict[str, np.ndarray]:
    """Part → (n, 32) uint8, the SHA-256 of the file of each picture; empty where images have no files of their own."""
    paths = {part: folder / f"files_{part}.npy" for part in DATASET_PARTS}
    return {part: np.load(path, allow_pickle=False) for part, path in paths.items() if path.is_file()}


# -- activations of a frozen part


def encode_features(parts: Mapping[str, Arrays]) -> Encoded:
    """What a frozen part of a network makes of images: for each of FEATURE_PARTS (n, …) float32, in their order."""
    facts = {
        "shape": list(parts["train"].shape[1:]),
        "dtype": portable(parts["train"]).str,
        "counts": {part: int(parts[part].shape[0]) for part in FEATURE_PARTS},
    }

    def write(folder: Path) -> None:
        for part in FEATURE_PARTS:
            save_array(folder / f"{part}.npy", parts[part])

    return Encoded("features", digest_arrays({part: parts[part] for part in FEATURE_PARTS}), facts, write)


def read_features(folder: Path, part: str) -> np.ndarray:
    """The activations of one part (`train`, `validation`)."""
    return _load_array(folder / f"{part}.npy")


def derive_dataset(folder: Path) -> str:
    """The digest of a stored data set, computed anew from its bytes."""
    parts = {part: read_part(folder, part) for part in DATASET_PARTS}
    return encode_dataset(parts, *read_classes(folder), read_files(folder)).digest


def derive_features(folder: Path) -> str:
    """The digest of stored activations, computed anew from their bytes."""
    return encode_features({part: read_features(folder, part) for part in FEATURE_PARTS}).digest


# -- arrays


def save_array(path: Path, array: Arrays) -> None:
    """In C order and little-endian, whatever the array's own: equal arrays are equal bytes, as their digests are.

    The bytes are those of `np.save`, which would want the array whole.
    """
    descr = np.lib.format.dtype_to_descr(portable(array))
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": array.shape})
        for block in blocks(array):
            block.tofile(file)


def _load_array(path: Path) -> np.ndarray:
    """The array of a file; a large one is mapped, so that only the rows that are used are ever read."""
    mapped = path.stat().st_size > MAPPED_BYTES
    array: np.ndarray = np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)
    return array


class _Watched:
    """An array whose smallest and largest value are noted while its blocks go by, as `range`: [low, high] or None."""

    def __init__(self, array: Arrays) -> None:
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.range: list[Any] | None = None

    def blocks(self, _size: int) -> Iterator[np.ndarray]:
        for block in blocks(self.array):
            if block.size:
                ends = [block.min().item(), block.max().item(), *(self.range or [])]
                self.range = [min(ends), max(ends)]
            yield block
