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


def test_a_study_has_a_form_too() -> None:
    from flows.study.arms import ARMS
    from flows.study.study_flow import study

    properties = study.parameters.properties
    assert properties["wanted"]["anyOf"][0]["enum"] == recipe_files.names()
    assert properties["arms"]["anyOf"][1]["items"]["enum"] == list(ARMS)
    assert properties["where"]["anyOf"][0]["enum"] == ["processes", "pool"]
    assert properties["where"]["default"] == "processes"
    assert properties["jobs"]["minimum"] == 1
    undescribed = [name for name, field in properties.items() if not field.get("description")]
    assert undescribed == []
