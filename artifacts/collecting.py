"""What no kept run refers to any more, and taking it away: `graft store`, `graft gc`.

Kept are the artifacts and executions of the newest runs of each recipe, of champions, of running flows and of runs that
somebody marked: whatever their records name, whatever their executions name by now, and the champions' networks. Where
a record that counts cannot be read, nothing goes: what it refers to is not known (`kept.py`). Beside a running flow
nothing goes that was made or used since the oldest running flow began: a hit touches what it uses (`Store.use`), under
the same lock under which things are taken away.
"""

import os
import shutil
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from artifacts.kept import Kept, find_kept
from artifacts.refs import KINDS
from artifacts.runs import RUNNING, RunRecord
from artifacts.store import Store

DAY = 24 * 3600.0


@dataclass
class Holdings:
    """Files of one sort: how many things, and how many bytes they take, what is shared counted once."""

    count: int = 0
    bytes: int = 0


@dataclass
class Garbage:
    """What `collect` took, or would take.

    Attributes:
        artifacts, executions: folders and files.
        bytes: what becomes free; a file that a kept artifact shares frees nothing.
        kept_runs: numbers of the runs whose artifacts stay.
    """

    artifacts: list[Path] = field(default_factory=list)
    executions: list[Path] = field(default_factory=list)
    bytes: int = 0
    kept_runs: list[int] = field(default_factory=list)


def holdings(store: Store) -> dict[str, Holdings]:
    """Kind of artifact, `executions`, `runs` or `cache` → count and size."""
    seen: set[tuple[int, int]] = set()
    found: dict[str, Holdings] = {}
    for kind in KINDS:
        folders = list((store.artifacts / kind).glob("*"))
        found[kind] = Holdings(len(folders), sum(_size(folder, seen) for folder in folders))
    for name, folder in (("executions", store.executions), ("runs", store.runs), ("cache", store.cache)):
        entries = list(folder.glob("*")) if name != "cache" else []
        found[name] = Holdings(len(entries), _size(folder, seen))
    return found


def _size(path: Path, seen: set[tuple[int, int]]) -> int:
    """Bytes of all files below `path` that were not seen before."""
    total = 0
    for file in [path, *path.rglob("*")]:
        with suppress(OSError):
            status = file.stat()
            if file.is_file() and (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                total += status.st_size
    return total


def collect(store: Store, keep: int, older_than: float | None = None, dry_run: bool = False) -> Garbage:
    """Take away what no kept run refers to.

    Args:
        keep: how many of the newest runs of each recipe to keep.
        older_than: seconds; what was made or used less than this ago stays as well.
        dry_run: only look.

    Raises:
        RecordDamaged: a record that says what to keep cannot be read. Nothing was taken away.
    """
    with store.lock("artifacts"):
        kept = find_kept(store, keep)
        garbage = _garbage(store, kept, _cutoff(kept.runs, older_than))
        garbage.kept_runs = [record.number for record in kept.runs]
        if not dry_run:
            _remove(store, garbage)
    return garbage


def _cutoff(records: Iterable[RunRecord], older_than: float | None) -> float:
    """Seconds since the epoch; what was touched at or after that stays."""
    starts = [datetime.fromisoformat(record.started).timestamp() for record in records if record.state == RUNNING]
    # Records tell the second in which a run began, not when within it.
    return min([time.time() - (older_than or 0.0), *(start - 1 for start in starts)])


def _garbage(store: Store, kept: Kept, before: float) -> Garbage:
    names = {digest.removeprefix("sha256:") for digest in kept.digests}
    files = {store.execution_path(key) for key in kept.keys}
    found = Garbage(
        [path for path in sorted(store.artifacts.glob("*/*")) if path.name not in names and _unused(path, before)],
        [path for path in sorted(store.executions.glob("*")) if path not in files and _unused(path, before)],
    )
    staying: set[tuple[int, int]] = set()
    for path in store.artifacts.glob("*/*"):
        if path not in found.artifacts:
            _size(path, staying)
    found.bytes = sum(_size(path, staying) for path in [*found.artifacts, *found.executions])
    return found


def _unused(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False


def _remove(store: Store, garbage: Garbage) -> None:
    """Executions first, so that nobody who looks finds one without its artifacts; each thing goes whole."""
    store.scratch.mkdir(parents=True, exist_ok=True)
    for path in garbage.executions:
        (store.prefect / path.stem).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    for path in garbage.artifacts:
        store.facts_path(path).unlink(missing_ok=True)
        aside = store.scratch / f"collected-{uuid.uuid4().hex}"
        with suppress(FileNotFoundError):
            os.replace(path, aside)
            shutil.rmtree(aside) if aside.is_dir() else aside.unlink()
