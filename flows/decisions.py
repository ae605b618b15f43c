"""Hit or run, and why: asked by `graft plan` before, and by a run at each step.

Neither Prefect nor Keras is imported.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import ArtifactMissing, RecordDamaged, StoreError
from artifacts.executions import Execution
from artifacts.runs import RunRecord
from artifacts.store import Store
from tasks.cache_records import has_record
from tasks.identity import identity


@dataclass(frozen=True)
class Finding:
    """What the store knows of a step called with certain arguments.

    Attributes:
        key: the step's key.
        hit: whether Prefect's record, the execution and every output are in place and sound.
        reason: why not, or "cached".
        execution: the record under that key, even where its outputs are damaged; None where there is none to read.
    """

    key: str
    hit: bool
    reason: str
    execution: Execution | None


class Detective:
    """Looks steps up in a store, and explains a miss by the previous run of the same recipe.

    Args:
        seed: the recipe's own, from which each step derives its seed: the one that people know.
    """

    def __init__(
        self, store: Store, previous: RunRecord | None, edges: Mapping[str, Mapping[str, str]], seed: int
    ) -> None:
        self.store, self.seed = store, seed
        self.previous = previous
        self.edges = edges

    def look(self, step: str, arguments: Mapping[str, Any]) -> Finding:
        """Look `step` up under the key that `arguments` give it."""
        new = identity(step, arguments, self.store)
        key = digest_json(new)
        execution, trouble = self._execution(key)
        if execution is None:
            return Finding(key, False, trouble or self._explain(step, key, new), None)
        try:
            self.store.sound_execution(key)
        except StoreError as problem:
            return Finding(key, False, _damage(problem), execution)
        if not has_record(self.store, execution):
            return Finding(key, False, "cache record missing or damaged", execution)
        return Finding(key, True, "cached", execution)

    def _execution(self, key: str) -> tuple[Execution | None, str]:
        try:
            return self.store.execution(key), ""
        except RecordDamaged:
            return None, "execution record damaged"

    def _explain(self, step: str, key: str, new: Mapping[str, Any]) -> str:
        """Why there is no execution of `key`: what changed since the recipe's last run."""
        old_key = self.previous.keys().get(step) if self.previous else None
        if old_key is None:
            return "never ran"
        if old_key == key:
            return "execution record deleted"
        old, trouble = self._execution(old_key)
        if old is None:
            return f"its last {trouble}" if trouble else "the record of its last execution is gone"
        seeds = (self.previous.resolved.get("seed"), self.seed) if self.previous else (None, self.seed)
        changes = list(differences(old.identity, new, self.edges[step], seeds))
        return " · ".join(changes) or "its identity changed"


def _damage(problem: StoreError) -> str:
    if isinstance(problem, ArtifactMissing):
        return "artifact missing"
    return "artifact damaged"


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], edges: Mapping[str, str], seeds: tuple[Any, Any]
) -> Iterator[str]:
    """In words, what differs between two identities of one step.

    Args:
        edges: argument → the step it comes from, so that a changed input is named as people know it.
        seeds: the recipe's seed then and now; each step's own is derived from it.
    """
    section = _section(str(new["step"]))
    for name, before, after in _changed(old["parameters"], new["parameters"]):
        yield f"parameter `{section}.{name}` {_shown(before)} → {_shown(after)}"
    if old["seed"] != new["seed"]:
        yield f"seed {_shown(seeds[0])} → {_shown(seeds[1])}"
    for name, _, _ in _changed(old["code"], new["code"]):
        yield f"code of `{name}` changed"
    if old["parameters"].get("dataset") == new["parameters"].get("dataset"):  # else the other data set says it all
        for name, _, _ in _changed(old["data"], new["data"]):
            yield f"file `{name}` changed"
    for name, _, _ in _changed(old["inputs"], new["inputs"]):
        yield f"input `{edges.get(name, name)}` changed"
    for name, before, after in _changed(old["versions"], new["versions"]):
        yield f"{name} {_shown(before)} → {_shown(after)}"
    for name, before, after in _changed(old.get("device") or {}, new.get("device") or {}):
        yield f"device {name} {_shown(before)} → {_shown(after)}"


def _section(step: str) -> str:
    """The recipe's section of a step: `load_data.source` reads `source`."""
    return step.removeprefix("load_data.")


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
