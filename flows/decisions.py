"""Hit or run, and why: asked by `graft plan` before, and by a run at each step.

Neither Prefect nor Keras is imported.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import ArtifactMissing, RecordDamaged, StoreError
from artifacts.executions import Execution
from artifacts.refs import KINDS, Ref
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from tasks.cache_records import has_record
from tasks.identity import identity
from tasks.pure.bases.base import Base

OF_BASE = {field.name for field in fields(Base)}


@dataclass(frozen=True)
class Finding:
    """What the store knows of a step called with certain arguments.

    Attributes:
        key: the step's key.
        hit: whether Prefect's record, the execution and every output are in place and sound.
        reason: why not, or "cached".
        execution: the record under that key, even where its outputs are damaged; None where there is none to read.
        outputs: what the step gave under that key, by its execution or else by a run record; empty where neither knows.
        identity: what the key is the digest of.
    """

    key: str
    hit: bool
    reason: str
    execution: Execution | None
    outputs: Mapping[str, Ref]
    identity: Mapping[str, Any]


class Detective:
    """Looks steps up in a store, and explains a miss by the previous runs of the same recipe.

    A run that failed, or was asked for `--only` one step, has no key for the steps after it: each step is compared
    with the newest run that has one.

    Args:
        previous: the newest run of the recipe, or None.
        seed: the recipe's own, from which each step derives its seed: the one that people know.
    """

    def __init__(
        self, store: Store, previous: RunRecord | None, edges: Mapping[str, Mapping[str, str]], seed: int
    ) -> None:
        self.store, self.seed = store, seed
        self.edges = edges
        self.earlier = _up_to(previous, Runs(store).all()) if previous else []

    def look(self, step: str, arguments: Mapping[str, Any]) -> Finding:
        """Look `step` up under the key that `arguments` give it."""
        new = identity(step, arguments, self.store)
        key = digest_json(new)
        execution, trouble = self._execution(key)
        if execution is None:
            return Finding(key, False, trouble or self._explain(step, key, new), None, self._recorded(step, key), new)
        reason = self._doubt(key, execution)
        return Finding(key, not reason, reason or "cached", execution, execution.refs(), new)

    def _doubt(self, key: str, execution: Execution) -> str:
        """Why a step that ran under `key` is no hit all the same, or ""."""
        try:
            self.store.sound_execution(key)
        except StoreError as problem:
            return _damage(problem)
        return "" if has_record(self.store, execution) else "cache record missing or damaged"

    def _execution(self, key: str) -> tuple[Execution | None, str]:
        try:
            return self.store.execution(key), ""
        except RecordDamaged:
            return None, "execution record damaged"

    def _recorded(self, step: str, key: str) -> dict[str, Ref]:
        """What `step` gave under `key` as a run remembers it. Every output is named by its kind."""
        found = (run.outputs(step) for run in self.earlier if run.keys().get(step) == key)
        return {name: KINDS[name](digest) for name, digest in next(found, {}).items() if name in KINDS}

    def _explain(self, step: str, key: str, new: Mapping[str, Any]) -> str:
        """Why there is no execution of `key`: what changed since the recipe last came to this step."""
        if self._recorded(step, key):
            return "execution record deleted"
        last = next((run for run in self.earlier if run.keys().get(step)), None)
        if last is None:
            return "never ran"
        old, trouble = self._execution(last.keys()[step])
        if old is None:
            return f"its last {trouble}" if trouble else "the record of its last execution is gone"
        seeds = (last.resolved.get("seed"), self.seed)
        changes = list(differences(old.identity, new, self.edges[step], seeds))
        return " · ".join(changes) or "its identity changed"


def _up_to(previous: RunRecord, records: Sequence[RunRecord]) -> list[RunRecord]:
    """The runs of one recipe, the newest first."""
    return [run for run in reversed(records) if run.recipe == previous.recipe and run.number <= previous.number]


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
    own = section(str(new["step"]))
    before_that, now = _opened(old["parameters"]), _opened(new["parameters"])
    if own == "pretrain" and _base(before_that) != _base(now):
        yield f"base {_base(before_that)} → {_base(now)}"  # which explains every other parameter
        before_that = now
    for name, before, after in _changed(before_that, now):
        key = f"base.{name}" if "kind" in now and name in OF_BASE else f"{own}.{name}"
        yield f"parameter `{key}` {_shown(before)} → {_shown(after)}"
    if old["seed"] != new["seed"]:
        yield f"seed {_shown(seeds[0])} → {_shown(seeds[1])}"
    for name, _, _ in _changed(old["code"], new["code"]):
        yield f"code of `{name}` changed"
    if old["parameters"].get("dataset") == new["parameters"].get("dataset"):  # else the other data set says it all
        for name, _, _ in _changed(old["data"], new["data"]):
            yield "pictures came, went or changed" if name == "pictures" else f"file `{name}` changed"
    for name, _, _ in _changed(old["inputs"], new["inputs"]):
        yield f"input `{edges.get(name, name)}` changed"
    for name, before, after in _changed(old["versions"], new["versions"]):
        yield f"{name} {_shown(before)} → {_shown(after)}"
    for name, before, after in _changed(old.get("device") or {}, new.get("device") or {}):
        yield f"device {name} {_shown(before)} → {_shown(after)}"
    for name, before, after in _changed(old.get("path") or {}, new.get("path") or {}):
        yield f"execution path: {name} {_shown(before)} → {_shown(after)}"


def _base(parameters: Mapping[str, Any]) -> str:
    """Which network `pretrain` builds or takes in."""
    kind = parameters.get("kind")
    return " ".join(filter(None, [kind, parameters.get("name")])) if kind else "pretrained"


def section(step: str) -> str:
    """The recipe's section of a step: `load_data.source` reads `source`."""
    return step.removeprefix("load_data.")


def _opened(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings among the parameters (`augment`) opened, a dotted name each, as a recipe names its keys."""
    opened: dict[str, Any] = {}
    for name, value in parameters.items():
        inner = value if isinstance(value, Mapping) else None
        opened |= {name: value} if inner is None else {f"{name}.{key}": each for key, each in inner.items()}
    return opened


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
