"""`graft verify`: every digest and checksum in the store derived anew, nothing remembered.

Covered is every file but those of `cache/` (may be lost), `runs/*/report.*` (made anew by the next run), the
pages of studies and sweeps (by the next look) and locks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from artifacts import codecs
from artifacts.champions import Champions
from artifacts.digest import digest_bytes, digest_file
from artifacts.errors import ArtifactDamaged, StoreError
from artifacts.executions import Execution
from artifacts.manifest import MANIFEST, Manifest
from artifacts.refs import KINDS, Ref
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.studies import Studies
from artifacts.sweeps import Sweeps

NOT_COVERED = ("cache", "runs")


@dataclass
class Findings:
    """How much was checked, and what is wrong: each problem has `path`, `what` and `mend`."""

    artifacts: int = 0
    executions: int = 0
    problems: list[dict[str, str]] = field(default_factory=list)


class Verification:
    """One pass over a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.findings = Findings()
        self.known: set[Path] = set()
        self.commands = _commands(store)

    def all(self) -> Findings:
        for folder in sorted(self.store.artifacts.glob("*/*")):
            self.findings.artifacts += 1
            self._try(folder, lambda folder=folder: self._artifact(folder))
        for path in sorted(self.store.executions.glob("*")):
            self.findings.executions += 1
            self._try(path, lambda path=path: self._execution(path))
        for path in Runs(self.store).damaged():
            what = f"{path}: the run record was altered after it was written"
            self._problem(path, what, "it cannot be made again; the next `graft run` sets it aside")
        champions = Champions(self.store)
        self.known.update(champions.path(name) for name in champions.names())
        for name in champions.damaged():
            what = f"{champions.path(name)}: the champion's record was altered after it was written"
            self._problem(champions.path(name), what, f"graft promote RUN --name {name} (sets it aside, begins anew)")
        for room in (Studies(self.store), Sweeps(self.store)):
            self._studies(room)
        for path in self._strangers():
            self._problem(path, f"{path}: no record speaks of this file", "delete it")
        return self.findings

    def _try(self, path: Path, check: "object") -> None:
        try:
            check()  # type: ignore[operator]
        except (StoreError, OSError, ValueError, KeyError, TypeError, EOFError) as problem:
            self._problem(path, str(problem), self._mend(path))

    def _artifact(self, folder: Path) -> None:
        """Files against the manifest, content against the name."""
        self.known.update(folder.glob("*"))
        if folder.parent.name not in KINDS:
            raise ArtifactDamaged(f"{folder}: expected a kind of {', '.join(KINDS)}.")
        ref = KINDS[folder.parent.name](f"sha256:{folder.name}")
        manifest = self.store.manifest(ref)
        for path in sorted(set(folder.iterdir()) - {folder / MANIFEST, *(folder / name for name in manifest.files)}):
            self._problem(path, f"{path}: a file that the manifest does not name", "delete it")
        _check_files(folder, manifest)
        if (manifest.kind, manifest.digest) != (ref.kind, ref.digest):
            raise ArtifactDamaged(f"{folder}: the manifest speaks of {manifest.kind} {manifest.digest}.")
        derived = codecs.derive_digest(ref.kind, folder)
        if derived != ref.digest:
            raise ArtifactDamaged(f"{folder}: its content is {derived}.")

    def _execution(self, path: Path) -> None:
        """The record against its checksum and its name, and each output against the manifest's hash in it."""
        self.known.add(path)
        execution = Execution.from_bytes(path.read_bytes(), f"sha256:{path.stem}")
        for name, output in execution.outputs.items():
            manifest = self.store.folder(output.ref) / MANIFEST
            if not manifest.is_file():
                raise ArtifactDamaged(
                    f"{path}: output `{name}` of `{execution.step}`, {_named(output.ref)}, is missing."
                )
            if digest_bytes(manifest.read_bytes()) != output.manifest:
                raise ArtifactDamaged(f"{path}: output `{name}` of `{execution.step}` has another manifest now.")

    def _studies(self, studies: Studies) -> None:
        self.known.update(studies.files())
        for path in studies.damaged():
            what = f"{path}: it was altered after it was written"
            self._problem(
                path, what, f"delete {path.parent}; the same `graft {studies.KIND}` finds its trials in the store"
            )

    def _strangers(self) -> Iterator[Path]:
        """Files that nothing covers. `runs` may hold run folders, `cache` anything."""
        for path in sorted(self.store.root.glob("**/*")):
            parts = path.relative_to(self.store.root).parts
            covered = parts[0] in NOT_COVERED or path.suffix == ".lock" and len(parts) == 1
            if path.is_file() and not covered and path not in self.known:
                yield path

    def _problem(self, path: Path, what: str, mend: str) -> None:
        self.findings.problems.append({"path": str(path), "what": what, "mend": mend})

    def _mend(self, path: Path) -> str:
        """The command of the newest run that had this artifact or execution in one of its steps."""
        name = f"sha256:{path.stem}"
        command = self.commands.get(name)
        if command:
            return f"{command} (makes it again)"
        return f"delete {path}: no recorded run speaks of it; a run that needs it makes it again"


def _check_files(folder: Path, manifest: Manifest) -> None:
    missing = sorted(name for name in manifest.files if not (folder / name).is_file())
    if missing:
        raise ArtifactDamaged(f"{folder}: missing files: {', '.join(missing)}.")
    for name, entry in manifest.files.items():
        path = folder / name
        if path.stat().st_size != entry.size or digest_file(path) != entry.sha256:
            raise ArtifactDamaged(f"{path} was altered: its bytes are not those that the manifest names.")


def _named(ref: Ref) -> str:
    return f"{ref.kind} {ref.digest[:19]}…"


def _commands(store: Store) -> dict[str, str]:
    """Key or digest → the command that makes it, from the run records, the newest last."""
    found: dict[str, str] = {}
    for record in Runs(store).all():
        for step in record.steps:
            for name in [step.get("key"), *step.get("outputs", {}).values()]:
                if name:
                    found[name] = record.command()
    return found


def verify(store: Store) -> Findings:
    """Check everything in `store`. Reads every byte, and loads every model with Keras."""
    return Verification(store).all()
