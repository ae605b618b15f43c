"""Where an interrupted training goes on: the arrays of its last saved epoch, under the step's key.

They lie under the store's `cache/` and may be deleted at any time. A damaged one is no checkpoint: the training then
begins anew, and ends with the same bits.
"""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from artifacts.digest import PREFIX, digest_bytes
from artifacts.sealed import write_atomically
from artifacts.store import Store

DIGEST_LENGTH = len(digest_bytes(b""))


class Checkpoints:
    """One file a key: the digest of the rest, then an `npz` archive."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def path(self, key: str) -> Path:
        return self.store.checkpoints / key.removeprefix(PREFIX)

    def save(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write, or replace, what is kept under `key`."""
        raw = io.BytesIO()
        np.savez(raw, **arrays)  # type: ignore[arg-type]
        content = raw.getvalue()
        write_atomically(self.path(key), digest_bytes(content).encode() + content, self.store.scratch)

    def load(self, key: str) -> dict[str, np.ndarray] | None:
        """What was saved last under `key`; None where there is nothing, or nothing that can be believed."""
        try:
            whole = self.path(key).read_bytes()
            digest, content = whole[:DIGEST_LENGTH], whole[DIGEST_LENGTH:]
            if digest != digest_bytes(content).encode():
                return None
            with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        except (OSError, ValueError, zipfile.BadZipFile):
            return None

    def drop(self, key: str) -> None:
        """Forget it: the training has ended."""
        self.path(key).unlink(missing_ok=True)
