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
from artifacts.runs import Runs
from artifacts.store import Store
from flows import arguments as recipe_arguments
from flows import dag, plan
from flows.recipe_files import LoadedRecipe
from tasks.pure.execution_path import FeatureCache
from tasks.pure.layer_choice import LayerChoices

UNCOUNTED = "report"  # never cached, and costs nothing
IN_NO_KEY = (FeatureCache, LayerChoices)  # as `tasks/identity.py` has it

UNTIMED = "how many minutes, nobody knows before one such run has been timed"


@dataclass(frozen=True)
class Cost:
    """What runs would cost.

    Attributes:
        steps: of all runs together.
        distinct: steps that differ, each computed once.
        by_step: step → how many of those.
        stored: of those, how many are hits already.
        seconds: to compute the rest, from the times of like steps in runs of the same recipe; None where a step of the
            rest never ran.
    """

    steps: int
    distinct: int
    stored: int
    seconds: float | None
    by_step: Mapping[str, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return self.distinct - self.stored

    @property
    def words(self) -> str:
        """ "12 distinct steps of 40, 3 in the store, about 5 minutes": one after another; no minutes where they are not
        known."""
        steps = f"{self.distinct} distinct steps of {self.steps}"
        if self.missing == 0:
            return f"{steps}, all in the store"
        minutes = max(1, round((self.seconds or 0) / 60))
        about = "" if self.seconds is None else f", about {minutes} minute{'' if minutes == 1 else 's'}"
        return f"{steps}, {self.stored} in the store{about}"

    @property
    def untimed(self) -> str:
        """What is said once where the minutes are not known; else nothing."""
        return f"; {UNTIMED}" if self.seconds is None else ""


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
    """What a recipe costs in several settings, each up to a step or whole, run one after another in this store."""
    steps, wanted, hits, recipe = 0, dict[str, str](), set[str](), ""
    for loaded, until in recipes:
        recipe = loaded.name
        named = names(loaded, until)
        steps += len(named)
        wanted |= {digest: step for step, digest in named.items()}
        hits |= {named[each.step] for each in plan.walk(loaded) if each.status == "hit" and each.step in named}
    missing = [step for digest, step in wanted.items() if digest not in hits]
    seconds = _seconds(missing, _times(store, recipe))
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
    """None where one of them was never timed: without the trainings, minutes become seconds."""
    kinds = [step.removeprefix("load_data.") for step in steps]
    return sum(times[kind] for kind in kinds) if times.keys() >= set(kinds) else None


def _times(store: Store, recipe: str) -> dict[str, float]:
    """Step → the median of what it took in the runs of a recipe: what other data and networks took tells nothing."""
    seconds: dict[str, list[float]] = {}
    for run in Runs(store).all():
        for entry in run.steps if run.recipe == recipe else []:
            if entry["status"] == "ran":
                seconds.setdefault(entry["step"].removeprefix("load_data."), []).append(entry["seconds"])
    return {step: median(each) for step, each in seconds.items()}
