"""What identifies things: canonical JSON and SHA-256 digests of values, arrays, tables and models.

Identity is content. Two objects with the same digest are interchangeable; how, when and where they were made is not
part of it. A digest reads `sha256:<64 hex digits>`. `graft verify` derives every digest in the store anew with these
functions, so nothing else may compute one.
"""

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

PREFIX = "sha256:"
CHUNK_BYTES = 1 << 20
BLOCK_BYTES = 8 << 20  # of an array, at a time


class Rows(Protocol):
    """An array (n, …) that may be larger than memory: it is asked for its rows in order, so many bytes at a time."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def blocks(self, size: int) -> Iterator[np.ndarray]: ...


Arrays = np.ndarray | Rows


def canonical_json(value: Any) -> bytes:
    """JSON of `value` as UTF-8 bytes in one form only: keys sorted, no spaces, no NaN or infinity.

    Raises:
        ValueError: a number that is not finite.
        TypeError: something that is not plain JSON (tuples count as lists).
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8")


def digest_bytes(content: bytes) -> str:
    """SHA-256 of `content`."""
    return PREFIX + hashlib.sha256(content).hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`."""
    return digest_bytes(canonical_json(value))


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read a mebibyte at a time."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sha.update(chunk)
    return PREFIX + sha.hexdigest()


def digest_arrays(arrays: Mapping[str, Arrays], about: Any = None) -> str:
    """Digest of named arrays (bytes, shapes, dtypes) and of plain values that belong to them (class names, say).

    The order of the names, memory layout and byte order do not matter; a name, a shape or a dtype does. Nor does it
    matter whether an array is in memory, mapped, or given a block at a time: no more than a block of it is held.
    """
    sha = hashlib.sha256(canonical_json({"about": about, "names": sorted(arrays)}))
    for name in sorted(arrays):
        _feed(sha, name, arrays[name])
    return PREFIX + sha.hexdigest()


def digest_model(config: Any, weights: Sequence[np.ndarray], trainable: Iterable[tuple[str, bool]]) -> str:
    """Digest of a network: canonical config, weights in order, and the trainable flags of its leaves.

    Not the `.keras` file's hash (the file holds the time of saving), and neither weight paths nor containers' flags
    (both may change on reload).

    Args:
        config: what `model.get_config()` says, as plain JSON.
        weights: `model.get_weights()`, in that order.
        trainable: (name, flag) of each leaf layer, in the order of the network.
    """
    sha = hashlib.sha256(canonical_json({"config": config, "trainable": [[name, bool(on)] for name, on in trainable]}))
    for index, array in enumerate(weights):
        _feed(sha, str(index), array)
    return PREFIX + sha.hexdigest()


def portable(array: Arrays) -> "np.dtype[Any]":
    """The type that an array's elements have in files and digests: little-endian."""
    return array.dtype.newbyteorder("<")


def blocks(array: Arrays) -> Iterator[np.ndarray]:
    """The rows of `array` in order, in C order and little-endian, about BLOCK_BYTES at a time.

    The blocks of an array in memory may be parts of it, and those of a mapped one are gone when the next is asked for.
    """
    if isinstance(array, np.generic):  # a weight of no dimensions, as some Keras layers give it
        array = np.asarray(array)
    for block in array.blocks(BLOCK_BYTES) if not isinstance(array, np.ndarray) else _cut(array):
        yield np.ascontiguousarray(block, portable(array))


def _cut(array: np.ndarray) -> Iterator[np.ndarray]:
    if array.ndim == 0:
        yield array
        return
    step = max(1, BLOCK_BYTES * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), step):
        yield array[start : start + step]
        _release(array)


def _release(array: np.ndarray) -> None:
    """Hand the pages of a file that is mapped to be read back to the system: touched, they count as memory."""
    found: Any = array
    while isinstance(found, np.ndarray):
        found = found.base
    if isinstance(found, mmap.mmap) and not array.flags.writeable and hasattr(mmap, "MADV_DONTNEED"):
        found.madvise(mmap.MADV_DONTNEED)


def _feed(sha: "hashlib._Hash", name: str, array: Arrays) -> None:
    """Name, dtype and shape go in before the bytes, each record with its length, so that no two arrays run together."""
    head = canonical_json([name, portable(array).str, list(array.shape)])
    sha.update(len(head).to_bytes(8, "little"))
    sha.update(head)
    for block in blocks(array):
        sha.update(block.reshape(-1).view(np.uint8).data if block.size else b"")
