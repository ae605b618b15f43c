"""What the README says is held against the code: keys, defaults, commands, options, variables, paths, examples."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from ruamel.yaml import YAML

from artifacts import array_codecs
from artifacts.store import Store
from flows import arguments, recipe_files
from flows.cli import app
from flows.recipe import Recipe
from flows.recipe_base import Base
from tasks import finding
from tasks.load_data import load_data

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LEAST = {"source": {"dataset": "digits"}, "target": {"dataset": "digits"}}
PLATFORM_VARIABLES = {"PREFECT_API_URL", "KERAS_HOME"}  # read by Prefect and by `tasks/sources.py`


def section(title: str) -> str:
    """The text below a heading of the second level."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def blocks(language: str, text: str = README) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def rows(text: str) -> list[list[str]]:
    """The cells of all tables' rows, headings and rulers included."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]


def documented_keys() -> dict[str, str]:
    """Key → what the reference's column of defaults says."""
    reference = rows(section("Recipe reference"))[2:]
    return {key: cells[-1].rstrip(" |") for cells in reference for key in re.findall(r"`([\w.]+)`", cells[0])}


def schema_keys(node: Mapping[str, Any], root: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted path of every key without keys of its own."""
    for name, child in node.get("properties", {}).items():
        opened = root["$defs"][child["$ref"].rsplit("/", 1)[-1]] if "$ref" in child else child
        if opened.get("properties"):
            yield from schema_keys(opened, root, f"{prefix}{name}.")
        else:
            yield prefix + name


def default_of(key: str) -> Any:
    if key.startswith("base."):  # a recipe leaves out what it does not have
        return Base(run=1).model_dump().get(key.removeprefix("base."))
    value: Any = Recipe.model_validate(LEAST).model_dump()
    for part in key.split("."):
        value = value[part]
    return value


def command_lines() -> list[list[str]]:
    """Every `graft …` in blocks and between backquotes, in words."""
    quoted = re.findall(r"`graft ([^`]*)`", README)
    shown = re.findall(r"^\$? ?graft ([a-z].*)$", "\n".join(blocks("(?:console|sh)")), re.MULTILINE)
    return [line.split() for line in quoted + shown]


def test_the_reference_names_every_key_and_no_other() -> None:
    schema = recipe_files.schema()
    assert sorted(documented_keys()) == sorted(schema_keys(schema, schema))


def test_the_reference_gives_the_defaults_that_the_code_has() -> None:
    yaml = YAML(typ="safe", pure=True)
    plain = {key: cell for key, cell in documented_keys().items() if re.fullmatch("`[^`]*`", cell)}
    told = {key: yaml.load(cell.strip("`")) for key, cell in plain.items()}
    assert len(told) > 35
    assert told == {key: default_of(key) for key in told}


def test_the_defaults_that_depend_on_the_architecture_are_told() -> None:
    cell = documented_keys()["pretrain.widths"]
    for kind in ("dense", "cnn"):
        recipe = Recipe.model_validate({**LEAST, "pretrain": {"architecture": kind}})
        assert f"`{recipe.pretrain.widths}` for {kind}" in cell
        assert f"{str(recipe.pretrain.batch_norm).lower()} for {kind}" in documented_keys()["pretrain.batch_norm"]


def test_the_commands_and_options_exist() -> None:
    commands = typer.main.get_command(app).commands
    lines = command_lines()
    assert {words[0] for words in lines} == set(commands)
    for command, *words in lines:
        known = {option for parameter in commands[command].params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= known, command


def test_every_option_of_run_is_explained() -> None:
    command = typer.main.get_command(app).commands["run"]
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert options <= set(re.findall(r"--[a-z]+", " ".join(cells[0] for cells in rows(section("Rerunning")))))


def test_the_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    first = re.findall(r"^make ([a-z-]+)", blocks("sh", section("Start"))[0], re.MULTILINE)
    named = {*first, *re.findall(r"`make (?:PYTHON=\S+ )?([a-z-]+)`", README)}
    assert first == ["demo", "test"]
    assert {"lint", "test-slow", "lock"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


def test_the_variables_of_graft_are_those_that_the_code_reads() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for room in ("flows", "tasks", "artifacts") for path in sources(room)
    )
    told = set(re.findall(r"`([A-Z]+_[A-Z_]+)` \|", section("Rerunning")))
    assert told == set(re.findall(r"GRAFT_[A-Z]+", code)) | PLATFORM_VARIABLES


def sources(room: str) -> Iterator[Path]:
    return (ROOT / room).rglob("*.py")


def test_the_shipped_recipes_are_listed() -> None:
    told = [cells[0].strip("|` ") for cells in rows(section("Three ways to use it"))[2:]]
    assert sorted(told) == sorted(recipe_files.names())


def test_what_the_tree_and_the_links_name_is_there() -> None:
    folders: list[str] = []
    entries = re.findall(r"^( *)(\S+) {2,}", blocks("text", section("The repository"))[0], re.MULTILINE)
    for indent, name in entries:
        folders[len(indent) // 2 :] = [name]
        assert list(ROOT.glob("".join(folders))), "".join(folders)
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(entries) > 30 and linked
    assert [link for link in linked if not (ROOT / link).is_file()] == []


@pytest.mark.parametrize("text", blocks("yaml"))
def test_the_example_recipes_load(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert recipe_files.load(str(tmp_path / "mine.yaml")).recipe.pretrain.architecture == "cnn"


def test_the_python_example_imports_what_is_there() -> None:
    compile(blocks("python")[0], "README.md", "exec")
    assert "from flows.transfer_learning import transfer_learning\n" in blocks("python")[0]
    flow = (ROOT / "flows" / "transfer_learning.py").read_text(encoding="utf-8")
    for argument in re.findall(r"(\w+)=", blocks("python")[0]):
        assert re.search(rf"^    {argument}: ", flow, re.MULTILINE), argument


def test_a_folder_of_pictures_becomes_a_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint_pictures(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path / "store")
    monkeypatch.setenv("GRAFT_STORE", str(store.root))
    (tmp_path / "mine.yaml").write_text(blocks("yaml", section("Your own data"))[0], encoding="utf-8")
    recipe = recipe_files.load("mine.yaml").recipe
    files = finding.files("folder", recipe.target.path, store, "load_data.target", download=False)
    folder = store.folder(load_data.fn("target", arguments.selection(recipe, "target"), files)["dataset"])
    images, labels = array_codecs.read_part(folder, "train")
    assert (images.shape, images.dtype) == ((6, 64, 64, 1), np.uint8)  # grey, as the base
    assert {int(images[labels == label].max()) for label in (0, 1)} == {67, 32}  # of the reds, and of the blues
    assert sorted(array_codecs.read_part(folder, "test")[1].tolist()) == [0, 1]


def paint_pictures(folder: Path) -> None:
    """Three red cats and blue dogs of various sizes to train on, and one of each to test on."""
    for split, count in (("train", 3), ("test", 1)):
        for name, colour in (("cat", (200, 10, 10)), ("dog", (10, 10, 200))):
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (40 + 30 * number, 50), colour).save(folder / split / name / f"{number}.png")


def test_no_path_of_a_developers_machine_is_named() -> None:
    assert re.findall(r"/(?:tmp|work|root|home|Users)/\S*", README) == []
