"""What a run would do, and why: the DAG read with a store beside it, without running anything.

HIT is a promise, RUN an upper bound. Neither Prefect's engine nor TensorFlow is imported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifacts.errors import RecipeError, RunFirst
from artifacts.refs import Ref
from artifacts.runs import Runs, run_command
from artifacts.store import Store
from flows import arguments as recipe_arguments
from flows import base_weights, recipe_base, recipe_layers
from flows.choice import Choice, choose
from flows.dag import STEPS, edges, left_out, wire
from flows.decisions import Detective
from flows.recipe_files import LoadedRecipe
from tasks import finding
from tasks.choosing import TRAINS
from tasks.identity import NAMES_LAYERS
from tasks.pure import outline
from tasks.pure.errors import SurgeryError

NEW_INPUT = "its input is new"


@dataclass(frozen=True)
class PlannedStep:
    """One line of a plan: `status` is `hit`, `run`, `hit-if-same` or `skipped`."""

    step: str
    status: str
    reason: str
    key: str | None = None
    outputs: Mapping[str, Ref] | None = None
    identity: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Value:
    """An output as far as it is known, and the steps that must make the same bits again for it to hold."""

    ref: Ref | None
    step: str
    conditions: tuple[str, ...] = ()


class _Outputs(dict[str, _Value]):
    """Named outputs of a planned step; a name that is not known yet gives an unknown value."""

    def __init__(self, step: str, outputs: Mapping[str, Ref], conditions: tuple[str, ...]) -> None:
        super().__init__({name: _Value(ref, step, conditions) for name, ref in outputs.items()})
        self.step = step

    def __missing__(self, _name: str) -> _Value:
        return _Value(None, self.step)


class Planner:
    """The interpreter of the DAG that looks instead of running."""

    def __init__(self, loaded: LoadedRecipe, choice: Choice, detective: Detective) -> None:
        self.loaded, self.choice, self.detective = loaded, choice, detective
        self.steps = [PlannedStep(step, "skipped", why) for step, why in left_out(loaded.recipe).items()]

    def __call__(self, step: str, **arguments: Any) -> _Outputs:
        planned, conditions = self._plan(step, arguments)
        self.steps.append(planned)
        return _Outputs(step, planned.outputs or {}, conditions)

    def _plan(self, step: str, arguments: Mapping[str, Any]) -> tuple[PlannedStep, tuple[str, ...]]:
        if step in self.choice.skipped:
            return PlannedStep(step, "skipped", f"after {self.choice.asked}"), ()
        if step == "report":
            return PlannedStep(step, "run", "never cached: it is about this run"), ()
        values = [value for value in arguments.values() if isinstance(value, _Value)]
        unknown = [value.step for value in values if value.ref is None]
        if unknown:
            return PlannedStep(step, "run", f"{NEW_INPUT}: {_named(unknown)}"), ()
        known = {name: value.ref if isinstance(value, _Value) else value for name, value in arguments.items()}
        conditions = tuple(dict.fromkeys(name for value in values for name in value.conditions))
        return self._look(step, known, conditions)

    def _look(
        self, step: str, arguments: dict[str, Any], conditions: tuple[str, ...]
    ) -> tuple[PlannedStep, tuple[str, ...]]:
        if step.startswith("load_data."):
            path = recipe_arguments.path(self.loaded.recipe, arguments["role"])
            files = finding.files(arguments["selection"].dataset, path, self.detective.store, step, download=False)
            if files is None:
                return PlannedStep(step, "run", "its files are not here yet: they will be fetched"), ()
            arguments["files"] = files
        if step == "pretrain" and self.loaded.recipe.base is not None:
            arguments["weights"] = base_weights.found(self.loaded.recipe, self.detective.store, download=False)
            if arguments["weights"] is None:
                why = recipe_base.said(self.loaded.recipe, step, "its weights are not here yet: they will be fetched")
                return PlannedStep(step, "run", why), ()
        gone = [name for name, value in arguments.items() if isinstance(value, Ref) and self._is_gone(step, value)]
        if gone:
            return PlannedStep(step, "run", f"its input is gone: {_named(gone)}"), ()
        self._check_layers(step, arguments)
        seen = self.detective.look(step, arguments)
        found = seen.key, seen.outputs, seen.identity
        again = self.choice.again.get(step)
        why = recipe_base.said(self.loaded.recipe, step, again or seen.reason)
        if again or not seen.hit:
            # It was executed under this key before, so it is expected to make the same bits again.
            return PlannedStep(step, "run", why, *found), (*conditions, step)
        if conditions:
            same = f"HIT if {_named(conditions)} {'makes' if len(conditions) == 1 else 'make'} the same bits again"
            return PlannedStep(step, "hit-if-same", same, *found), conditions
        return PlannedStep(step, "hit", why, *found), ()

    def _check_layers(self, step: str, arguments: Mapping[str, Any]) -> None:
        """Raises RecipeError where the base is known and lacks layers that the recipe names: before anything runs."""
        if step != "clone_with_weights":
            return
        layers = outline.known(self.detective.store.facts(arguments["base"]))
        if not layers:  # an older graft's manifest: the step itself looks at the network
            return
        try:
            recipe_layers.layer_choices(self.loaded.recipe).check(layers)
        except SurgeryError as problem:
            raise RecipeError(f"Recipe `{self.loaded.title}`: {problem}") from None

    def _is_gone(self, step: str, ref: Ref) -> bool:
        """Whether nobody knows what `ref` was, so that the path of a training on it cannot be told (`choosing.py`)."""
        return step in TRAINS | NAMES_LAYERS and self.detective.store.facts(ref) is None


def walk(loaded: LoadedRecipe, choice: Choice | None = None) -> list[PlannedStep]:
    """What `graft run` with the same arguments would do, a line a step; without a choice, as the inputs say."""
    store = Store()
    recipe = loaded.recipe
    choice = choice or choose(edges(recipe), [], None, None)
    planner = Planner(loaded, choice, Detective(store, Runs(store).last(loaded.name), edges(recipe), recipe.seed))
    wire(planner, recipe)
    return planner.steps


def unplanned(reason: str) -> list[PlannedStep]:
    """Every step skipped, for one reason: what there is to say where no plan can be made."""
    return [PlannedStep(step, "skipped", reason) for step in STEPS]


def as_json(loaded: LoadedRecipe, steps: Sequence[PlannedStep], state: str = "planned") -> dict[str, Any]:
    """What `graft plan --json` prints: the same members as `graft run --json`."""
    return {
        "run": None,
        "recipe": loaded.name,
        "state": state,
        "steps": [_entry(step) for step in steps],
        "metrics": {},
        "report": None,
    }


def refused(loaded: LoadedRecipe, steps: Sequence[PlannedStep]) -> dict[str, Any]:
    """What `graft run --json` prints where it refuses to begin: every step skipped, with the plan's reason."""
    whole = as_json(loaded, steps, "refused")
    return {**whole, "steps": [{**entry, "status": "skipped"} for entry in whole["steps"]]}


def _entry(step: PlannedStep) -> dict[str, Any]:
    outputs = {name: ref.digest for name, ref in (step.outputs or {}).items()}
    artifact = next(iter(outputs.values()), None)
    line = {"step": step.step, "status": step.status, "reason": step.reason, "seconds": None}
    return {**line, "key": step.key, "artifact": artifact, "outputs": outputs}


def check_needed(loaded: LoadedRecipe, choice: Choice, steps: Sequence[PlannedStep]) -> None:
    """Raises RunFirst where a step that must be a hit is none."""
    lacking = [step for step in steps if step.step in choice.needed and step.status != "hit"]
    if lacking:
        # What only follows from another missing step is no news.
        first = [step for step in lacking if _is_cause(step)] or lacking
        why = "; ".join(f"`{step.step}` ({step.reason})" for step in first)
        raise RunFirst(
            f"{choice.asked} expects every step before it in the store, but it lacks {why}. "
            f"Run `{run_command(loaded.name, loaded.overrides)}` first."
        )


def _is_cause(step: PlannedStep) -> bool:
    return step.status == "run" and not step.reason.startswith(NEW_INPUT)


def _named(steps: Sequence[str]) -> str:
    return ", ".join(f"`{step}`" for step in dict.fromkeys(steps))
