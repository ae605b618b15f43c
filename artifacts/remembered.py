"""File hashes, remembered so that large files need not be read again.

A hash is taken from memory only while size, mtime, ctime and inode are those seen when it was computed. Memory lies
under the store's `cache/`; losing or damaging it costs time, never truth.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from artifacts.digest import digest_bytes, digest_file
from artifacts.errors import RecordDamaged
from artifacts.sealed import seal, unseal, write_atomically

SMALL_BYTES = 256 * 1024  # below this, reading the file costs no more than reading the memory of it
# A file that changed less than this ago could change again within the file system's clock tick and look the same
# (git calls such entries "racily clean"); it is not remembered yet.
SETTLED_SECONDS = 0.1

Value = TypeVar("Value")


def file_sha256(path: Path, memory: Path) -> str:
    """SHA-256 of the file at `path`, from `memory` (a folder) where the file is provably the same.

    Raises:
        OSError: the file cannot be read.
    """
    before = _stamp(path)
    if before["size"] < SMALL_BYTES:
        return digest_file(path)
    record = memory / digest_bytes(os.fsencode(path.resolve())).removeprefix("sha256:")
    known = _recall(record)
    if known is not None and known.get("stamp") == before:
        return str(known["sha256"])
    sha256 = digest_file(path)
    if _has_settled(before) and _stamp(path) == before:
        with suppress(OSError):  # a store that cannot be written to can still be looked at
            write_atomically(record, seal({"stamp": before, "sha256": sha256}), memory.parent / "tmp")
    return sha256


class Readings(Generic[Value]):
    """What was made of the bytes of files in this process, kept while a file is provably the same."""

    def __init__(self) -> None:
        self.known: dict[Path, tuple[dict[str, int], Value]] = {}

    def read(self, path: Path, make: Callable[[bytes], Value]) -> Value:
        """What `make` makes of the file at `path`; what it raises is raised, and not kept.

        Raises:
            OSError: the file cannot be read.
        """
        before = _stamp(path)
        stamp, value = self.known.get(path, ({}, None))
        if stamp == before and value is not None:
            return value
        value = make(path.read_bytes())
        if _has_settled(before) and _stamp(path) == before:
            self.known[path] = (before, value)
        return value


def _has_settled(stamp: Mapping[str, int]) -> bool:
    return time.time_ns() - max(stamp["mtime_ns"], stamp["ctime_ns"]) > SETTLED_SECONDS * 1e9


def _stamp(path: Path) -> dict[str, int]:
    status = path.stat()
    return {
        "size": status.st_size,
        "mtime_ns": status.st_mtime_ns,
        "ctime_ns": status.st_ctime_ns,
        "inode": status.st_ino,
        "device": status.st_dev,
    }


def _recall(record: Path) -> dict[str, object] | None:
    try:
        return unseal(record.read_bytes(), record.name)
    except (FileNotFoundError, RecordDamaged):
        return None
