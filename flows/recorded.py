"""A run of the DAG on record: opened, kept up to date, shown in Prefect's UI, and closed whatever happens.

The flows (`transfer_learning.py`, `retrain.py`, `steps.py`) say what is to run; here it runs.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext, TagsContext
from prefect.exceptions import PrefectException, TerminationSignal
from prefect.runtime import deployment, flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

from artifacts.errors import RecordDamaged
from artifacts.past import PastRun
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import dag, interrupts, publishing, summary
from flows.choice import Choice
from flows.decisions import Detective
from flows.home import here
from flows.live import Live
from flows.observing import NoObserver, Observer, Observers
from flows.origin import rerun_from
from flows.recipe_files import LoadedRecipe
from flows.running import Runner
from tasks import progress

CANCELLED = "cancelled by a person or by the system; what had ended is in the store"
_observer: ContextVar[Observer | None] = ContextVar("graft_observer", default=None)


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Let `observer` see the runs inside the block."""
    token = _observer.set(observer)
    try:
        yield
    finally:
        _observer.reset(token)


@dataclass(frozen=True)
class Wish:
    """What is to run.

    Attributes:
        loaded: the recipe.
        choice: which steps run again, which must be stored, which are left out.
        origin: the run whose steps are taken as they are, or None.
        reused: the steps that are taken from `origin`.
        study: id of the study that it is a trial of, or "".
    """

    loaded: LoadedRecipe
    choice: Choice
    origin: PastRun | None = None
    reused: frozenset[str] = frozenset()
    study: str = ""


Closing = Callable[[PastRun], Mapping[str, Any]]


def run(wish: Wish, closing: Closing | None = None) -> State[dict[str, Any]]:
    """Run the DAG inside a flow run.

    Args:
        closing: called with the run once every step has ended, before its record is closed: the gate. What it returns
            is kept in the record; its `message` is said in the run's state.

    Returns:
        The flow run's last state: its message says the result, its data is what `graft run --json` prints.
    """
    run_id = str(flow_run.id)
    api = str(PREFECT_API_URL.value() or "")
    # Tags are the run's, not its tasks': one that has tags asks the server for slots of a limit of that name first.
    with Runs(Store()).alive(run_id), here().alive(run_id, api), TagsContext(current_tags=set()):
        record = _run(_going_on(wish, run_id), closing)
        publishing.publish(Store(), record)
    return Completed(message=summary.sentence(record), data=summary.as_json(record))


def _run(wish: Wish, closing: Closing | None) -> RunRecord:
    runner = _runner(wish)
    try:
        _show_tags(wish.loaded)
        with progress.listening(runner.observer.listen):
            runner.leave_out()
            dag.wire(runner, wish.loaded.recipe)
        if closing:
            decision = closing(PastRun(runner.store, runner.record))
            runner.record = runner.runs.update(runner.record, gate=dict(decision))
        return runner.close("completed")
    except Exception as problem:
        if interrupts.heard():  # before the server is asked: it may be on its way out, too
            runner.close("cancelled", CANCELLED)
            raise KeyboardInterrupt from problem
        if _is_being_cancelled():
            runner.close("cancelled", CANCELLED)
            raise TerminationSignal(signal.SIGTERM) from problem
        runner.close("failed", summary.one_line(problem))
        raise
    except BaseException as stop:
        runner.close("cancelled", _why_stopped(stop))
        raise


def _going_on(wish: Wish, run_id: str) -> Wish:
    """What is left to do where Prefect tries a run again: a step that was asked for again and has ended is not asked
    for a second time, and the run that is rerun stays the same."""
    runs = Runs(Store())
    try:
        before = runs.get(run_id)
        origin = PastRun(runs.store, runs.get(before.rerun_from)) if before.rerun_from else None
    except (OSError, RecordDamaged):
        return wish
    ended = {entry["step"] for entry in before.steps if entry["status"] in ("hit", "ran")}
    again = {step: why for step, why in wish.choice.again.items() if step not in ended}
    return replace(wish, choice=replace(wish.choice, again=again), origin=wish.origin or origin)


def _why_stopped(stop: BaseException) -> str:
    if isinstance(stop, TerminationSignal | KeyboardInterrupt):
        return CANCELLED
    return summary.one_line(stop)


def _is_being_cancelled() -> bool:
    """Whether somebody asked the server for that. The signal reaches the main thread wherever it is just then, and C
    code that it interrupts (`interrupts.py` names some) may turn it into an error of its own."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run.id).state
    except (httpx.HTTPError, PrefectException):
        return False  # nobody to ask: then it is what it looks like
    return state is not None and state.is_cancelling()


def _runner(wish: Wish) -> Runner:
    runs, loaded = Runs(Store()), wish.loaded
    previous = runs.last(loaded.name)
    detective = Detective(runs.store, previous, dag.edges(loaded.recipe), loaded.recipe.seed)
    origin = wish.origin.record if wish.origin else rerun_from(runs, loaded, wish.choice, str(flow_run.id))
    more = {
        "name": str(flow_run.name),
        "rerun_from": origin.id if origin else None,
        "deployment": deployment_name(),
        "study": wish.study,
    }
    resolved = loaded.recipe.model_dump(mode="json")
    record = runs.open(str(flow_run.id), loaded.name, loaded.title, loaded.overrides, resolved, **more)
    observer = Observers([Live(), _observer.get() or NoObserver()])
    return Runner(wish, record, detective, observer)


def deployment_name() -> str:
    """`retrain/nightly`, or "" where the flow was called by a person or a script."""
    context = FlowRunContext.get()
    # `deployment.id` would ask the server where there is none.
    deployed = context and context.flow_run and context.flow_run.deployment_id
    return f"{flow_run.flow_name}/{deployment.name}" if deployed else ""


def _tags(loaded: LoadedRecipe) -> list[str]:
    """Recipe and data sets, so that runs can be filtered by them in the UI."""
    recipe = loaded.recipe
    datasets = dict.fromkeys([each.dataset for each in (recipe.source, recipe.target) if each is not None])
    base = [f"base: {recipe.base.called}"] if recipe.base else []
    return [f"recipe: {loaded.title}", *base, *(f"data: {name}" for name in datasets)]


def _show_tags(loaded: LoadedRecipe) -> None:
    """Put the tags on the flow run itself: it was made before anybody had read the recipe."""
    present = list(flow_run.tags or [])
    missing = [tag for tag in _tags(loaded) if tag not in present]
    if missing:
        # Tags are for finding a run; a server that stumbles here costs no training.
        with suppress(httpx.HTTPError, PrefectException), get_client(sync_client=True) as client:
            client.update_flow_run(flow_run.id, tags=[*present, *missing])
