"""Each step as a small flow of its own, so that it can be deployed and rerun alone: `step/fine-tune`, ….

One flow serves all steps; its deployments are generated (`operating/deploying.py`), each with the step fixed and a form
for that step's section of the recipe. What the step needs is taken from an earlier run, its *origin*, as it lies in
the store, whatever the code would make of it today; the lineage tells which code made it.
"""

from collections.abc import Mapping
from typing import Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from artifacts.errors import GraftError, RecordDamaged, RunFirst, StoreError, UsageError
from artifacts.past import PastRun
from artifacts.runs import Runs
from artifacts.store import Store
from flows import dag, hooks, recipe_files, recorded, summary
from flows.choice import Choice, check_there
from flows.dag import StepName
from flows.decisions import section
from flows.parameters import RecipeChoice
from flows.recipe import Recipe

LAST = "last"


def dashed(step: str) -> str:
    """The name of a step's deployment: `load-data-source`."""
    return step.replace("_", "-").replace(".", "-")


def _run_name() -> str:
    given = flow_run.parameters
    try:
        origin = find_origin(Store(), given["recipe"], given["origin"], str(flow_run.id)).record
    except GraftError:
        return str(given["step"])  # what is wrong, the run itself will say
    return f"{given['step']} again · run {origin.number} · {origin.title}"


@flow(name="step", flow_run_name=_run_name, persist_result=False, **hooks.ALL)
def step(
    step: StepName,
    recipe: RecipeChoice = "quickstart",
    origin: str = LAST,
    overrides: dict[str, Any] = {},  # noqa: B006 - never changed; Prefect's form shows the default
    downstream: bool = True,
) -> dict[str, Any]:
    """Compute one step again, on what an earlier run left.

    Args:
        step: the step.
        recipe: whose last completed run is the origin, where `origin` is `last`.
        origin: the run whose artifacts are reused: its number, the beginning of its id, its name, or `last`.
        overrides: keys of this step's section of the recipe, such as `{"learning_rate": 1e-5}`.
        downstream: go on with what follows, as its inputs say: what gets the same inputs again costs nothing.

    Returns:
        What `graft run --json` prints.

    Raises:
        RecipeError, UsageError: before anything runs.
        RunFirst: the origin lacks what this step needs.
    """
    return recorded.run(wish(step, recipe, origin, overrides, downstream))  # type: ignore[return-value]


def wish(step: str, recipe: str, origin: str, overrides: Mapping[str, Any], downstream: bool) -> recorded.Wish:
    """What is to run, every artifact that is needed checked beforehand."""
    run = find_origin(Store(), recipe, origin, str(flow_run.id))
    get_run_logger().info("origin: run %d (%s), %s", run.record.number, run.record.id, run.record.name)
    loaded = _loaded(run, step, overrides)
    edges = dag.edges(loaded.recipe)
    check_there(step, edges)
    after = dag.descendants(step, edges)
    needed = dag.ancestors(step, edges)
    others = frozenset(edges) - after - {step}
    reused = others if downstream else needed
    _check_untouched(run, loaded.recipe, reused, step)
    _check_there(run, reused, step)
    choice = Choice(
        {step: "asked for"}, frozenset(), (after | others - needed) if not downstream else frozenset(), _asked(step)
    )
    return recorded.Wish(loaded, choice, run, reused)


def _asked(step: str) -> str:
    return f"step/{dashed(step)}"


def find_origin(store: Store, recipe: str, origin: str, run_id: str = "") -> PastRun:
    """The run whose artifacts are reused. A run that Prefect tries again keeps the origin of its first attempt.

    Raises:
        UsageError: no such run or recipe.
        RunFirst: `last` is asked for, and the recipe has no completed run.
    """
    runs = Runs(store)
    try:
        before = runs.get(run_id).rerun_from if run_id else None
    except (OSError, RecordDamaged):
        before = None
    if before or origin != LAST:
        return store.run(before or origin)
    loaded = recipe_files.load(recipe)
    done = [each for each in runs.all() if each.recipe == loaded.name and each.state == "completed" and each.metrics]
    if not done:
        raise RunFirst(
            f"`{loaded.title}` has no completed run in the store {store.root}, whose artifacts this step could take. "
            f"Run `graft run {recipe}` first, or name another run as `origin`."
        )
    return PastRun(store, done[-1])


def _loaded(run: PastRun, step: str, overrides: Mapping[str, Any]) -> recipe_files.LoadedRecipe:
    """The origin's recipe with the overrides in the step's section."""
    record, own = run.record, section(step)
    keys = {key if key.startswith(f"{own}.") else f"{own}.{key}": value for key, value in overrides.items()}
    for key in overrides:
        first = key.split(".")[0]
        if "." in key and first != own and first in Recipe.model_fields:
            raise UsageError(
                f"`{_asked(step)}` sets keys of `{own}` alone, found `{key}`. Set it with `graft run "
                f"{record.recipe} --set {key}=…`."
            )
    return recipe_files.again(record.recipe, record.title, record.resolved, record.overrides, keys)


def _check_untouched(run: PastRun, recipe: Recipe, reused: frozenset[str], step: str) -> None:
    """What is taken from the origin must be what the recipe, overrides included, asks for.

    Raises:
        UsageError: an override reaches a step that would be taken as it is (`target.gate` reaches the source's data).
    """
    before, now = _arguments(Recipe.model_validate(run.record.resolved)), _arguments(recipe)
    reached = [other for other in dag.STEPS if other in reused and before.get(other) != now[other]]
    if reached:
        raise UsageError(
            f"`{_asked(step)}` would take `{reached[0]}` from run {run.record.number}, but these overrides change it "
            f"too. Run the whole recipe with them: `graft run {run.record.recipe} --set …`."
        )


def _arguments(recipe: Recipe) -> dict[str, dict[str, str]]:
    """step → argument → what it is given, outputs of other steps aside."""
    found: dict[str, dict[str, str]] = {}

    def note(step: str, **arguments: Any) -> Any:
        found[step] = {name: repr(value) for name, value in arguments.items() if not isinstance(value, _Output)}
        return _Output()

    dag.wire(note, recipe)
    return found


class _Output:
    """A stand-in for what a step gives."""

    def __getitem__(self, _name: str) -> "_Output":
        return self


def _check_there(run: PastRun, reused: frozenset[str], step: str) -> None:
    """Raises RunFirst where the origin's artifacts are not all there and sound."""
    lacking = []
    for name in [name for name in dag.STEPS if name in reused]:
        try:
            run.execution(name)
            for output in run.refs(name):
                run.folder(name, output)
        except StoreError as problem:
            lacking.append(f"`{name}` ({summary.one_line(problem)})")
    if lacking:
        raise RunFirst(
            f"`{_asked(step)}` takes every step before it from run {run.record.number}, but the store lacks "
            f"{'; '.join(lacking)} Run `{run.record.command()}` first."
        )
