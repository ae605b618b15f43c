"""The flow of one trial: the DAG of `dag.py`, as far as the study needs it."""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from flows import dag, hooks, recipe_files, recorded
from flows.choice import Choice, choose


def _run_name() -> str:
    given = flow_run.parameters
    loaded = recipe_files.load(given["recipe"], given["overrides"])
    return f"{loaded.title} · seed {loaded.recipe.seed} · {given['arm']}"


@flow(name="study-trial", flow_run_name=_run_name, persist_result=False, **hooks.ALL)
def study_trial(
    recipe: str, overrides: dict[str, Any], study: str, arm: str, until: str | None = None
) -> dict[str, Any]:
    """Run a recipe as a trial of a study.

    Args:
        recipe, overrides: as in `transfer_learning`.
        study, arm: id of the study, and which of its arms it is.
        until: the last step that runs; all of them where it is None.
    """
    loaded = recipe_files.load(recipe, overrides)
    return recorded.run(recorded.Wish(loaded, chosen(loaded, until), study=study))  # type: ignore[return-value]


def chosen(loaded: recipe_files.LoadedRecipe, until: str | None) -> Choice:
    """All steps as their inputs say, none after `until`."""
    edges = dag.edges(loaded.recipe)
    whole = choose(edges, [], None, None)
    if until is None:
        return whole
    return Choice(whole.again, whole.needed, dag.descendants(until, edges), f"`{until}`, where this trial ends")
