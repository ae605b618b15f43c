"""The types of the flows' parameters: in a form, a dropdown of the shipped recipes that also admits a path, and steps.

In a file of its own, since no type may be defined in a flow's file (Prefect loads that file a second time).
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, WithJsonSchema

from flows.dag import STEPS, StepName
from flows.recipe_files import names
from flows.study.arms import ARMS, ArmName

PLACES = ("processes", "pool")


def _one_of(known: Sequence[str], called: str, other: str) -> WithJsonSchema:
    """A dropdown, beside which any other text may be typed."""
    listed = {"type": "string", "enum": list(known), "title": called}
    return WithJsonSchema({"anyOf": [listed, {"type": "string", "title": other}]})


RecipeChoice = Annotated[str, _one_of(names(), "Shipped recipe", "Path of a YAML file")]

StepChoice = Annotated[
    StepName | None,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "enum": list(STEPS), "title": "Step"}, {"type": "null", "title": "Not set"}]}
    ),
]

Asked = Annotated[str, _one_of(names(), "Shipped recipe", "Path of a recipe's or a study's YAML file")]

ArmChoices = Annotated[
    list[ArmName] | None,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "null", "title": "The usual arms, or the study's own"},
                {"type": "array", "items": {"type": "string", "enum": list(ARMS)}, "title": "Arms"},
            ]
        }
    ),
]

Where = Annotated[str, _one_of(PLACES, "Processes of this machine, or the work pool", "Address of a Dask scheduler")]

AtLeastOne = Annotated[int, Field(ge=1)]
