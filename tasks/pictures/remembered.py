"""What is known of picture files without reading them: content and header, remembered by size, times and inode.

One record for each folder or table, under the store's `cache/`; losing or damaging it costs time, never truth. A file
is read again when anything of that has changed, or when it changed so lately that a second change could not be seen.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from artifacts.digest import canonical_json
from artifacts.errors import DataError
from artifacts.remembered import SETTLED_SECONDS
from artifacts.sealed import write_atomically
from tasks.fingerprint import fingerprint
from tasks.pictures.names import printable
from tasks.pure.data.headers import UNREADABLE, Header, header
from tasks.pure.data.picture_files import MOST_BYTES
from tasks.pure.data.recognising import HEAD, is_picture

READ_BYTES = 1 << 20
TOLD_EVERY = 64  # files
STAMP = 5  # numbers in a stamp
Stamp = list[int]  # size, times, inode and device: a list, as JSON gives it back
Told = Callable[[int, int], None]  # files read, of how many


class Known(NamedTuple):
    """A file as it was when it was read.

    Attributes:
        sha256: hex digits, of all its bytes; "" where it is no picture: nobody needs them.
        header: what its first bytes say; None where it is no picture.
    """

    sha256: str
    header: Header | None


class Files:
    """What is remembered of the files of one folder or table.

    Args:
        record: where that lies.
        scratch: a folder on the same file system.
    """

    def __init__(self, record: Path, scratch: Path) -> None:
        self.record, self.scratch = record, scratch

    def look(self, paths: Iterable[str], threads: int, told: Told) -> dict[str, Known]:
        """Each path → what is known of it; new and changed files are read, on `threads` threads.

        Raises:
            DataError: a file is not there, or cannot be read.
        """
        stamps = {path: _stamp(path) for path in paths}
        before = _load(self.record)
        lines = {path: line for path, stamp in stamps.items() if (line := before.get(path)) and line[:STAMP] == stamp}
        headers: dict[tuple[Any, ...], Header] = {}  # few differ
        known = {path: _known(line, headers) for path, line in lines.items()}
        new = [path for path in stamps if path not in lines]
        for path, found, after in _read_all(new, threads, told):
            known[path] = found
            if after == stamps[path] and _has_settled(after):
                lines[path] = [*after, found.sha256, *(found.header or ())]
        if new:
            self._save(lines)
        return known

    def _save(self, lines: Mapping[str, list[Any]]) -> None:
        with suppress(OSError):  # a store that cannot be written to can still be looked at
            content = json.dumps(lines, separators=(",", ":")).encode()
            write_atomically(self.record, _checksum(content) + b"\n" + content, self.scratch)


def _load(record: Path) -> dict[str, list[Any]]:
    """The lines of the record, by path; none where it is not exactly what was written."""
    with suppress(OSError, ValueError):
        checksum, _, content = record.read_bytes().partition(b"\n")
        if checksum == _checksum(content):
            lines: dict[str, list[Any]] = json.loads(content)
            return lines
    return {}


def _checksum(content: bytes) -> bytes:
    """Of the lines, and of what reads a header: another Pillow, or other code, may see another one."""
    code = fingerprint("decode")
    reader = canonical_json([dict(code.files), dict(code.versions)])
    return hashlib.sha256(reader + content).hexdigest().encode()


def _known(line: list[Any], headers: dict[tuple[Any, ...], Header]) -> Known:
    rest = tuple(line[STAMP + 1 :])
    if not rest:
        return Known(line[STAMP], None)
    header = headers.get(rest) or headers.setdefault(rest, Header(*rest))
    return Known(line[STAMP], header)


def _stamp(path: str) -> Stamp:
    try:
        status = os.stat(path)
    except OSError as problem:
        raise unreadable(path, problem) from None
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev]


def _has_settled(stamp: Stamp) -> bool:
    return time.time_ns() - max(stamp[1], stamp[2]) > SETTLED_SECONDS * 1e9


def _read_all(paths: Sequence[str], threads: int, told: Told) -> Iterator[tuple[str, Known, Stamp]]:
    """Path, what was read, and the stamp after that, in the order of `paths`."""
    if not paths:
        return
    told(0, len(paths))
    pool = ThreadPoolExecutor(threads)
    try:
        for done, (path, (found, after)) in enumerate(zip(paths, pool.map(_read, paths), strict=True), start=1):
            yield path, found, after
            if done % TOLD_EVERY == 0 or done == len(paths):
                told(done, len(paths))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read(path: str) -> tuple[Known, Stamp]:
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
            found = _seen(path, head, file) if is_picture(head, path) else Known("", None)
        return found, _stamp(path)
    except OSError as problem:
        raise unreadable(path, problem) from None


def _seen(path: str, head: bytes, file: BinaryIO) -> Known:
    """Its hash and its header. What is larger than any picture is hashed without being held, and has none to show."""
    sha = hashlib.sha256(head)
    content = bytearray(head)
    while chunk := file.read(READ_BYTES):
        sha.update(chunk)
        if len(content) <= MOST_BYTES:
            content += chunk
    whole = len(content) <= MOST_BYTES
    return Known(sha.hexdigest(), header(bytes(content), path) if whole else UNREADABLE)


def content_of(path: str) -> tuple[bytes, str]:
    """The bytes of a picture's file and their SHA-256 (hex), of one reading.

    Raises:
        DataError: it is not there any more, cannot be read, or is larger than any picture.
    """
    try:
        if os.stat(path).st_size > MOST_BYTES:
            raise DataError(
                f"{printable(path)}: expected a picture, found a file of more than {MOST_BYTES >> 20} MB. "
                "Make it smaller."
            )
        content = Path(path).read_bytes()
    except OSError as problem:
        raise unreadable(path, problem) from None
    return content, hashlib.sha256(content).hexdigest()


def unreadable(path: str, problem: OSError) -> DataError:
    """The error for a file that is gone or may not be read."""
    return DataError(
        f"{printable(path)}: expected a file that can be read, but {problem.strerror}. Change its permissions, "
        "put it back, or take it out of the data."
    )
