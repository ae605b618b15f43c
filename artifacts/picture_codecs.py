"""Bytes ↔ decoded pictures: one mapped array, and which file each row came from. Equal content makes equal bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.array_codecs import save_array
from artifacts.digest import canonical_json, digest_arrays
from artifacts.store import Encoded

IMAGES, FILES, ABOUT = "images.npy", "files.npy", "about.json"


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures.

    Attributes:
        images: (n, height, width, channels) uint8, mapped.
        files: (n, 32) uint8: the SHA-256 of the file of each row; ascending, so each is there once.
        decoding: how they were decoded, plain JSON.
        damaged: hex SHA-256 of a file that could not be decoded → why.
    """

    images: np.ndarray
    files: np.ndarray
    decoding: Mapping[str, Any]
    damaged: Mapping[str, str]

    def rows(self) -> dict[str, int]:
        """Hex SHA-256 of a file → its row."""
        return {digest.tobytes().hex(): row for row, digest in enumerate(self.files)}


def encode_pictures(pictures: Pictures, images: Path) -> Encoded:
    """Decoded pictures whose array lies in the `.npy` file `images` already; that file is moved into the store."""
    about = {"decoding": dict(pictures.decoding), "damaged": dict(pictures.damaged)}
    facts = {**about, "count": len(pictures.images), "shape": list(pictures.images.shape[1:])}

    def write(folder: Path) -> None:
        images.replace(folder / IMAGES)
        save_array(folder / FILES, pictures.files)
        (folder / ABOUT).write_bytes(canonical_json(about))

    return Encoded("pictures", _digest(pictures), facts, write)


def _digest(pictures: Pictures) -> str:
    about = {"decoding": dict(pictures.decoding), "damaged": dict(pictures.damaged)}
    return digest_arrays({"images": pictures.images, "files": pictures.files}, about)


def read_pictures(folder: Path) -> Pictures:
    """Stored pictures, their array mapped: only the rows that are used are ever read."""
    about = json.loads((folder / ABOUT).read_bytes())
    files: np.ndarray = np.load(folder / FILES, allow_pickle=False)
    return Pictures(mapped(folder / IMAGES), files, about["decoding"], about["damaged"])


def mapped(path: Path) -> np.ndarray:
    """The array of a `.npy` file, mapped; one without rows cannot be."""
    with path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, _, _ = np.lib.format.read_array_header_1_0(file)
    array: np.ndarray = np.load(path, mmap_mode="r" if shape[0] else None, allow_pickle=False)
    return array


def derive_pictures(folder: Path) -> str:
    """The digest, computed anew from the bytes."""
    return _digest(read_pictures(folder))
