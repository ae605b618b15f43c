"""Recipes as files: what loads, what overrides do, what a person is told about a wrong one."""

import string
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from artifacts.errors import RecipeError
from flows import recipe_layers
from flows.recipe import Recipe
from flows.recipe_files import load, names, parse_setting, schema, to_yaml

NOTEBOOK = """
seed: 0
source: {dataset: fashion_mnist, task: {one_vs_rest: 1}}
target: {dataset: fashion_mnist, task: {classes: all}, labels: all, validation: 0, gate: 0}
pretrain: {architecture: dense, widths: [128, 64, 32, 16], scale: none,
           epochs: 10, batch_size: 32, learning_rate: 0.001}
clone_with_weights: {layers: all, copy_weights: true, add_hidden: []}
freeze: {layers: all}
train_head: {epochs: 10, batch_size: 32, learning_rate: 0.001}
unfreeze: {layers: 2}
fine_tune: {epochs: 10, batch_size: 32, learning_rate: 0.0001}
evaluate: {}
"""
SMALL = "source: {dataset: fashion_mnist}\ntarget: {dataset: digits}\n"
OWN = {"dataset": "npz", "path": "/mine.npz"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes")


def load_text(folder: Path, text: str, overrides: dict[str, Any] | None = None) -> Recipe:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return load(str(file), overrides).recipe


def refusal(folder: Path, text: str, overrides: dict[str, Any] | None = None) -> str:
    with pytest.raises(RecipeError) as refused:
        load_text(folder, text, overrides)
    return str(refused.value)


def leaves(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


labels_of_classes = st.integers(0, 10**6) | st.text(min_size=1)
tasks = st.fixed_dictionaries({"one_vs_rest": labels_of_classes}) | st.fixed_dictionaries(
    {"classes": st.just("all") | st.lists(labels_of_classes, min_size=2, unique=True)}
)
small_floats = st.floats(1e-12, 0.99, allow_nan=False)
trainings = {"epochs": st.integers(1), "learning_rate": small_floats, "early_stopping": st.none() | st.integers(1)}
networks = {"architecture": st.sampled_from(["dense", "cnn"]), "dropout": small_floats, "batch_norm": st.booleans()}
own_file = st.fixed_dictionaries(
    {"dataset": st.just("npz"), "path": st.text(string.ascii_letters + "äß .#:-").map("/data/x{}x".format)},
    optional={"task": tasks, "labels": st.integers(1000), "validation": st.floats(0.2, 0.8)},
)
recipes = st.fixed_dictionaries(
    {"source": own_file, "target": own_file | st.just({"dataset": "digits", "validation": 0.2})},
    optional={
        "seed": st.integers(0),
        "pretrain": st.fixed_dictionaries({}, optional=trainings | networks),
        "clone_with_weights": st.fixed_dictionaries({"add_hidden": st.lists(st.integers(1, 10**9))}),
        "freeze": st.fixed_dictionaries({"layers": st.sampled_from(["all", 0, 2, "*_1", ["*_2", "*_1"], []])}),
        "fine_tune": st.fixed_dictionaries({}, optional=trainings),
    },
).map(Recipe.model_validate)


def test_the_quickstart_is_the_first_of_the_shipped_recipes() -> None:
    assert names() == [
        "quickstart",
        "fashion-mnist-cnn",
        "fashion-mnist-dense",
        "fashion-mnist-dense-random",
        "nightly",
        "photos",
        "textures",
    ]


@pytest.mark.parametrize("name", names())
def test_a_shipped_recipe_is_known_by_its_name_and_matches_the_schema(name: str) -> None:
    loaded = load(name)
    assert (loaded.name, loaded.title, loaded.overrides) == (name, name, {})
    jsonschema.validate(YAML(typ="safe", pure=True).load(to_yaml(loaded.recipe)), schema())


def test_the_notebooks_recipe_loads_as_written_and_ships(folder: Path) -> None:
    notebook = load_text(folder, NOTEBOOK)
    assert notebook == load("fashion-mnist-dense").recipe
    assert notebook.source.task.one_vs_rest == 1
    trained = recipe_layers.trainable_in_fine_tune(notebook).of(recipe_layers.base_layers(notebook), ())
    assert trained.trainable_layers == ("dense_3", "dense_4", "head")


def test_only_the_two_data_sets_must_be_given(folder: Path) -> None:
    recipe = load_text(folder, SMALL)
    assert (recipe.seed, recipe.pretrain.architecture, recipe.fine_tune.learning_rate) == (0, "dense", 1e-4)
    assert "`source.dataset`: missing" in refusal(folder, "source: {}\ntarget: {dataset: digits}")
    assert "`target`: missing" in refusal(folder, "source: {dataset: digits}")


def test_a_file_is_known_by_its_absolute_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_text(folder, SMALL)
    monkeypatch.chdir(folder)
    for way in ("mine.yaml", "./mine.yaml", str(folder / "mine.yaml")):
        assert (load(way).name, load(way).title) == (str(folder / "mine.yaml"), "mine")
    (folder / "without_suffix").write_text(SMALL)
    assert load("without_suffix").title == "without_suffix"
    assert load("mine.yaml", base=folder).name == str(folder / "mine.yaml")


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"No recipe named `quikstart`; did you mean `quickstart`\?.*path"):
        load("quikstart")


@pytest.mark.parametrize("text", ["", "# nothing\n", "3", "[1, 2]", "just text", "null"])
def test_a_file_that_is_no_mapping_is_refused(folder: Path, text: str) -> None:
    assert "expected a mapping" in refusal(folder, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed: 0\npretrain: {epochs: [1", "line 2, column"),
        ("seed: 0\nseed: 1\n", "duplicate key"),
        ("seed: !!python/name:os.system x", "not YAML"),
        ("seed: 2020-13-45", "not YAML"),
        ("seed: \x01", "not YAML"),
        ("[" * 700, "not YAML"),
        ("seed: 1\n---\nseed: 2", "single document"),
    ],
)
def test_a_file_that_is_not_yaml_is_refused_in_one_sentence(folder: Path, text: str, said: str) -> None:
    assert said in refusal(folder, text)
    assert "\n" not in refusal(folder, text)


def test_a_file_that_cannot_be_read_is_refused(folder: Path) -> None:
    (folder / "latin.yaml").write_bytes("seed: 0  # für".encode("latin-1"))
    for path, said in (("latin.yaml", "UTF-8"), ("absent.yaml", "No such file"), (".", "./")):
        with pytest.raises(RecipeError, match=said):
            load(path, base=folder)
    with pytest.raises(RecipeError, match="is a folder; expected a recipe"):
        load("./", base=folder)


def test_data_or_a_studys_file_in_a_recipes_place_is_called_by_its_name(folder: Path) -> None:
    (folder / "mine.npz").write_bytes(b"PK\x03\x04\xff")
    with pytest.raises(RecipeError, match="expected a recipe, found data.*dataset: npz, path: mine.npz"):
        load("mine.npz", base=folder)
    (folder / "asked.yaml").write_text("recipe: quickstart\narms: [transfer, scratch]\n")
    with pytest.raises(RecipeError, match="found the file of a study: graft study asked.yaml"):
        load("asked.yaml", base=folder)


@given(text=st.text())
@settings(max_examples=200, deadline=None)
def test_whatever_a_file_holds_the_answer_is_a_recipe_error(folder: Path, text: str) -> None:
    refusal(folder, text)


def test_numbers_are_those_of_yaml_1_2(folder: Path) -> None:
    assert load_text(folder, SMALL + "fine_tune: {learning_rate: 1e-5}").fine_tune.learning_rate == 1e-5
    assert "found 'yes'" in refusal(folder, SMALL + "clone_with_weights: {copy_weights: yes}")


@pytest.mark.parametrize("value", ["nan", ".nan", "inf", "-.inf", ".inf", "1e999"])
def test_nan_and_infinity_are_refused_however_they_are_set(folder: Path, value: str) -> None:
    key, parsed = parse_setting(f"fine_tune.learning_rate={value}")
    assert "`fine_tune.learning_rate`: expected a number > 0" in refusal(folder, SMALL, {key: parsed})


def test_a_setting_is_yaml() -> None:
    assert parse_setting("fine_tune.learning_rate=1e-5") == ("fine_tune.learning_rate", 1e-5)
    assert parse_setting("target.task = {classes: [0, 2]}") == ("target.task", {"classes": [0, 2]})
    assert parse_setting("source.path=/a=b.npz") == ("source.path", "/a=b.npz")
    assert parse_setting("fine_tune.early_stopping=null") == ("fine_tune.early_stopping", None)


@pytest.mark.parametrize("text", ["fine_tune.epochs", "=3", "a=", "a b=3", "a..b=3", "a=[1", "", "a={x: 1, x: 2}"])
def test_a_malformed_setting_is_refused(text: str) -> None:
    with pytest.raises(RecipeError):
        parse_setting(text)


def test_dotted_and_nested_overrides_are_the_same(folder: Path) -> None:
    dotted = load("quickstart", {"fine_tune.epochs": 3, "fine_tune.batch_size": 7, "seed": 4})
    nested = load("quickstart", {"fine_tune": {"epochs": 3, "batch_size": 7}, "seed": 4})
    assert dotted == nested
    assert dotted.overrides == {"fine_tune.epochs": 3, "fine_tune.batch_size": 7, "seed": 4}
    assert (dotted.recipe.fine_tune.epochs, dotted.recipe.fine_tune.learning_rate) == (3, 3e-4)


@pytest.mark.parametrize("override", [{"target.task.one_vs_rest": 3}, {"target": {"task": {"one_vs_rest": 3}}}])
def test_setting_one_member_of_a_task_replaces_the_other(override: dict[str, Any]) -> None:
    task = load("quickstart", override).recipe.target.task
    assert (task.one_vs_rest, task.classes) == (3, None)


def test_setting_both_members_of_a_task_is_refused() -> None:
    with pytest.raises(RecipeError, match="`target.task`: expected exactly one"):
        load("quickstart", {"target.task.one_vs_rest": 3, "target.task.classes": [0, 1]})


def test_a_setting_reaches_one_section_where_an_alias_shares_two(folder: Path) -> None:
    text = "source: &same {dataset: digits, task: {classes: [0, 1]}}\ntarget: *same"
    recipe = load_text(folder, text, {"target.task.classes": [2, 3]})
    assert (recipe.source.task.classes, recipe.target.task.classes) == ([0, 1], [2, 3])


def test_an_alias_within_itself_is_refused(folder: Path) -> None:
    assert "`source.dataset`" in refusal(folder, "source: &a {dataset: *a}\ntarget: {dataset: digits}")
    endless: dict[str, Any] = {}
    endless["target"] = endless
    assert "unknown key" in refusal(folder, SMALL, endless)


def test_a_setting_below_a_plain_value_is_refused(folder: Path) -> None:
    assert "`seed.x` cannot be set: `seed` is 0" in refusal(folder, SMALL + "seed: 0", {"seed.x": 1})


def test_paths_start_from_the_file_and_those_of_overrides_from_the_working_directory(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/someone")
    text = "source: {dataset: npz, path: data/../mine.npz}\ntarget: {dataset: npz, path: ~/theirs.npz}"
    recipe = load_text(folder, text)
    assert (recipe.source.path, recipe.target.path) == (str(folder / "mine.npz"), "/home/someone/theirs.npz")
    assert load_text(folder, text, {"target": {"path": "x.npz"}}).target.path == str(tmp_path / "x.npz")
    other = load(str(folder / "mine.yaml"), {"target.path": "x.npz"}, base=folder)
    assert other.recipe.target.path == other.overrides["target.path"] == str(folder / "x.npz")


@given(recipe=recipes)
@example(recipe=Recipe.model_validate({"source": OWN | {"task": {"one_vs_rest": "a\x85b"}}, "target": OWN}))
@settings(deadline=None)
def test_a_printed_recipe_loads_to_an_equal_one(folder: Path, recipe: Recipe) -> None:
    assert load_text(folder, to_yaml(recipe)) == recipe


@given(recipe=recipes)
@settings(deadline=None, max_examples=30)
def test_a_valid_recipe_matches_the_published_schema(recipe: Recipe) -> None:
    jsonschema.validate(YAML(typ="safe", pure=True).load(to_yaml(recipe)), schema())


@given(recipe=recipes, data=st.data())
@settings(deadline=None)
def test_setting_a_key_to_its_own_value_changes_nothing(folder: Path, recipe: Recipe, data: st.DataObject) -> None:
    own = leaves(recipe.model_dump())
    key = data.draw(st.sampled_from(sorted(own)))
    assert load_text(folder, to_yaml(recipe), {key: own[key]}) == recipe
    assert load_text(folder, to_yaml(recipe), own) == recipe
