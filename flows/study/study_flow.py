"""The flow of a study. Its state says the verdict; its page is the study's page.

The trials are runs of their own, tagged `study: ID`: each is a process, and a flow run on the same server.
"""

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

from artifacts.store import Store
from artifacts.studies import Studies
from flows.parameters import RecipeChoice
from flows.publishing import key
from flows.study import planned, watching
from flows.study.arms import ArmName
from flows.study.asked import asked
from flows.study.conducting import Conductor
from flows.study.norms import has_norms
from flows.study.pages import write_pages
from flows.study.trial_runs import Processes


def _run_name() -> str:
    given = flow_run.parameters
    return f"study of {given['wanted']}"


@flow(name="study", flow_run_name=_run_name, persist_result=False)
def study(
    wanted: RecipeChoice = "quickstart",
    overrides: dict[str, Any] = {},  # noqa: B006 - never changed; Prefect's form shows the default
    arms: list[ArmName] | None = None,
    labels: list[int] | None = None,
    depths: list[int | str] | None = None,
    unfrozen: list[int] | None = None,
    seeds: int | None = None,
    budget: int | None = None,
    margin: float | None = None,
    jobs: int = 1,
) -> dict[str, Any]:
    """Ask whether transfer helps here: planned looks over seeds, with controls, and a verdict.

    Args:
        wanted: a shipped recipe, the path of one, or of a study's file.
        overrides: laid over the recipe.
        arms: what is compared; `transfer` has to be among them.
        labels, depths, unfrozen: axes, for the curves.
        seeds: one fixed look at so many seeds, in the place of `budget`.
        budget: the most seeds.
        margin: a difference in accuracy that is none, such as 0.01.
        jobs: trials at once.

    Returns:
        What `graft study --json` prints.

    Raises:
        RecipeError, UsageError: before anything runs. TrialFailed: a trial failed; run again to go on.
    """
    options: dict[str, Any] = {"arms": arms, "labels": labels, "depths": depths, "unfrozen": unfrozen}
    options |= {"seeds": seeds, "budget": budget, "margin": margin}
    store = Store()
    record = Studies(store).begin(planned.plan(asked(wanted, options, overrides)))
    get_run_logger().info("study %s: %s", record.id, planned.in_words(record))
    norms = has_norms(planned.study(record), store)
    with Processes(record.id, jobs, int(record.plan["threads"]), str(PREFECT_API_URL.value() or "")) as processes:
        outcome = Conductor(record, store, processes, norms, watching.watcher()).run()
    pages = write_pages(store, Studies(store).get(record.id))
    create_markdown_artifact(
        pages.markdown.read_text(encoding="utf-8"), key=key("study", record.plan["title"]), description=outcome.sentence
    )
    told = {**Studies(store).get(record.id).outcome, "report": str(pages.html)}
    return Completed(message=outcome.sentence, data=told)  # type: ignore[return-value]
