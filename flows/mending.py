"""Whether the command that made a damaged artifact would make it again today, asked of the plan.

`artifacts/verify.py` finds the command in the run records, but cannot know whether code, versions, threads or data have
changed since: then that command computes under another key, and never touches what is damaged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.errors import GraftError, StoreError
from artifacts.executions import Execution
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import plan as planning
from flows import recipe_files
from flows.choice import Choice
from flows.dag import STEPS, ancestors, edges
from flows.decisions import differences
from flows.recipe import Recipe
from tasks.pure.errors import PureError

NOTHING_ASKED = Choice({}, frozenset(), frozenset(), "")


@dataclass(frozen=True)
class _Today:
    """Today's plan of a run's command; `why_not` where there is none."""

    recipe: Recipe | None
    steps: Mapping[str, planning.PlannedStep]
    why_not: str = ""


class Mending:
    """Judges problems of one store against today's plans; each command is planned once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.records = list(reversed(Runs(store).all()))
        self.plans: dict[str, _Today] = {}

    def advice(self, problem: Mapping[str, str]) -> dict[str, str]:
        """The problem, with another `mend` where no recorded run's command would mend it today."""
        path = Path(problem["path"])
        name = f"sha256:{path.stem}"
        made = list(self._makers(name)) if self._can_be_made(path) else []
        reasons = [self._obstacle(record, step) for record, step in made]
        if not made:
            return self._nobodys(problem, path, name)
        if "" in reasons:
            return {**problem, "mend": f"{made[reasons.index('')][0].command()} (makes it again)"}
        record, _ = made[0]
        files = " and ".join(str(each) for each in self._to_delete(path, name))
        why = f"`{record.command()}` would not make it again ({reasons[0]})"
        return {**problem, "mend": f"delete {files}: {why}; or let `graft gc` delete what no kept run refers to"}

    def _nobodys(self, problem: Mapping[str, str], path: Path, name: str) -> dict[str, str]:
        """What no step of a recorded run gave: strangers, and activations, which are kept beside the steps."""
        together = self._to_delete(path, name) if self._can_be_made(path) else []
        if len(together) < 2:
            return dict(problem)
        files = " and ".join(str(each) for each in together)
        return {**problem, "mend": f"delete {files}: a training that needs it makes it again"}

    def _can_be_made(self, path: Path) -> bool:
        return self.store.artifacts in path.parents or self.store.executions in path.parents

    def _makers(self, name: str) -> Iterator[tuple[RunRecord, str]]:
        """The runs, the newest first, and their steps that had this key or gave this digest."""
        for record in self.records:
            for entry in record.steps:
                if name in (entry.get("key"), *entry.get("outputs", {}).values()):
                    yield record, entry["step"]

    def _obstacle(self, record: RunRecord, step: str) -> str:
        """Why the run's command would not compute `step` under the key of then; "" where it would."""
        today, keys = self._plan(record), record.keys()
        if today.recipe is None:
            return today.why_not
        if today.steps[step].key == keys.get(step):
            return ""
        links = edges(today.recipe)
        concerned = [name for name in STEPS if name == step or name in ancestors(step, links)]
        changed = [name for name in concerned if today.steps[name].key not in (None, keys.get(name))]
        if not changed:  # only what is damaged before it hides its key
            return ""
        first = changed[0]
        seeds = record.resolved.get("seed"), today.recipe.seed
        return self._changes(today.steps[first], keys.get(first, ""), links[first], seeds)

    def _plan(self, record: RunRecord) -> _Today:
        command = record.command()
        if command not in self.plans:
            self.plans[command] = _planned(record)
        return self.plans[command]

    def _changes(
        self, planned: planning.PlannedStep, old_key: str, links: Mapping[str, str], seeds: tuple[Any, Any]
    ) -> str:
        """What differs between the step of then and that of today."""
        try:
            old = self.store.execution(old_key)
        except StoreError:
            old = None
        changes = differences(old.identity, planned.identity, links, seeds) if old and planned.identity else []
        return f"`{planned.step}`: {' · '.join(changes) or 'its key is another one today'}"

    def _to_delete(self, path: Path, name: str) -> list[Path]:
        """The damaged thing, and the executions that would speak of nothing without it."""
        if self.store.executions in path.parents:
            return [path]
        folder = self.store.artifacts / path.relative_to(self.store.artifacts).parts[0] / name.removeprefix("sha256:")
        return [folder, *(each for each in sorted(self.store.executions.glob("*.json")) if self._speaks(each, name))]

    def _speaks(self, path: Path, name: str) -> bool:
        try:
            execution = Execution.from_bytes(path.read_bytes(), f"sha256:{path.stem}")
        except (StoreError, OSError):
            return False
        return any(ref.digest == name for ref in execution.refs().values())


def _planned(record: RunRecord) -> _Today:
    try:
        loaded = recipe_files.load(record.recipe, dict(record.overrides))
        return _Today(loaded.recipe, {step.step: step for step in planning.walk(loaded, NOTHING_ASKED)})
    except (GraftError, PureError, OSError) as problem:
        return _Today(None, {}, f"it cannot be run: {' '.join(str(problem).split()).rstrip('.')}")


def advised(store: Store, problems: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """`graft verify`'s problems, each with a way to mend it that works today."""
    mending = Mending(store)
    return [mending.advice(problem) for problem in problems]
