"""Equal arrays are stored once: a file that is in the store already is linked, not written a second time.

The 10,000 test images of a data set stand in the data set of every seed. An index under `cache/` (it may be lost)
remembers where a large file with a given SHA-256 lies; a new artifact gets a hard link to it, if it is still sound.
Each artifact keeps its own name for the file, so deleting one harms no other. What is written *into* a linked file
damages all its artifacts; that is noticed like any damage, and the first one to be made again mends all.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from artifacts.errors import StoreError
from artifacts.manifest import MANIFEST, Manifest
from artifacts.remembered import file_sha256
from artifacts.sealed import write_atomically

SHARED_BYTES = 64 * 1024  # smaller files are not worth an entry in the index


class Sharing:
    """The index of a store's large files.

    Args:
        artifacts: the folder of the artifacts.
        cache: the store's cache.
    """

    def __init__(self, artifacts: Path, cache: Path) -> None:
        self.artifacts, self.cache = artifacts, cache

    def link(self, staged: Path, manifest: Manifest) -> None:
        """Replace the files of a staged artifact by links to equal ones. Where links cannot be had, copies stay."""
        for name, entry in manifest.files.items():
            twin = self._find(entry.sha256) if entry.size >= SHARED_BYTES else None
            if twin is not None:
                temporary = staged.parent / uuid.uuid4().hex
                with suppress(OSError):  # another file system, too many links, collected just now
                    os.link(twin, temporary)
                    os.replace(temporary, staged / name)

    def remember(self, folder: Path, manifest: Manifest) -> None:
        """Note where the large files of a settled artifact lie."""
        for name, entry in manifest.files.items():
            if entry.size >= SHARED_BYTES:
                place = str((folder / name).relative_to(self.artifacts))
                write_atomically(self._entry(entry.sha256), place.encode(), self.cache / "tmp")

    def mend(self, damaged: Path, sound: Path) -> None:
        """Give whoever shares a file with the `damaged` folder the `sound` one's file of that name instead."""
        for path in damaged.iterdir():
            status = path.stat()
            if status.st_nlink < 2 or not (sound / path.name).is_file():
                continue
            for twin in self._twins(status.st_dev, status.st_ino):
                temporary = self.cache / "tmp" / uuid.uuid4().hex
                with suppress(OSError):
                    os.link(sound / path.name, temporary)
                    os.replace(temporary, twin)

    def _twins(self, device: int, inode: int) -> Iterator[Path]:
        for path in self.artifacts.glob("*/*/*"):
            with suppress(OSError):
                if (path.stat().st_dev, path.stat().st_ino) == (device, inode):
                    yield path

    def _entry(self, sha256: str) -> Path:
        return self.cache / "shared" / sha256.removeprefix("sha256:")

    def _find(self, sha256: str) -> Path | None:
        """Where a sound file with this hash lies. Without an entry in the index nobody looks for one."""
        if not self._entry(sha256).is_file():
            return None
        return next((path for path in self._places(sha256) if self._sound(path, sha256)), None)

    def _places(self, sha256: str) -> Iterator[Path]:
        """What the index remembers; `gc` may have taken that, so then wherever a manifest names this hash."""
        with suppress(OSError, ValueError):
            yield self.artifacts / self._entry(sha256).read_text(encoding="utf-8")
        for path in self.artifacts.glob(f"*/*/{MANIFEST}"):
            with suppress(OSError, StoreError):
                content = path.read_bytes()
                if sha256.encode() in content:
                    files = Manifest.from_bytes(content, str(path)).files
                    yield from (path.parent / name for name, entry in files.items() if entry.sha256 == sha256)

    def _sound(self, path: Path, sha256: str) -> bool:
        with suppress(OSError, ValueError):
            inside = path.resolve().is_relative_to(self.artifacts.resolve())
            return inside and file_sha256(path, self.cache / "hashes") == sha256
        return False
