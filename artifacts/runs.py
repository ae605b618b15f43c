"""Run records: what a run of a recipe did, step by step.

`runs/<run id>/record.json` is sealed, written when the run starts, kept up to date and closed at its end. Unlike
everything else in the store it cannot be made again, so a damaged one is set aside (`runs/damaged/`), never deleted,
and harms no other.
"""

import json
import os
import shlex
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artifacts.alive import alive, is_alive
from artifacts.errors import RecordDamaged, UsageError
from artifacts.remembered import Readings
from artifacts.sealed import seal, unseal, write_atomically
from artifacts.store import Store

RECORD = "record.json"
KEEP = "keep"
RUNNING = "running"
INTERRUPTED = "interrupted"
DAMAGED = "damaged"


@dataclass(frozen=True)
class RunRecord:
    """One run.

    Attributes:
        id: that of Prefect's flow run.
        number: 1, 2, 3, … in the order in which runs of this store began.
        recipe: name of the recipe (a shipped name, or a file's path); overrides make no other recipe.
        title: name for people.
        overrides: dotted key → value.
        resolved: the recipe with every default filled in.
        state: `running`, `completed`, `failed` or `cancelled`; `interrupted` where the process is gone without a word.
        started: UTC, ISO 8601.
        steps: in order: step, status, reason, seconds, key, artifact, outputs.
        metrics: the evaluation's figures that a list of runs shows; empty before `evaluate`.
        verdict: what was learnt, in sentences; empty before `report`.
        report: path of the page, or None.
        message: what went wrong, or None.
        name: that of Prefect's flow run.
        rerun_from: id of the run whose steps a person asked to run again (`--force`, `--from`, `--only`), or None.
        deployment: `flow/deployment` that the run came from, or "" for one that a person or a script started.
        attempt: 1, or more where Prefect was told to try the same run again.
        gate: what the gate decided of a retraining: `promoted`, `outcome`, `message`, `evidence`, `study`; empty
            elsewhere.
        study: id of the study or sweep that the run is a trial of, or "".
    """

    id: str
    number: int
    recipe: str
    title: str
    overrides: Mapping[str, Any]
    resolved: Mapping[str, Any]
    state: str = RUNNING
    started: str = ""
    seconds: float | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    verdict: list[str] = field(default_factory=list)
    report: str | None = None
    message: str | None = None
    process: int = 0
    name: str = ""
    rerun_from: str | None = None
    deployment: str = ""
    attempt: int = 1
    gate: Mapping[str, Any] = field(default_factory=dict)
    study: str = ""

    def command(self, **settings: Any) -> str:
        """The `graft run` that repeats this run, with other settings laid over its own; ready for a shell."""
        return run_command(self.recipe, {**self.overrides, **settings})

    def keys(self) -> dict[str, str]:
        """step → key, for the steps that have one."""
        return {step["step"]: step["key"] for step in self.steps if step.get("key")}

    def outputs(self, step: str) -> dict[str, str]:
        """name → digest of what `step` gave."""
        found = [entry["outputs"] for entry in self.steps if entry["step"] == step]
        return dict(found[0]) if found else {}


def run_command(recipe: str, overrides: Mapping[str, Any]) -> str:
    """`graft run` with these overrides, quoted for a shell; values are JSON, which is YAML too."""
    return shlex.join(["graft", "run", recipe, *set_options(overrides)])


def set_options(overrides: Mapping[str, Any]) -> list[str]:
    """`--set KEY=VALUE` for each, as the words of a command."""
    settings = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in overrides.items())
    return [word for setting in settings for word in ("--set", setting)]


# A run looks at all of them half a dozen times; a thousand take a third of a second to check.
_records: Readings[RunRecord] = Readings()


