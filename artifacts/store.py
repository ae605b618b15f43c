"""The store: where artifacts and executions lie, and what is still sound.

    <root>/artifacts/<kind>/<digest>/   manifest.json and the files it names; renamed into place whole
    <root>/executions/<key>.json        one sealed record a key
    <root>/runs/<run id>/               run record and report (see runs.py)
    <root>/cache/                       Prefect's records, remembered hashes, scratch: may be deleted at any time
    <root>/*.lock                       locks between processes

The root is `GRAFT_STORE`, or `store/` beside this file. Nothing is read without being checked: an execution by its own
checksum, the manifest by the hash in the execution, each file by the hash in the manifest.
"""

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from artifacts.digest import digest_bytes
from artifacts.errors import ArtifactDamaged, ArtifactMissing, RecordDamaged, StoreError, UsageError
from artifacts.executions import Execution, Output
from artifacts.manifest import MANIFEST, Manifest, describe
from artifacts.refs import KINDS, Ref
from artifacts.remembered import file_sha256
from artifacts.sealed import write_atomically
from artifacts.sharing import Sharing

if TYPE_CHECKING:
    from artifacts.past import PastRun

ABANDONED_SECONDS = 24 * 3600
FORGOTTEN_SECONDS = 30 * 24 * 3600


@dataclass(frozen=True)
class Encoded:
    """Content on its way into the store.

    Attributes:
        kind: one of `refs.KINDS`.
        digest: digest of the content.
        facts: plain values that follow from the content.
        write: writes the files into the empty folder that it is given.
    """

    kind: str
    digest: str
    facts: Mapping[str, Any]
    write: Callable[[Path], None]


def default_root() -> Path:
    """`GRAFT_STORE`, or `store` beside this file.

    Raises:
        UsageError: a file is there, where a folder belongs.
    """
    configured = os.environ.get("GRAFT_STORE")
    root = Path(configured).expanduser().resolve() if configured else Path(__file__).resolve().parent / "store"
    if root.exists() and not root.is_dir():
        raise UsageError(f"GRAFT_STORE: expected a folder, or a path where one can be made; {root} is a file.")
    return root


