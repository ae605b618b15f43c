"""From an artifact, through executions, back to everything that it was made from: data files, code, versions.

Nothing about who made an artifact stands in the artifact; the executions tell. Where several executions made the same
bits (a forced step, a step that passes its input on), all are named.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from artifacts.errors import RecordDamaged
from artifacts.executions import Execution
from artifacts.refs import Ref, ref_from_json
from artifacts.store import Store


@dataclass
class Lineage:
    """Where artifacts come from.

    Attributes:
        roots: the artifacts that were asked about.
        makers: artifact → the executions that made it, in the order of their steps' names; none where nobody knows.
        damaged: keys of execution records that could not be read.
    """

    roots: tuple[Ref, ...]
    makers: dict[Ref, list[Execution]] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    def executions(self) -> list[Execution]:
        """Every execution on the way, each once, those nearest to the roots first."""
        return list({execution.key: execution for made in self.makers.values() for execution in made}.values())

    def files(self) -> dict[str, str]:
        """Role or name of a data file → its SHA-256; where two steps read different files of one name, both."""
        return _merged(execution.identity["data"] for execution in self.executions())

    def code(self) -> dict[str, str]:
        """Source file → hash of its meaning (see `tasks/fingerprint.py`)."""
        return _merged(execution.identity["code"] for execution in self.executions())

    def versions(self) -> dict[str, str]:
        """Package → version."""
        return _merged(execution.identity["versions"] for execution in self.executions())


def inputs(execution: Execution) -> dict[str, Ref]:
    """Argument → the artifact that the step was given."""
    return {name: ref_from_json(value) for name, value in execution.identity["inputs"].items()}


def lineage(store: Store, roots: Iterable[Ref]) -> Lineage:
    """Walk from `roots` back through all executions in the store."""
    found = Lineage(tuple(roots))
    records = _Records(store, found.damaged)
    waiting = list(found.roots)
    while waiting:
        ref = waiting.pop(0)
        if ref not in found.makers:
            found.makers[ref] = sorted(records.making(ref), key=lambda each: (each.step, each.key))
            waiting.extend(source for execution in found.makers[ref] for source in inputs(execution).values())
    return found


class _Records:
    """The execution records of a store, read once; of ten thousand, only those that matter are parsed."""

    def __init__(self, store: Store, damaged: list[str]) -> None:
        self.damaged = damaged
        self.parsed: dict[str, Execution | None] = {}
        self.contents: dict[str, bytes] = {}
        for path in store.executions.glob("*.json"):
            with suppress(FileNotFoundError):  # collected just now
                self.contents[f"sha256:{path.stem}"] = path.read_bytes()

    def making(self, ref: Ref) -> Iterator[Execution]:
        """The executions with `ref` among their outputs."""
        digest = ref.digest.encode()
        for key, content in self.contents.items():
            # Outputs come last in a record, behind inputs that may be the same. One without them is damaged.
            if content.find(digest, max(content.rfind(b'"outputs"'), 0)) >= 0 or b'"outputs"' not in content:
                execution = self._parse(key, content)
                if execution and ref in execution.refs().values():
                    yield execution

    def _parse(self, key: str, content: bytes) -> Execution | None:
        if key not in self.parsed:
            try:
                self.parsed[key] = Execution.from_bytes(content, key)
            except RecordDamaged:
                self.parsed[key] = None
                self.damaged.append(key)
        return self.parsed[key]


def _merged(mappings: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """One mapping; a name with several values gets them all, numbered after the first."""
    values: dict[str, list[str]] = {}
    for mapping in mappings:
        for name, value in mapping.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
    return {
        name if number == 1 else f"{name} ({number})": value
        for name in sorted(values)
        for number, value in enumerate(values[name], 1)
    }
