"""What Prefect's form shows for a run: read off the flow's parameter schema."""

from flows import recipe_files
from flows.dag import STEPS


def test_the_form_lists_the_shipped_recipes_and_admits_a_path() -> None:
    from flows.transfer_learning import transfer_learning

    recipe = transfer_learning.parameters.properties["recipe"]
    assert recipe["default"] == "quickstart"
    assert recipe["anyOf"][0]["enum"] == recipe_files.names()
    assert recipe["anyOf"][1] == {"type": "string", "title": "Path of a YAML file"}


def test_steps_are_dropdowns() -> None:
    from flows.transfer_learning import transfer_learning

    properties = transfer_learning.parameters.properties
    assert properties["force"]["items"]["enum"] == list(STEPS)
    assert properties["start_from"]["anyOf"][0]["enum"] == list(STEPS)
    assert properties["only"]["anyOf"][0]["enum"] == list(STEPS)
    assert (properties["overrides"]["default"], properties["force"]["default"]) == ({}, [])
