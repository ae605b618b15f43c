"""The flow behind `graft data`: both data sets are read and looked at, and nothing after it runs.

The steps are those of any run, under the same keys: what was looked at is a hit when it is trained on.
"""

from typing import Any

from prefect import flow
from prefect.runtime import flow_run

from flows import data_recipe, hooks, recorded
from flows.data_look import LOOK


def _run_name() -> str:
    return f"data · {flow_run.parameters['data']}"


@flow(name="inspect-data", flow_run_name=_run_name, persist_result=False, **hooks.ALL)
def inspect(data: str, overrides: dict[str, Any]) -> dict[str, Any]:
    """Read and inspect the data of a recipe, or the data itself.

    Args:
        data: a recipe, a folder, a table or an npz file.
        overrides: laid over the recipe.
    """
    return recorded.run(recorded.Wish(data_recipe.loaded(data, overrides), LOOK))  # type: ignore[return-value]
