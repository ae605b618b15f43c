"""What identifies things: canonical JSON and SHA-256 digests of values, arrays, tables and models.

Identity is content. Two objects with the same digest are interchangeable; how, when and where they were made is not
part of it. A digest reads `sha256:<64 hex digits>`. `graft verify` derives every digest in the store anew with these
functions, so nothing else may compute one.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PREFIX = "sha256:"
CHUNK_BYTES = 1 << 20


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


def digest_arrays(arrays: Mapping[str, np.ndarray], about: Any = None) -> str:
    """Digest of named arrays (bytes, shapes, dtypes) and of plain values that belong to them (class names, say).

    The order of the names, memory layout and byte order do not matter; a name, a shape or a dtype does.
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


def _feed(sha: "hashlib._Hash", name: str, array: np.ndarray) -> None:
    """Name, dtype and shape go in before the bytes, each record with its length, so that no two arrays run together."""
    portable = np.ascontiguousarray(array)
    if portable.dtype.byteorder == ">":
        portable = portable.astype(portable.dtype.newbyteorder("<"))
    head = canonical_json([name, portable.dtype.str, list(array.shape)])
    sha.update(len(head).to_bytes(8, "little"))
    sha.update(head)
    sha.update(portable.reshape(-1).view(np.uint8).data if portable.size else b"")
