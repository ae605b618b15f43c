"""Where an interrupted training goes on: the arrays of its last saved epoch, under the step's key.

They lie under the store's `cache/` and may be deleted at any time. A damaged one is no checkpoint: the training then
begins anew, and ends with the same bits.
"""

import os
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from artifacts.digest import PREFIX, digest_file
from artifacts.store import Store


class Checkpoints:
    """One `npz` archive a key, `<key>-<digest of the file>`: nothing is held in memory twice to check it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def save(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write, or replace, what is kept under `key`."""
        for folder in (self.store.scratch, self.store.checkpoints):
            folder.mkdir(parents=True, exist_ok=True)
        temporary = self.store.scratch / uuid.uuid4().hex
        with temporary.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        before = list(self._paths(key))
        path = self.store.checkpoints / f"{_bare(key)}-{_bare(digest_file(temporary))}"
        os.replace(temporary, path)
        for old in before:
            if old != path:
                old.unlink(missing_ok=True)

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        """What was saved last under `key`; None where there is nothing, or nothing that can be believed."""
        for path in self._paths(key):
            try:
                if path.name.endswith(_bare(digest_file(path))):
                    with np.load(path, allow_pickle=False) as archive:
                        return {name: archive[name] for name in archive.files}
            except (OSError, ValueError, zipfile.BadZipFile):
                continue
        return None

    def drop(self, key: str) -> None:
        """Forget it: the training has ended."""
        for path in self._paths(key):
            path.unlink(missing_ok=True)

    def _paths(self, key: str) -> Iterator[Path]:
        yield from self.store.checkpoints.glob(f"{_bare(key)}-*")


def _bare(digest: str) -> str:
    return digest.removeprefix(PREFIX)
