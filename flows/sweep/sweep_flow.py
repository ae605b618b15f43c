"""The flow of a sweep. Its state says what was chosen; its page is the sweep's page.

The trials are runs of their own, tagged `sweep: ID`.
"""

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

from artifacts.store import Store
from artifacts.sweeps import Sweeps
from flows.parameters import RecipeChoice
from flows.publishing import key
from flows.study import watching
from flows.study.trial_runs import Processes
from flows.sweep import planned, rounds
from flows.sweep.conducting import Conductor
from flows.sweep.grid import Grid
from flows.sweep.pages import write_pages


def _run_name() -> str:
    given = flow_run.parameters
    return f"sweep of {given['recipe']}"


@flow(name="sweep", flow_run_name=_run_name, persist_result=False)
def sweep(
    recipe: RecipeChoice = "quickstart",
    grid: dict[str, list[Any]] = {"fine_tune.learning_rate": [1e-4, 1e-3]},  # noqa: B006 - never changed
    overrides: dict[str, Any] = {"target.validation": 0.3},  # noqa: B006 - never changed
    seeds: int = rounds.DEFAULT,
    halving: bool = False,
    jobs: int = 1,
) -> dict[str, Any]:
    """Choose values of a recipe's keys on validation images, and judge what is chosen once on the test images.

    Args:
        recipe: a shipped recipe, or the path of one.
        grid: dotted key → the values that are tried.
        overrides: laid over the recipe in every combination.
        seeds: of each combination.
        halving: all at 1 seed, the best third at 3, the best at 5, in the place of `seeds`.
        jobs: trials at once.

    Returns:
        What `graft sweep --json` prints.

    Raises:
        UsageError: before anything runs. TrialFailed: a trial failed; run again to go on.
    """
    store = Store()
    record = Sweeps(store).begin(planned.plan(Grid(recipe, overrides, grid), seeds, halving))
    get_run_logger().info("sweep %s: %s", record.id, rounds.in_words(planned.rounds_of(record)))
    api = str(PREFECT_API_URL.value() or "")
    threads, parent = int(record.plan["threads"]), str(flow_run.id)
    with Processes(record.id, jobs, threads, api, "sweep", parent) as processes:
        outcome = Conductor(record, store, processes, watching.watcher()).run()
    pages = write_pages(store, Sweeps(store).get(record.id))
    create_markdown_artifact(
        pages.markdown.read_text(encoding="utf-8"), key=key("sweep", record.plan["title"]), description=outcome.sentence
    )
    told = {**Sweeps(store).get(record.id).outcome, "report": str(pages.html)}
    return Completed(message=outcome.sentence, data=told)  # type: ignore[return-value]
