"""The flow of a study. Its state says the verdict; its page is the study's page.

The trials are runs of their own, tagged `study: ID`: each is a flow run on the same server, in another process.
"""

from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed

from artifacts.store import Store
from artifacts.studies import Studies
from flows import hooks
from flows.parameters import ArmChoices, Asked, AtLeastOne, Where
from flows.publishing import key
from flows.study import planned, watching
from flows.study.asked import asked
from flows.study.conducting import Conductor
from flows.study.norms import has_norms
from flows.study.pages import pages_of
from flows.study.where import PROCESSES, runner


def _run_name() -> str:
    given = flow_run.parameters
    return f"study of {given['wanted']}"


@flow(name="study", flow_run_name=_run_name, persist_result=False, **hooks.STUDY)
def study(
    wanted: Asked = "quickstart",
    overrides: dict[str, Any] = {},  # noqa: B006 - never changed; Prefect's form shows the default
    arms: ArmChoices = None,
    labels: list[int] | None = None,
    depths: list[int | str] | None = None,
    unfrozen: list[int] | None = None,
    seeds: AtLeastOne | None = None,
    budget: AtLeastOne | None = None,
    margin: float | None = None,
    jobs: AtLeastOne = 1,
    where: Where = PROCESSES,
) -> dict[str, Any]:
    """Ask whether transfer helps here: planned looks over seeds, with controls, and a verdict.

    Args:
        wanted: a shipped recipe, the path of one, or of a study's file.
        overrides: laid over the recipe.
        arms: what is compared; `transfer` has to be among them.
        labels: further numbers of target labels, for the curve.
        depths: where the base is cut, numbers or names of layers, for the curve.
        unfrozen: how many layers fine-tuning opens, for the curve.
        seeds: one fixed look at so many seeds, in the place of `budget`.
        budget: the most seeds.
        margin: a difference in accuracy that is none, such as 0.01.
        jobs: trials at once; on Dask as many as there are workers.
        where: `processes` of this machine, the work `pool`, or the address of a Dask scheduler.

    Returns:
        What `graft study --json` prints.

    Raises:
        RecipeError, UsageError: before anything runs. TrialFailed: a trial failed; run again to go on.
        ServerError: no Dask scheduler or deployment where the trials are to run.
    """
    options: dict[str, Any] = {"arms": arms, "labels": labels, "depths": depths, "unfrozen": unfrozen}
    options |= {"seeds": seeds, "budget": budget, "margin": margin}
    store = Store()
    record = Studies(store).begin(planned.plan(asked(wanted, options, overrides)))
    get_run_logger().info("study %s: %s", record.id, planned.in_words(record))
    norms = has_norms(planned.study(record), store)
    with runner(record, where, jobs, str(PREFECT_API_URL.value() or "")) as trials:
        outcome = Conductor(record, store, trials, norms, watching.watcher()).run()
    pages = pages_of(Studies(store), record)  # as of the last look
    create_markdown_artifact(
        pages.markdown.read_text(encoding="utf-8"), key=key("study", record.plan["title"]), description=outcome.sentence
    )
    told = {**Studies(store).get(record.id).outcome, "report": str(pages.html)}
    return Completed(message=outcome.sentence, data=told)  # type: ignore[return-value]
