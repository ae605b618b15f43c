"""Champions: named pointers to runs, each with its whole history, changed atomically.

`champions/<name>.json` is sealed. Nobody is forgotten: a rollback is one more entry, which names again who reigned
before, and a challenger that the gate refused stands there with the evidence.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artifacts.errors import ChampionChanged, RecordDamaged, UsageError
from artifacts.refs import CHAMPION
from artifacts.runs import RunRecord
from artifacts.sealed import seal, unseal, write_atomically
from artifacts.store import Store

DEFAULT = CHAMPION
NAME = r"[a-z0-9][a-z0-9_-]{0,63}"


@dataclass(frozen=True)
class Reign:
    """Who became champion, when, in whose place, and on what evidence.

    Attributes:
        run: id of the run.
        number: of that run, for people.
        model: digest of its model.
        since: UTC, ISO 8601.
        how: `promoted`, `gate` or `rollback`.
        replaced: id of the run that was champion before, or None.
        evidence: plain values: metrics, the gate's figures, a person's words.
    """

    run: str
    number: int
    model: str
    since: str
    how: str
    replaced: str | None
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A challenger that the gate refused.

    Attributes:
        run, number: as in `Reign`.
        when: UTC, ISO 8601.
        champion: id of the run that it was compared with, or None.
        outcome, message: what the gate said, in a word and in words.
        evidence: the gate's figures.
    """

    run: str
    number: int
    when: str
    champion: str | None
    outcome: str
    message: str
    evidence: Mapping[str, Any]


class Champions:
    """The champions of a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.root / "champions"

    def names(self) -> list[str]:
        """The names under which there are records; a file of another name is nobody's, and `graft verify` says so."""
        return sorted(path.stem for path in self.folder.glob("*.json") if re.fullmatch(NAME, path.stem))

    def path(self, name: str) -> Path:
        """Raises UsageError where `name` cannot be a file's name everywhere."""
        if not re.fullmatch(NAME, name):
            raise UsageError(f"Expected a name of lower-case letters, digits, - and _, found `{name}`.")
        return self.folder / f"{name}.json"

    def check_name(self, name: str) -> None:
        """Raises UsageError where no champion can have that name, or `--model NAME` would mean a run."""
        self.path(name)
        if name == "last" or name.isdigit():
            raise UsageError(
                f"Expected a name of a champion, found `{name}`, which is the name of a run. Take another."
            )

    def history(self, name: str = DEFAULT) -> list[Reign]:
        """All reigns, the present one last; empty where there never was a champion.

        Raises:
            RecordDamaged: the record was altered.
        """
        return [Reign(**entry) for entry in self._read(name)["history"]]

    def refusals(self, name: str = DEFAULT) -> list[Refusal]:
        """The challengers that the gate refused, the last one last.

        Raises:
            RecordDamaged: the record was altered.
        """
        return [Refusal(**entry) for entry in self._read(name)["refused"]]

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = self.path(name).read_bytes()
        except FileNotFoundError:
            return {"name": name, "history": [], "refused": []}
        return unseal(content, f"champion {name}")

    def current(self, name: str = DEFAULT) -> Reign | None:
        """Who reigns now, or None."""
        history = self.history(name)
        return history[-1] if history else None

    def crown(
        self,
        name: str,
        run: RunRecord,
        model: str,
        how: str,
        evidence: Mapping[str, Any],
        expected: Reign | None,
    ) -> Reign:
        """Make `run` with its `model` (digest) the champion in the place of `expected`, whom it was compared with.

        Raises:
            UsageError: no champion can have that name.
            ChampionChanged: somebody else became champion meanwhile.
            RecordDamaged: the record was altered.
        """
        self.check_name(name)
        with self.store.lock("champions"):
            now = self.current(name)
            if now != expected:
                raise ChampionChanged(
                    f"Expected {_who(expected)} to be `{name}`, but {_who(now)} was made so meanwhile. Nothing was "
                    f"changed. Look at `graft champion {name}`, and try again."
                )
            since = datetime.now(UTC).isoformat(timespec="seconds")
            reign = Reign(run.id, run.number, model, since, how, now.run if now else None, dict(evidence))
            self._append(name, "history", reign)
        return reign

    def refuse(
        self,
        name: str,
        run: RunRecord,
        outcome: str,
        message: str,
        evidence: Mapping[str, Any],
        against: Reign | None,
    ) -> Refusal:
        """Keep the evidence on which the gate refused `run`; the champion stays.

        Args:
            against: whom `run` was compared with. Where somebody else became champion meanwhile, the message says so.

        Raises:
            RecordDamaged: the record was altered.
        """
        with self.store.lock("champions"):
            now = self.current(name)
            if now != against:
                message += f" That was against {_who(against)}; meanwhile {_who(now)} was made `{name}`."
            when = datetime.now(UTC).isoformat(timespec="seconds")
            champion = against.run if against else None
            refusal = Refusal(run.id, run.number, when, champion, outcome, message, dict(evidence))
            self._append(name, "refused", refusal)
        return refusal

    def _append(self, name: str, part: str, entry: Reign | Refusal) -> None:
        body = self._read(name)
        body[part] = [*body[part], asdict(entry)]
        write_atomically(self.path(name), seal(body), self.store.scratch)

    def previous(self, name: str = DEFAULT) -> Reign | None:
        """Who reigned before the present champion came, rollbacks seen through: the one to roll back to."""
        line: list[Reign] = []
        for reign in self.history(name):
            if reign.how == "rollback" and len(line) > 1:
                line.pop()
            else:
                line.append(reign)
        return line[-2] if len(line) > 1 else None

    def needed(self) -> dict[str, list[Reign]]:
        """Name → who is champion now, and whom a rollback would bring back.

        Raises:
            RecordDamaged: a record was altered.
        """
        found = {}
        for name in self.names():
            found[name] = [reign for reign in (self.current(name), self.previous(name)) if reign]
        return found

    def set_aside(self, name: str) -> Path:
        """Move a damaged record out of the way; nothing is deleted."""
        aside = self.store.runs / "damaged" / f"champion-{name}-{uuid.uuid4().hex[:8]}.json"
        aside.parent.mkdir(parents=True, exist_ok=True)
        self.path(name).replace(aside)
        return aside

    def damaged(self) -> list[str]:
        """Names whose record was altered."""
        found = []
        for name in self.names():
            try:
                self.history(name)
            except (RecordDamaged, UsageError, TypeError):
                found.append(name)
        return found


def _who(reign: Reign | None) -> str:
    return f"run {reign.number}" if reign else "nobody"
