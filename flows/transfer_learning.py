"""The flow: a recipe through the DAG of `dag.py`, every step cached, the run on record.

from flows.transfer_learning import transfer_learning
transfer_learning("quickstart", overrides={"fine_tune.learning_rate": 1e-5})
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from artifacts.runs import Runs
from artifacts.store import Store
from flows import dag, plan, recipe_files, summary
from flows.choice import Choice, choose
from flows.dag import StepName
from flows.decisions import Detective
from flows.recipe_names import RecipeChoice
from flows.running import NoObserver, Observer, Runner
from tasks import progress

_observer: ContextVar[Observer | None] = ContextVar("graft_observer", default=None)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Let `observer` see the runs inside the block."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


def _run_name() -> str:
    given = flow_run.parameters
    loaded = recipe_files.load(given["recipe"], given["overrides"])
    return summary.run_title(loaded.title, loaded.recipe)


@flow(name="transfer-learning", flow_run_name=_run_name, persist_result=False)
def transfer_learning(
    recipe: RecipeChoice = "quickstart",
    overrides: dict[str, Any] = {},  # noqa: B006 - never changed; Prefect's form shows the default
    force: list[StepName] = [],  # noqa: B006
    start_from: StepName | None = None,
    only: StepName | None = None,
) -> dict[str, Any]:
    """Pretrain, save, clone with weights, freeze, train a head, unfreeze, fine-tune, evaluate.

    Args:
        recipe: a shipped recipe, or the path of a YAML file.
        overrides: dotted keys such as `fine_tune.learning_rate`, laid over the recipe.
        force: steps to compute again; what follows runs as its inputs say.
        start_from: compute this step and all after it again; everything before it must be in the store.
        only: as `start_from`, but nothing after it runs.

    Returns:
        run (id), recipe, state, steps, metrics, report (path): what `graft run --json` prints.

    Raises:
        RecipeError, UsageError: before anything runs.
        RunFirst: a step before `start_from` or `only` is not in the store.
    """
    loaded = recipe_files.load(recipe, overrides)
    choice = choose(dag.edges(loaded.recipe), force, start_from, only)
    plan.check_needed(loaded, choice, plan.walk(loaded, choice) if choice.needed else [])
    with Runs(Store()).alive(str(flow_run.id)):
        return _run(loaded, choice)


def _run(loaded: recipe_files.LoadedRecipe, choice: Choice) -> dict[str, Any]:
    """Run the DAG with the run on record, which is closed whatever happens."""
    runner = _runner(loaded, choice)
    try:
        with progress.listening(_listener(runner.observer)):
            dag.wire(runner, loaded.recipe)
    except Exception as problem:
        runner.close("failed", summary.one_line(problem))
        raise
    except BaseException as stop:
        runner.close("cancelled", summary.one_line(stop))
        raise
    return summary.as_json(runner.close("completed"))


def _runner(loaded: recipe_files.LoadedRecipe, choice: Choice) -> Runner:
    runs = Runs(Store())
    previous = runs.last(loaded.name)
    detective = Detective(runs.store, previous, dag.edges(loaded.recipe), loaded.recipe.seed)
    resolved = loaded.recipe.model_dump(mode="json")
    origin = previous.id if previous and choice.again else None
    more = {"name": str(flow_run.name), "rerun_from": origin}
    record = runs.open(str(flow_run.id), loaded.name, loaded.title, loaded.overrides, resolved, **more)
    return Runner(loaded, choice, record, detective, _observer.get() or NoObserver())


def _listener(observer: Observer) -> progress.Listener:
    """A line an epoch for Prefect's log, and every piece of news for the observer."""

    def listen(news: progress.EpochNews) -> None:
        observer.epoch(news)
        if news.logs:
            figures = ", ".join(f"{name} {value:.4f}" for name, value in news.logs.items())
            line = f"{news.step}: epoch {news.epoch}/{news.epochs}: {figures}, {news.seconds:.1f} s"
            get_run_logger().info(line)

    return listen
