"""What a study costs before it runs: steps in all, distinct ones, those in the store, minutes from recorded times.

A step's key needs the digests of its inputs, which nobody knows before they are made. But two steps that are called
with equal values on equal steps have equal keys, so the *distinct* ones can be counted from the recipes alone.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from statistics import median
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged
from artifacts.executions import Execution
from artifacts.store import Store
from flows import arguments as recipe_arguments
from flows import dag, plan
from flows.recipe_files import LoadedRecipe
from tasks.pure.execution_path import FeatureCache
from tasks.pure.layer_choice import LayerChoices

UNCOUNTED = "report"  # never cached, and costs nothing
IN_NO_KEY = (FeatureCache, LayerChoices)  # as `tasks/identity.py` has it


@dataclass(frozen=True)
class Cost:
    """What runs would cost.

    Attributes:
        steps: of all runs together.
        distinct: steps that differ, each computed once.
        by_step: step → how many of those.
        stored: of those, how many are hits already.
        seconds: to compute the rest, from the times of like steps in the store; None where none ran yet.
    """

    steps: int
    distinct: int
    stored: int
    seconds: float | None
    by_step: Mapping[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.distinct - self.stored


class _Named(dict[str, str]):
    """The outputs of a step that was only named: each by the step's own name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __missing__(self, output: str) -> str:
        return f"{self.name}/{output}"


def names(loaded: LoadedRecipe, until: str | None = None) -> dict[str, str]:
    """Step → a digest that two steps share where they would have the same key; of those up to `until`."""
    found: dict[str, str] = {}

    def name(step: str, **arguments: Any) -> _Named:
        known = {key: _plain(value) for key, value in arguments.items() if not isinstance(value, IN_NO_KEY)}
        path = recipe_arguments.path(loaded.recipe, arguments["role"]) if "role" in arguments else None
        found[step] = digest_json({"step": step.partition(".")[0], "path": path, **known, "role": None})
        return _Named(found[step])

    dag.wire(name, loaded.recipe)
    after = dag.descendants(until, dag.edges(loaded.recipe)) if until else {UNCOUNTED}
    return {step: digest for step, digest in found.items() if step not in after}


def _plain(value: Any) -> Any:
    """As JSON; a dataclass with its own name, since two of them may hold the same."""
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, json.loads(json.dumps(asdict(value)))]
    return value


def cost(recipes: Iterable[tuple[LoadedRecipe, str | None]], store: Store) -> Cost:
    """What recipes cost, each up to a step or whole, run one after another in this store."""
    steps, wanted, hits = 0, dict[str, str](), set[str]()
    for loaded, until in recipes:
        named = names(loaded, until)
        steps += len(named)
        wanted |= {digest: step for step, digest in named.items()}
        hits |= {named[each.step] for each in plan.walk(loaded) if each.status == "hit" and each.step in named}
    missing = [step for digest, step in wanted.items() if digest not in hits]
    seconds = _seconds(missing, _times(store))
    return Cost(steps, len(wanted), len(hits), seconds, dict(Counter(wanted.values())))


def depth_first(recipes: Sequence[LoadedRecipe]) -> list[int]:
    """The places of `recipes` in the order of a walk, depth first, over the tree of the steps that they share: what
    differs late stands together, and what came first stays first."""
    paths = [list(names(loaded).values()) for loaded in recipes]
    first: dict[str, int] = {}
    for path in paths:
        for digest in path:
            first.setdefault(digest, len(first))
    return sorted(range(len(recipes)), key=lambda place: [first[digest] for digest in paths[place]])


def _seconds(steps: Sequence[str], times: Mapping[str, float]) -> float | None:
    known = [times[step.removeprefix("load_data.")] for step in steps if step.removeprefix("load_data.") in times]
    if not steps:
        return 0.0
    return sum(known) * len(steps) / len(known) if known else None


def _times(store: Store) -> dict[str, float]:
    """Step → the median of its recorded seconds."""
    seconds: dict[str, list[float]] = {}
    for path in store.executions.glob("*.json"):
        found = _sound(path.read_bytes(), f"sha256:{path.stem}")
        if found:
            seconds.setdefault(found.step.removeprefix("load_data."), []).append(found.seconds)
    return {step: median(each) for step, each in seconds.items()}


def _sound(content: bytes, key: str) -> Execution | None:
    try:
        return Execution.from_bytes(content, key)
    except RecordDamaged:
        return None
