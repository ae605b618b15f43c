"""The flow for a schedule: the DAG, then the gate against the champion. Unchanged data costs seconds.

Nothing is retrained that did not change: a data file that was replaced is seen by its content, and what depends on it
runs. The gate is never cached, since it asks about the champion of this moment.
"""

from collections.abc import Mapping
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import flow_run

from artifacts.champions import DEFAULT, Champions
from artifacts.errors import UsageError
from artifacts.past import PastRun
from artifacts.store import Store
from flows import dag, hooks, promotion, recipe_files, recorded, summary
from flows.choice import choose
from flows.dag import StepName
from flows.parameters import RecipeChoice


def _run_name() -> str:
    given = flow_run.parameters
    try:
        loaded = recipe_files.load(given["recipe"], given["overrides"])
    except UsageError:
        return str(given["recipe"])
    return f"{summary.run_title(loaded.title, loaded.recipe)} · against {given['champion']}"


@task(name="gate", task_run_name="gate", cache_policy=NO_CACHE, persist_result=False)
def gate(run_id: str, champion: str) -> dict[str, Any]:
    """Judge the run against the champion, and make it the champion if it is not worse."""
    decision = promotion.challenge(Store().run(run_id), champion, gated=True)
    get_run_logger().info("gate: %s", decision["message"])
    return decision


@flow(name="retrain", flow_run_name=_run_name, persist_result=False, **hooks.ALL)
def retrain(
    recipe: RecipeChoice = "nightly",
    overrides: dict[str, Any] = {},  # noqa: B006 - never changed; Prefect's form shows the default
    champion: str = DEFAULT,
    force: list[StepName] = [],  # noqa: B006
) -> dict[str, Any]:
    """Run a recipe, then ask the gate whether its network takes the champion's place.

    Args:
        recipe: a shipped recipe, or the path of a YAML file; `target.gate` should be above 0, else the champion stays.
        overrides: laid over the recipe, such as `{"fine_tune.learning_rate": 1e-5, "seed": 1}`.
        champion: name of the champion, where there are several.
        force: steps to compute again; what follows runs as its inputs say.

    Returns:
        What `graft run --json` prints, and `gate`: `promoted`, `outcome`, `message`, `evidence`, `study`.

    Raises:
        RecipeError, UsageError: before anything runs.
        ChampionChanged: somebody else became champion while the gate judged.
    """
    loaded = recipe_files.load(recipe, overrides)
    Champions(Store()).check_name(champion)  # what the gate would refuse is refused before hours of training
    promotion.reigning(Champions(Store()), champion)
    choice = choose(dag.edges(loaded.recipe), force, None, None)

    def ask(run: PastRun) -> Mapping[str, Any]:
        return gate(run.record.id, champion)

    return recorded.run(recorded.Wish(loaded, choice), closing=ask)  # type: ignore[return-value]
