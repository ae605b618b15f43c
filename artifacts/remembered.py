"""File hashes, remembered so that large files need not be read again.

A hash is taken from memory only while size, mtime, ctime and inode are those seen when it was computed. Memory lies
under the store's `cache/`; losing or damaging it costs time, never truth.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

from artifacts.digest import digest_bytes, digest_file
from artifacts.errors import RecordDamaged
from artifacts.sealed import seal, unseal, write_atomically

SMALL_BYTES = 256 * 1024  # below this, reading the file costs no more than reading the memory of it
# A file that changed less than this ago could change again within the file system's clock tick and look the same
# (git calls such entries "racily clean"); it is not remembered yet.
SETTLED_SECONDS = 0.1


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
    settled = time.time_ns() - max(before["mtime_ns"], before["ctime_ns"]) > SETTLED_SECONDS * 1e9
    if settled and _stamp(path) == before:
        with suppress(OSError):  # a store that cannot be written to can still be looked at
            write_atomically(record, seal({"stamp": before, "sha256": sha256}), memory.parent / "tmp")
    return sha256


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
