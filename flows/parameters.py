"""The types of the flows' parameters: in a form, a dropdown of the shipped recipes that also admits a path, and steps.

In a file of its own, since no type may be defined in a flow's file (Prefect loads that file a second time).
"""

from typing import Annotated

from pydantic import WithJsonSchema

from flows.dag import STEPS, StepName
from flows.recipe_files import names

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
