"""What an artifact is: kind, digest, facts, and its files with hash and size.

A manifest holds only what follows from the content, so equal artifacts have equal manifests. Who made it, when and
from what is an execution's business (`executions.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.digest import digest_file
from artifacts.sealed import seal, unseal

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class FileEntry:
    """A file of an artifact: SHA-256 of its bytes, size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """The description of one artifact.

    Attributes:
        kind: one of `refs.KINDS`.
        digest: digest of the content, see `digest.py`.
        facts: plain values that follow from the content (shapes, class names, number of weights).
        files: file name → hash and size.
    """

    kind: str
    digest: str
    facts: Mapping[str, Any]
    files: Mapping[str, FileEntry]

    def to_bytes(self) -> bytes:
        files = {name: {"sha256": entry.sha256, "size": entry.size} for name, entry in self.files.items()}
        return seal({"kind": self.kind, "digest": self.digest, "facts": dict(self.facts), "files": files})

    @classmethod
    def from_bytes(cls, content: bytes, name: str) -> "Manifest":
        """Raises RecordDamaged where `content` is not what `to_bytes` wrote."""
        body = unseal(content, name)
        files = {file: FileEntry(entry["sha256"], entry["size"]) for file, entry in body["files"].items()}
        return cls(body["kind"], body["digest"], body["facts"], files)


def describe(folder: Path, kind: str, digest: str, facts: Mapping[str, Any]) -> Manifest:
    """The manifest of the files that lie in `folder` now."""
    files = {
        path.name: FileEntry(digest_file(path), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name != MANIFEST
    }
    return Manifest(kind, digest, facts, files)


def named_files(folder: Path, suffix: str) -> list[Path]:
    """The files of an artifact that its manifest names; of one that is not settled yet, all there are."""
    manifest = folder / MANIFEST
    names = Manifest.from_bytes(manifest.read_bytes(), str(manifest)).files if manifest.is_file() else None
    return [path for path in sorted(folder.glob(f"*{suffix}")) if names is None or path.name in names]
