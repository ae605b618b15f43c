"""The section `base`: one network that is there, in the place of `source` and a training."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from artifacts.errors import RecipeError
from flows import arguments, picture_checks, recipe_files
from flows.recipe import Recipe
from flows.recipe_base import KINDS, Base, said
from flows.recipe_files import LoadedRecipe
from flows.recipe_layers import base_layers, layer_problems
from tasks.pure.bases.base import Base as Taken

SCHEMA = recipe_files.schema()
DIGITS = {"dataset": "digits"}


def raw(base: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"base": base or {"application": "MobileNetV2"}, "target": DIGITS, **more}


def recipe(base: dict[str, Any] | None = None, **more: Any) -> Recipe:
    return Recipe.model_validate(raw(base, **more))


def written(folder: Path, text: str) -> str:
    (folder / "mine.yaml").write_text(text)
    return str(folder / "mine.yaml")


def loaded(folder: Path, base: str, overrides: dict[str, Any] | None = None) -> LoadedRecipe:
    return recipe_files.load(written(folder, f"base: {base}\ntarget: {{dataset: digits}}\n"), overrides)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(RecipeError) as refused:
        recipe_files.load(written(folder, text))
    return str(refused.value)


def test_with_a_base_there_is_no_source_and_nothing_is_trained() -> None:
    taken = recipe()
    assert taken.source is None and taken.pretrain.epochs == 0
    assert arguments.pretraining(taken) is None


def test_a_base_may_be_trained_further_on_a_source() -> None:
    further = recipe(source=DIGITS, pretrain={"epochs": 2, "batch_size": 8})
    training = arguments.pretraining(further)
    assert training and (training.epochs, training.batch_size) == (2, 8)


@pytest.mark.parametrize(
    ("base", "taken"),
    [
        ({"application": "MobileNetV2"}, Taken("application", "MobileNetV2", "imagenet")),
        (
            {
                "application": "MobileNet",
                "weights": "none",
                "options": {"depth_multiplier": 1, "alpha": 2},
                "input_size": 96,
            },
            Taken("application", "MobileNet", "none", (96, 96), options=(("alpha", 2), ("depth_multiplier", 1))),
        ),
        ({"application": "VGG16", "weights": "/w.h5", "dropout": True},
         Taken("application", "VGG16", "file", dropout=True)),
        ({"file": "/mine.keras", "cut": "top", "scale": "symmetric", "input_size": [32, 48]},
         Taken("file", input_size=(32, 48), cut="top", scale="symmetric")),
        ({"package": "efficientnet-lite0"}, Taken("package", "efficientnet-lite0")),
        ({"kerashub": "resnet_18_imagenet"}, Taken("kerashub", "resnet_18_imagenet")),
        ({"kerashub": "/presets/mine"}, Taken("kerashub")),
        ({"run": 12}, Taken("run")),
    ],
)  # fmt: skip
def test_the_section_becomes_what_the_step_gets(base: dict[str, Any], taken: Taken) -> None:
    assert arguments.network(recipe(base)) == arguments.base(recipe(base)) == taken


def test_the_order_of_options_does_not_matter() -> None:
    one, other = (
        {"application": "MobileNet", "options": options}
        for options in (
            {"alpha": 0.5, "depth_multiplier": 1},
            {"depth_multiplier": 1, "alpha": 0.5},
        )
    )
    assert arguments.base(recipe(one)) == arguments.base(recipe(other))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("target: {dataset: digits}", "`source`: missing; expected a mapping"),
        ("base:\ntarget: {dataset: digits}", "`source`: missing; expected a mapping"),
        ("base: {}\ntarget: {dataset: digits}", "expected exactly one of `application`, `file`"),
        ("base: {run: 1, file: a}\ntarget: {dataset: digits}", "found `file` and `run`"),
        (
            "base: {application: MobileNet, scale: unit}\ntarget: {dataset: digits}",
            "`base.scale`: goes with `file` or `kera",
        ),
        (
            "base: {application: MobileNet, cut: top}\ntarget: {dataset: digits}",
            "`clone_with_weights.layers` says what",
        ),
        ("base: {package: efficientnet-lite0, dropout: true}\ntarget: {dataset: digits}", "`base.dropout`: goes with"),
        ("base: {run: 1, dropout: true}\ntarget: {dataset: digits}", "taken in layer by layer as it is"),
        ("base: {run: 1, weights: none}\ntarget: {dataset: digits}", "`base.weights`: goes with `application` alone"),
        ("base: {file: a, options: {b: 1}}\ntarget: {dataset: digits}", "`base.options`: goes with `application`"),
        (
            "base: {application: MobileNet, options: {alpha: [1]}}\ntarget: {dataset: digits}",
            "a mapping of names to text",
        ),
        ("base: {package: lite}\ntarget: {dataset: digits}", "`base.package`: expected `efficientnet-lite0`"),
        ("base: {aplication: A}\ntarget: {dataset: digits}", "did you mean `base.application`?"),
        ("base: {run: 1}\nsource: {dataset: digits}\ntarget: {dataset: digits}", "`source`: nobody would read it"),
        ("base: {run: 1}\npretrain: {epochs: 1}\ntarget: {dataset: digits}", "no `source` to train it on"),
        ("base: {run: 1}\npretrain: {widths: [128, 64, 32, 16]}\ntarget: {dataset: digits}", "`pretrain.widths`: the"),
        ("base: {run: 1}\npretrain: {batch_size: 8}\ntarget: {dataset: digits}", "nothing is trained there"),
        ("source: {dataset: digits}\npretrain: {epochs: 0}\ntarget: {dataset: digits}", "whole number >= 1, found 0"),
        (
            "base: {run: 1}\nsource: {dataset: digits}\npretrain: {epochs: 1, early_stopping: 2}\n"
            "target: {dataset: digits}",
            "`source` has no validation part",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(tmp_path: Path, text: str, why: str) -> None:
    assert why in refusal(tmp_path, text)


def test_names_of_layers_are_not_checked_before_the_base_is_known() -> None:
    frozen = {"layers": ["block_*"], "batch_norm": "trained"}
    base = recipe(clone_with_weights={"layers": "block_3_add"}, freeze=frozen, unfreeze={"layers": 2})
    assert base_layers(base) == layer_problems(base) == []


@pytest.mark.parametrize(("layers", "possible"), [("all", True), (1, True), (0, False)])
def test_stored_copies_need_frozen_layers_of_a_base_too(layers: Any, possible: bool) -> None:
    copies = {"augment": {"flip": "horizontal"}, "augment_copies": 2}
    given = raw(train_head=copies, freeze={"layers": layers})
    if possible:
        assert Recipe.model_validate(given).train_head.augment_copies == 2
    else:
        with pytest.raises(ValueError, match="augment_copies"):
            Recipe.model_validate(given)


@pytest.mark.parametrize(
    ("base", "path"),
    [
        ("{file: nets/mine.keras}", "nets/mine.keras"),
        ("{application: MobileNet, weights: w.h5}", "w.h5"),
        ("{kerashub: ./preset}", "preset"),
    ],
)
def test_paths_start_from_the_recipes_own_folder(tmp_path: Path, base: str, path: str) -> None:
    assert arguments.base_path(loaded(tmp_path, base).recipe) == str(tmp_path / path)


@pytest.mark.parametrize(
    "base",
    ["{application: MobileNet}", "{application: MobileNet, weights: none}", "{kerashub: resnet_18}", "{kerashub: 'hf://a/b'}",
     "{run: last}", "{package: efficientnet-lite0}"],
)  # fmt: skip
def test_names_are_no_paths(tmp_path: Path, base: str) -> None:
    assert arguments.base_path(loaded(tmp_path, base).recipe) is None


def test_paths_in_settings_start_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert arguments.base_path(loaded(tmp_path, "{run: 1}", {"base.file": "mine.h5"}).recipe) == "/mine.h5"


def test_setting_another_kind_replaces_the_one_of_the_file(tmp_path: Path) -> None:
    base = loaded(tmp_path, "{run: 1, input_size: 64}", {"base.application": "MobileNet"}).recipe.base
    assert base == Base(application="MobileNet", input_size=64)


@pytest.mark.parametrize(
    "given",
    [
        raw(),
        raw({"file": "/mine.keras", "scale": "none"}, source=DIGITS, pretrain={"epochs": 3, "learning_rate": 0.1}),
        {"source": DIGITS, "target": DIGITS},
    ],
)
def test_a_resolved_recipe_loads_again(given: dict[str, Any], tmp_path: Path) -> None:
    first = Recipe.model_validate(given)
    dumped = first.model_dump(mode="json")
    assert Recipe.model_validate(dumped) == first
    assert recipe_files.load(written(tmp_path, recipe_files.to_yaml(first))).recipe == first
    assert recipe_files.again("mine", "mine", dumped, {}, {"seed": 3}).recipe.seed == 3
    jsonschema.validate(dumped, SCHEMA)


def test_a_recipe_without_a_base_is_dumped_as_it_always_was() -> None:
    dumped = Recipe.model_validate({"source": DIGITS, "target": DIGITS}).model_dump(mode="json")
    assert "base" not in dumped and dumped["pretrain"]["architecture"] == "dense"


@pytest.mark.parametrize(
    "wrong", [{"target": DIGITS}, raw({"run": 1, "file": "a"}), {"source": DIGITS, **raw(), "base": {"runs": 1}}]
)
def test_the_schema_refuses_what_is_not_one_network(wrong: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_pictures_are_decoded_to_what_the_base_takes() -> None:
    folder = {"dataset": "folder", "path": "/photos"}
    lite = recipe({"package": "efficientnet-lite0", "input_size": 96}, target=folder)
    assert (picture_checks.image_size(lite, "target"), picture_checks.colour(lite, "target")) == ((96, 96), "rgb")
    own = recipe({"package": "efficientnet-lite0"}, target={**folder, "image_size": 64, "colour": "grey"})
    assert (picture_checks.image_size(own, "target"), picture_checks.colour(own, "target")) == ((64, 64), "grey")


def test_what_the_base_takes_may_be_for_itself_to_say() -> None:
    unknown = recipe({"run": 1}, target={"dataset": "folder", "path": "/photos"})
    assert picture_checks.image_size(unknown, "target") is None and picture_checks.colour(unknown, "target") == "auto"


@pytest.mark.parametrize(
    ("base", "called"),
    [
        ({"application": "MobileNetV2", "weights": "/w.h5"}, "MobileNetV2"),
        ({"file": "/nets/mine.keras"}, "mine.keras"),
        ({"kerashub": "/presets/mine/"}, "mine"),
        ({"kerashub": "resnet_18"}, "resnet_18"),
        ({"run": 12}, "run 12"),
        ({"run": "champion"}, "the champion"),
    ],
)
def test_pretrain_says_what_it_takes_in(base: dict[str, Any], called: str) -> None:
    assert said(recipe(base), "pretrain", "never ran") == f"takes in {called}: never ran"
    assert said(recipe(base), "freeze", "never ran") == "never ran"


def test_every_kind_has_a_description_and_a_place_in_the_form() -> None:
    assert set(KINDS) <= set(SCHEMA["$defs"]["Base"]["properties"])
    assert SCHEMA["properties"]["base"]["$ref"] == "#/$defs/Base"


@pytest.mark.parametrize(
    ("given", "scales"),
    [
        ({"source": DIGITS, "target": DIGITS}, True),
        ({"source": DIGITS, "target": DIGITS, "pretrain": {"scale": "none"}}, False),
        (raw(), True),
        (raw({"file": "/a.keras", "scale": "none"}), False),
    ],
)
def test_dark_pictures_are_looked_for_where_the_base_scales(given: dict[str, Any], scales: bool) -> None:
    assert arguments.scales_pixels(Recipe.model_validate(given)) is scales
