"""`graft layers`: what a base is made of, and what a recipe does with each layer; names that a base does not have."""

import json
from typing import Any

import pytest

from artifacts.errors import RecipeError, RunFirst, UsageError
from artifacts.refs import Ref
from artifacts.store import Store
from flows import layers_commands, layers_look, plan, recipe_files
from flows.choice import choose
from flows.dag import edges
from tests.flows.conftest import Run


def printed(capsys: pytest.CaptureFixture[str], recipe: str, *settings: str) -> list[dict[str, Any]]:
    assert layers_commands.layers(recipe, settings, shown_as_json=True) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["layers"]
    return found


def states(lines: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(line["name"], line["in_head"], line["in_fine_tune"]) for line in lines]


def test_a_line_a_layer_with_weights_output_and_cost(finished: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = printed(capsys, finished)
    # 3 × 3 × 1 × 3 weights and a batch norm of 4 × 3, pooled from 8 × 8 to 4 × 4
    assert first["parameters"] == 27 + 12
    assert first["output_shape"] == [4, 4, 3]
    assert first["multiply_adds"] == 27 * 64
    assert second["parameters"] == 3 * 3 * 3 * 4 + 16
    assert second["multiply_adds"] == 108 * 16


def test_what_trains_what_is_frozen_and_what_is_stored(finished: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The tiny recipe has dropout in every layer, so that nothing above the first one's convolution can be stored."""
    assert states(printed(capsys, finished)) == [
        ("conv_1", "frozen", "frozen"),
        ("conv_2", "frozen", "trained"),
    ]


def test_layers_that_are_not_reused_are_said_to_be_dropped(finished: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, finished, "clone_with_weights.layers=1", "unfreeze.layers=0")
    assert states(lines) == [("conv_1", "frozen", "frozen"), ("conv_2", "not reused", "not reused")]


def test_a_known_data_set_needs_no_run_before(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed(capsys, "quickstart", "unfreeze.layers=1")
    assert states(lines) == [
        ("conv_1", "stored", "stored"),
        ("conv_2", "stored", "stored"),
        ("conv_3", "stored", "trained"),
    ]
    assert not store.root.exists() or not list((store.root / "model").glob("*")), "nothing is stored"


def test_images_that_nobody_has_looked_at_have_to_be_looked_at_first(tiny: str) -> None:
    with pytest.raises(RunFirst, match="Run `graft data"):
        layers_commands.layers(tiny, (), shown_as_json=True)


def test_images_that_were_read_are_enough_though_nothing_was_trained(
    finished: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another network than any run has: it is built for the size of the images that the store has."""
    lines = printed(capsys, finished, "pretrain.widths=[5, 6]")
    assert [line["output_shape"][-1] for line in lines] == [5, 6]


def test_the_table_names_every_layer(capsys: pytest.CaptureFixture[str]) -> None:
    layers_commands.layers("quickstart", (), shown_as_json=False)
    out = capsys.readouterr().out
    assert all(f"conv_{number}" in out for number in (1, 2, 3))
    assert "3 layers, 93,344 parameters" in out


def test_a_wrong_name_is_refused_by_the_plan_before_anything_runs(finished: str) -> None:
    with pytest.raises(UsageError, match="no layer named `conv_9`; did you mean `conv_"):
        recipe_files.load(finished, {"freeze.layers": "conv_9"})


def test_the_key_of_a_step_holds_the_names_and_not_how_they_were_said(finished: str) -> None:
    """`unfreeze.layers: 1` and `conv_2` are the same here: nothing runs again."""

    def statuses(overrides: dict[str, Any]) -> dict[str, str]:
        loaded = recipe_files.load(finished, overrides)
        steps = plan.walk(loaded, choose(edges(loaded.recipe), [], None, None))
        return {step.step: step.status for step in steps}

    for same in ("conv_2", ["conv_2"], "*_2"):
        found = statuses({"unfreeze.layers": same})
        assert found["unfreeze"] == found["fine_tune"] == found["evaluate"] == "hit"
    other = statuses({"unfreeze.layers": 0})
    assert (other["freeze"], other["train_head"], other["unfreeze"]) == ("hit", "hit", "run")


@pytest.mark.parametrize("missing", ["inputs", "steady"])
def test_where_an_older_graft_told_less_of_a_layer_the_network_is_unknown_and_nothing_fails(
    quick: None, run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    facts = Store.facts

    def older(self: Store, ref: Ref) -> dict[str, Any] | None:
        found = facts(self, ref)
        if found is None or "layers" not in found:
            return found
        less = [{name: value for name, value in layer.items() if name != missing} for layer in found["layers"]]
        return {**found, "layers": less}

    loaded = recipe_files.load(finished)
    assert layers_look.known_outline(plan.walk(loaded), store)
    monkeypatch.setattr(Store, "facts", older)
    steps = plan.walk(loaded)
    assert next(step.status for step in steps if step.step == "clone_with_weights") == "run"
    assert layers_look.known_outline(steps, store) is None
    assert run(finished)["state"] == "completed"


def test_a_base_that_is_known_is_asked_by_the_plan(finished: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a base that is taken in, of whose layers the recipe knows nothing."""
    from flows import recipe_layers
    from tasks.pure.layer_choice import LayerChoices, Reuse, TrainableChoice

    frozen = TrainableChoice(("block_*",), "frozen")
    wrong = LayerChoices(Reuse("all", True, ()), frozen, frozen)
    loaded = recipe_files.load(finished)
    monkeypatch.setattr(recipe_layers, "layer_choices", lambda _recipe: wrong)
    with pytest.raises(RecipeError, match=r"`freeze.layers`: no layer named `block_\*`"):
        plan.walk(loaded, choose(edges(loaded.recipe), [], None, None))
