"""The types of the flows' parameters: in a form, a dropdown of the shipped recipes that also admits a path, and steps.

In a file of its own, since no type may be defined in a flow's file (Prefect loads that file a second time).
"""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from flows.dag import STEPS, StepName
from flows.recipe_files import names
from flows.study.arms import ARMS, ArmName

PLACES = ("processes", "pool")

RecipeChoice = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": names(), "title": "Shipped recipe"},
                {"type": "string", "title": "Path of a YAML file"},
            ]
        }
    ),
]

StepChoice = Annotated[
    StepName | None,
    WithJsonSchema(
        {"anyOf": [{"type": "string", "enum": list(STEPS), "title": "Step"}, {"type": "null", "title": "Not set"}]}
    ),
]

Asked = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": names(), "title": "Shipped recipe"},
                {"type": "string", "title": "Path of a recipe's or a study's YAML file"},
            ]
        }
    ),
]

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

Where = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "enum": list(PLACES), "title": "Processes of this machine, or the work pool"},
                {"type": "string", "title": "Address of a Dask scheduler"},
            ]
        }
    ),
]

AtLeastOne = Annotated[int, Field(ge=1)]
