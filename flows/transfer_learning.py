"""The flow: a recipe through the DAG of `dag.py`, every step cached, the run on record.

from flows.transfer_learning import transfer_learning
transfer_learning("quickstart", overrides={"fine_tune.learning_rate": 1e-5})
"""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from artifacts.errors import UsageError
from flows import dag, hooks, plan, recipe_files, recorded, summary
from flows.choice import choose
from flows.dag import StepName
from flows.parameters import RecipeChoice, StepChoice


def _run_name() -> str:
    given = flow_run.parameters
    try:
        loaded = recipe_files.load(given["recipe"], given["overrides"])
    except UsageError:
        return str(given["recipe"])  # what is wrong with it, the run itself will say
    return summary.run_title(loaded.title, loaded.recipe)


@flow(name="transfer-learning", flow_run_name=_run_name, persist_result=False, **hooks.ALL)
def transfer_learning(
    recipe: RecipeChoice = "quickstart",
    overrides: dict[str, Any] = {},  # noqa: B006 - never changed; Prefect's form shows the default
    force: list[StepName] = [],  # noqa: B006
    start_from: StepChoice = None,
    only: StepChoice = None,
) -> dict[str, Any]:
    """Pretrain, save, clone with weights, freeze, train a head, unfreeze, fine-tune, evaluate.

    Args:
        recipe: a shipped recipe, or the path of a YAML file.
        overrides: laid over the recipe, such as `{"fine_tune.learning_rate": 1e-5, "seed": 1}`.
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
    # Prefect takes the state, and gives its data to who called the flow.
    return recorded.run(recorded.Wish(loaded, choice))  # type: ignore[return-value]