class Store:
    """Artifacts and executions under one folder. Safe for several processes at once."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or default_root()
        self.artifacts = self.root / "artifacts"
        self.executions = self.root / "executions"
        self.runs = self.root / "runs"
        self.cache = self.root / "cache"
        self.scratch = self.cache / "tmp"
        self.hashes = self.cache / "hashes"
        self.prefect = self.cache / "prefect"
        self.known_facts = self.cache / "facts"
        self.checkpoints = self.cache / "checkpoints"
        self.computing = self.cache / "computing"
        self.sharing = Sharing(self.artifacts, self.cache)

    # -- artifacts

    def folder(self, ref: Ref) -> Path:
        """Where the files of `ref` lie, or would."""
        return self.artifacts / ref.kind / ref.digest.removeprefix("sha256:")

    def put(self, content: Encoded) -> Output:
        """Store `content` and return its reference with the hash of its manifest.

        An artifact that is there already and sound is left as it is (the first one wins); one whose bytes are wrong
        is replaced, so that a damaged artifact is mended by making it again.
        """
        ref = KINDS[content.kind](content.digest)
        self.scratch.mkdir(parents=True, exist_ok=True)
        staged = self.scratch / uuid.uuid4().hex
        staged.mkdir()
        try:
            content.write(staged)
            manifest = describe(staged, content.kind, content.digest, content.facts)
            (staged / MANIFEST).write_bytes(manifest.to_bytes())
            with self.lock("artifacts"):
                return Output(ref, self._settle(ref, staged, manifest))
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def _settle(self, ref: Ref, staged: Path, manifest: Manifest) -> str:
        """Rename the staged folder into place unless a sound one is there; returns the hash of its manifest."""
        target, manifest_sha256 = self.folder(ref), digest_bytes(manifest.to_bytes())
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.facts_path(target), manifest.to_bytes(), self.scratch)
        damaged = None
        if target.exists():
            there = self._same(ref, manifest)
            if there:
                os.utime(target)  # used just now, see `collecting.py`
                return there
            damaged = self.scratch / f"damaged-{uuid.uuid4().hex}"
            os.replace(target, damaged)
        self.sharing.link(staged, manifest)
        os.replace(staged, target)
        self.sharing.remember(target, manifest)
        if damaged and damaged.is_dir():
            self.sharing.mend(damaged, target)
        return manifest_sha256

    def _same(self, ref: Ref, manifest: Manifest) -> str:
        """The hash of the manifest that is there, if it is sound and of the same files; else "".

        An older graft may have told fewer facts of the same content. Its manifest stays, since executions name it.
        """
        try:
            there = self.check(ref)
        except StoreError:
            return ""
        return digest_bytes(self._manifest_bytes(ref)) if there.files == manifest.files else ""

    def manifest(self, ref: Ref) -> Manifest:
        """The manifest of `ref`.

        Raises:
            ArtifactMissing: there is none.
            RecordDamaged: it was altered.
        """
        return Manifest.from_bytes(self._manifest_bytes(ref), f"manifest of {ref.kind} {ref.digest}")

    def facts(self, ref: Ref) -> Mapping[str, Any] | None:
        """What follows from the content of `ref`, also where the artifact itself is damaged or was deleted.

        Facts belong to the digest, not to the bytes that lie there, so they are remembered under `cache/` too: the key
        of a step whose input has to be made again can then be told beforehand. None where both are gone.
        """
        for path in (self.facts_path(self.folder(ref)), self.folder(ref) / MANIFEST):
            with contextlib.suppress(OSError, RecordDamaged):
                manifest = Manifest.from_bytes(path.read_bytes(), path.name)
                if (manifest.kind, manifest.digest) == (ref.kind, ref.digest):
                    return manifest.facts
        return None

    def facts_path(self, folder: Path) -> Path:
        """Where the facts of the artifact that lies, or would lie, in `folder` are remembered."""
        return self.known_facts / f"{folder.parent.name}-{folder.name}.json"

    def _manifest_bytes(self, ref: Ref) -> bytes:
        try:
            return (self.folder(ref) / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise ArtifactMissing(f"No {ref.kind} {ref.digest} in the store {self.root}.") from None

    def check(self, ref: Ref, manifest_sha256: str | None = None) -> Manifest:
        """Prove that the bytes of `ref` are those its manifest names, and the manifest the one of `manifest_sha256`.

        Raises:
            ArtifactMissing, ArtifactDamaged, RecordDamaged: they are not.
        """
        content = self._manifest_bytes(ref)
        if manifest_sha256 is not None and digest_bytes(content) != manifest_sha256:
            raise ArtifactDamaged(f"The manifest of {ref.kind} {ref.digest} is not the one that was written.")
        manifest = Manifest.from_bytes(content, f"manifest of {ref.kind} {ref.digest}")
        if (manifest.kind, manifest.digest) != (ref.kind, ref.digest):
            raise ArtifactDamaged(f"The manifest of {ref.kind} {ref.digest} speaks of {manifest.digest}.")
        for name, entry in manifest.files.items():
            self._check_file(self.folder(ref) / name, entry.sha256, entry.size)
        return manifest

    def _check_file(self, path: Path, sha256: str, size: int) -> None:
        try:
            intact = path.stat().st_size == size and file_sha256(path, self.hashes) == sha256
        except OSError as problem:
            raise ArtifactDamaged(f"{path} cannot be read ({problem.strerror}).") from None
        if not intact:
            raise ArtifactDamaged(f"{path} was altered: its bytes are not those that the manifest names.")

    # -- executions

    def execution_path(self, key: str) -> Path:
        return self.executions / f"{key.removeprefix('sha256:')}.json"

    def record(self, execution: Execution) -> None:
        """Write the execution under its key; the last one wins."""
        write_atomically(self.execution_path(execution.key), execution.to_bytes(), self.scratch)

    def execution(self, key: str) -> Execution | None:
        """The execution of `key`, or None.

        Raises:
            RecordDamaged: the record was altered.
        """
        try:
            content = self.execution_path(key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as problem:
            raise RecordDamaged(f"execution {key}: cannot be read ({problem.strerror}).") from None
        return Execution.from_bytes(content, key)

    def sound_execution(self, key: str) -> Execution:
        """The execution of `key` with every output in place and unaltered.

        Raises:
            StoreError: no such execution, or it or an output is damaged.
        """
        execution = self.execution(key)
        if execution is None:
            raise ArtifactMissing(f"No execution of {key} in the store {self.root}.")
        for output in execution.outputs.values():
            self.check(output.ref, output.manifest)
        return execution

    def run(self, wanted: str = "last") -> "PastRun":
        """A past run by id, number, beginning of an id, name, or `last`: its model, histories and predictions.

        Raises:
            UsageError: no run, or several, are called so.
        """
        from artifacts.past import PastRun
        from artifacts.runs import Runs

        return PastRun(self, Runs(self).find(wanted))

    def use(self, execution: Execution, outputs: Iterable[Ref] | None = None) -> bool:
        """Mark an execution and its outputs as used just now, so that no `graft gc` collects them under a run.

        Args:
            outputs: those of an earlier run, where the execution speaks of others by now.

        Returns:
            Whether all of them are still there.
        """
        refs = execution.refs().values() if outputs is None else outputs
        paths = [self.execution_path(execution.key), *(self.folder(ref) for ref in refs)]
        with self.lock("artifacts"):
            try:
                for path in paths:
                    os.utime(path)
            except FileNotFoundError:
                return False
        return True

    def sweep(self) -> None:
        """Remove scratch that killed processes left, once it is too old to belong to a running one; the states of
        trainings that nobody went on with; and old lock files."""
        for folder, seconds in ((self.scratch, ABANDONED_SECONDS), (self.checkpoints, FORGOTTEN_SECONDS)):
            for path in folder.glob("*"):
                with contextlib.suppress(OSError):  # another process sweeps too
                    if time.time() - path.stat().st_mtime > seconds:
                        shutil.rmtree(path) if path.is_dir() else path.unlink()

        self._sweep_locks()

    def _sweep_locks(self) -> None:
        """Remove the lock files of keys (`tasks/computing.py`) that nobody holds. They are removed while held by this
        process, so that nobody computes under one that is on its way out."""
        for path in self.computing.glob("*.lock"):
            with contextlib.suppress(OSError):  # another process sweeps too, or holds it (`Timeout`)
                if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                    with FileLock(path, timeout=0):
                        path.unlink()

    # -- several processes

    def lock(self, name: str) -> FileLock:
        """A lock between processes, to be held for moments only."""
        self.root.mkdir(parents=True, exist_ok=True)
        return FileLock(self.root / f"{name}.lock")