class Runs:
    """The run records of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.aside = store.runs / DAMAGED  # of damaged records

    def open(
        self, run_id: str, recipe: str, title: str, overrides: Mapping[str, Any], resolved: Any, **more: Any
    ) -> RunRecord:
        """Begin a record under the next number; damaged ones are set aside, and interrupted ones closed, first.

        A run that Prefect tries again keeps its number: the new attempt takes the place of the old one.

        Args:
            more: further attributes of the record, such as `name`.
        """
        with self.store.lock("runs"):
            self.set_damaged_aside()
            self.store.sweep()
            known = self.all()
            for record in known:
                if record.state == INTERRUPTED:
                    self.save(record)
            before = next((record for record in known if record.id == run_id), None)
            number = before.number if before else 1 + max((record.number for record in known), default=0)
            started = datetime.now(UTC).isoformat(timespec="seconds")
            attempt = before.attempt + 1 if before else 1
            shown = {"started": started, "process": os.getpid(), "attempt": attempt, **more}
            record = RunRecord(run_id, number, recipe, title, dict(overrides), resolved, **shown)
            self.save(record)
        return record

    def alive(self, run_id: str) -> AbstractContextManager[None]:
        """To be held by the process of a run from before its record is opened until after it is closed."""
        return alive(self.path(run_id).parent)

    def save(self, record: RunRecord) -> None:
        """Write the record whole."""
        write_atomically(self.path(record.id), seal(asdict(record)), self.store.scratch)

    def update(self, record: RunRecord, **changes: Any) -> RunRecord:
        """Save a changed copy and return it."""
        changed = replace(record, **changes)
        self.save(changed)
        return changed

    def path(self, run_id: str) -> Path:
        return self.store.runs / run_id / RECORD

    def all(self) -> list[RunRecord]:
        """Every sound record, oldest first."""
        return sorted((record for _, record in self._read() if record is not None), key=lambda record: record.number)

    def get(self, run_id: str) -> RunRecord:
        """The record of a run.

        Raises:
            RecordDamaged: it was altered. OSError: it is not there.
        """
        return self._load(self.path(run_id))

    def find(self, wanted: str) -> RunRecord:
        """The run that a person means: `last`, an id, its number, a beginning of one id, or a name.

        Raises:
            UsageError: no run, or several, are called so.
        """
        known = self.all()
        if wanted == "last" and known:
            return known[-1]
        ways = (
            [record for record in known if record.id == wanted or str(record.number) == wanted],
            [record for record in known if wanted and record.id.startswith(wanted)],
            [record for record in known if record.name == wanted],
        )
        found: list[RunRecord] = next((matches for matches in ways if matches), [])
        if len(found) == 1:
            return found[0]
        raise UsageError(_not_one(wanted, found, known))

    def last(self, recipe: str) -> RunRecord | None:
        """The record of `recipe` with the highest number."""
        return next((record for record in reversed(self.all()) if record.recipe == recipe), None)

    def damaged(self) -> list[Path]:
        """Records that are not what was written."""
        return [path for path, record in self._read() if record is None]

    def marked(self) -> set[str]:
        """Ids of the runs that somebody marked, whether their records can be read or not."""
        return {path.parent.name for path in self.store.runs.glob(f"*/{KEEP}")}

    def mark(self, run_id: str, kept: bool) -> None:
        """Mark the run, or take the mark away. A file of its own: the record may be in another process's hands."""
        mark = self.path(run_id).parent / KEEP
        mark.touch() if kept else mark.unlink(missing_ok=True)

    def set_damaged_aside(self) -> list[Path]:
        """Move damaged records to `runs/damaged/`, out of the way of every later run."""
        moved = []
        for path in self.damaged():
            aside = self.aside / f"{path.parent.name}-{uuid.uuid4().hex[:8]}.json"
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, aside)
            moved.append(aside)
        return moved

    def _load(self, path: Path) -> RunRecord:
        def unsealed(content: bytes) -> RunRecord:
            return RunRecord(**unseal(content, f"run record {path.parent.name}"))

        record = _records.read(path, unsealed)
        if record.state == RUNNING and not is_alive(path.parent):
            # It may have been closed between the two looks.
            record = unsealed(path.read_bytes())
            return replace(record, state=INTERRUPTED) if record.state == RUNNING else record
        return record

    def _read(self) -> Iterator[tuple[Path, RunRecord | None]]:
        for path in sorted(self.store.runs.glob(f"*/{RECORD}")):
            try:
                yield path, self._load(path)
            except FileNotFoundError:
                continue  # set aside by another process just now
            except (RecordDamaged, TypeError, OSError):
                yield path, None


def _not_one(wanted: str, found: Sequence[RunRecord], known: Sequence[RunRecord]) -> str:
    """Why `wanted` names no run, or several, and how to name one."""
    if not known:
        return f"No run `{wanted}`: the store holds no runs. Begin with `graft run quickstart`."
    newest = ", ".join(f"{record.number} ({record.id[:8]}, {record.name or record.title})" for record in known[:-6:-1])
    if found:
        numbers = ", ".join(f"{record.number} ({record.id[:8]})" for record in found[:-11:-1])
        return f"`{wanted}` is the name of {len(found)} runs: {numbers}. Give a number, or the beginning of one id."
    return f"No run `{wanted}`. Give `last`, a number, the beginning of an id, or a name. The newest: {newest}."
