"""Studies: what was written down before the first run, and what has come of it since.

`studies/<id>/plan.json` is sealed and written once; its id is the digest of what it says, so that a changed study is
another study. `studies/<id>/outcome.json` is sealed too, and written anew at each look; it can be made again from the
plan and the runs. `page.html` and `page.md` lie beside them.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged, UsageError
from artifacts.sealed import seal, unseal, write_atomically
from artifacts.store import Store

PLAN, OUTCOME = "plan.json", "outcome.json"
PAGES = ("page.html", "page.md")
ID_LETTERS = 12


@dataclass(frozen=True)
class StudyRecord:
    """A study.

    Attributes:
        id: the beginning of the digest of `plan`.
        plan: what was written down: `study`, `recipe`, `title`, `resolved`, `comparisons`, `looks`, `threads`.
        outcome: as of the last look; empty before the first.
        started: seconds since 1970, when the plan was written.
    """

    id: str
    plan: Mapping[str, Any]
    outcome: Mapping[str, Any]
    started: float


class Studies:
    """The studies of a store."""

    ROOM, KIND = "studies", "study"

    def __init__(self, store: Store) -> None:
        self.store, self.root = store, store.root / self.ROOM

    def folder(self, study_id: str) -> Path:
        return self.root / study_id

    def begin(self, plan: Mapping[str, Any]) -> StudyRecord:
        """Write the plan down, unless it was before; then that study goes on."""
        study_id = digest_json(plan).removeprefix("sha256:")[:ID_LETTERS]
        with suppress(OSError, RecordDamaged):
            return self.get(study_id)
        write_atomically(self.folder(study_id) / PLAN, seal({"plan": dict(plan)}), self.store.scratch)
        return self.get(study_id)

    def save(self, study_id: str, outcome: Mapping[str, Any]) -> None:
        write_atomically(self.folder(study_id) / OUTCOME, seal(dict(outcome)), self.store.scratch)

    def get(self, study_id: str) -> StudyRecord:
        """The study of that id.

        Raises:
            OSError: there is none. RecordDamaged: its plan was altered.
        """
        path = self.folder(study_id) / PLAN
        plan = unseal(path.read_bytes(), f"plan of {self.KIND} {study_id}").get("plan")
        if not isinstance(plan, dict) or digest_json(plan).removeprefix("sha256:")[:ID_LETTERS] != study_id:
            raise RecordDamaged(f"plan of {self.KIND} {study_id}: it is the plan of another one.")
        return StudyRecord(study_id, plan, self._outcome(study_id), path.stat().st_mtime)

    def _outcome(self, study_id: str) -> dict[str, Any]:
        """Empty where there is none yet, or it was altered: it is made again from the runs."""
        with suppress(OSError, RecordDamaged):
            return unseal((self.folder(study_id) / OUTCOME).read_bytes(), f"outcome of {self.KIND} {study_id}")
        return {}

    def all(self) -> list[StudyRecord]:
        """Every sound study, the oldest first."""
        found = []
        for path in self.root.glob(f"*/{PLAN}"):
            with suppress(OSError, RecordDamaged):
                found.append(self.get(path.parent.name))
        return sorted(found, key=lambda study: (study.started, study.id))

    def files(self) -> list[Path]:
        """All that belongs to a study, whether sound or not."""
        return sorted(path for name in (PLAN, OUTCOME, *PAGES) for path in self.root.glob(f"*/{name}"))

    def damaged(self) -> list[Path]:
        """Plans and outcomes that were altered after they were written, or cannot be read."""
        found = []
        for path in sorted([*self.root.glob(f"*/{PLAN}"), *self.root.glob(f"*/{OUTCOME}")]):
            try:
                unseal(path.read_bytes(), path.name)
                if path.name == PLAN:
                    self.get(path.parent.name)
            except (OSError, RecordDamaged):
                found.append(path)
        return found

    def find(self, wanted: str) -> StudyRecord:
        """The study that a person means: `last`, or the beginning of an id.

        Raises:
            UsageError: no study, or several, are called so.
        """
        known = self.all()
        found = known[-1:] if wanted == "last" else [study for study in known if study.id.startswith(wanted)]
        if len(found) == 1:
            return found[0]
        newest = ", ".join(study.id for study in known[:-6:-1]) or f"none; begin with `graft {self.KIND} quickstart`"
        raise UsageError(
            f"Expected the id of a {self.KIND}, or `last`, found `{wanted}` ({len(found)} of them). "
            f"The newest: {newest}."
        )
