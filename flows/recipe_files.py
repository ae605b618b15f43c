"""Recipes as YAML: those that ship with graft, a user's own, and settings that override them.

YAML 1.2, so that `1e-5` is a number and `no` is text; a key that is there twice is refused.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from artifacts.errors import RecipeError
from flows import recipe_base
from flows.recipe import Recipe
from flows.recipe_checks import explain, found, nearest
from flows.recipe_data import Task

SHIPPED = Path(__file__).parent / "recipes"
DATA_SECTIONS = ("source", "target")
MAX_DEPTH = 8  # no recipe is as deep; what is (an alias within itself) is refused whole instead of walked
DATA_FILES = (".npz", ".npy", ".h5", ".hdf5", ".keras", ".png", ".jpg", ".jpeg", ".zip", ".parquet", ".pkl")
OF_ARRAYS = "`target: {dataset: npz, path: mine.npz, …}`"
OF_PICTURES = "`target: {dataset: folder, path: photos, …}`"
EXAMPLE = "write `key=value`, for example `fine_tune.learning_rate=1e-5`"


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe and where it came from.

    Attributes:
        name: what runs are filed under: the shipped name, or the file's absolute path.
        title: the shipped name, or the file's stem.
        recipe: the recipe with the overrides in it, paths absolute, every default filled in.
        overrides: dotted key to value, paths absolute.
    """

    name: str
    title: str
    recipe: Recipe
    overrides: dict[str, Any]


def names() -> list[str]:
    """The shipped recipes: `quickstart`, then the others by name."""
    return sorted((file.stem for file in SHIPPED.glob("*.yaml")), key=lambda name: (name != "quickstart", name))


def purpose(name: str) -> str:
    """What a shipped recipe is for: the first line of its comment."""
    return (SHIPPED / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0].lstrip("# ")


def load(recipe: str, overrides: Mapping[str, Any] | None = None, base: Path | None = None) -> LoadedRecipe:
    """Read a recipe, lay overrides over it, and check the whole.

    Args:
        recipe: a shipped name, or the path of a YAML file.
        overrides: dotted keys or nested mappings. Setting one member of a `task` replaces the others,
            and so does setting another kind of `base`.
        base: folder that a relative path of the recipe, and paths in overrides, start from; by default the working
            directory. Paths in the file start from the file's own folder.

    Raises:
        RecipeError: no such recipe, unreadable, or wrong; the message names every problem.
    """
    folder = Path(base or Path.cwd()).absolute()
    file = _find(recipe, folder)
    shipped = file.parent == SHIPPED and file.stem == recipe
    raw = _absolute_paths(read(file), file.parent)
    if "recipe" in raw:
        raise RecipeError(f"Recipe {file}: expected a recipe, found the file of a study: graft study {recipe}")
    flat = {key: _absolute_if_path(key, value, folder) for key, value in flattened(overrides or {})}
    title = recipe if shipped else file.stem
    merged = _merge(raw, flat, title)
    return LoadedRecipe(recipe if shipped else str(file), title, _validate(merged, title), flat)


def again(
    name: str, title: str, resolved: Mapping[str, Any], before: Mapping[str, Any], overrides: Mapping[str, Any]
) -> LoadedRecipe:
    """The recipe of a past run, as it was resolved then, with further overrides laid over it.

    Args:
        name, title, resolved, before: from the run's record: recipe, title, resolved recipe, overrides.
        overrides: dotted keys or nested mappings.

    Raises:
        RecipeError: the whole is wrong; the message names every problem.
    """
    flat = {key: _absolute_if_path(key, value, Path.cwd()) for key, value in flattened(overrides)}
    merged = _merge(_without_nulls(resolved), flat, title)
    return LoadedRecipe(name, title, _validate(merged, title), {**before, **flat})


def _without_nulls(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """A task names one of its members; the other, null in a resolved recipe, is left out as a person would."""
    raw = {key: dict(value) if isinstance(value, Mapping) else value for key, value in resolved.items()}
    for section in [name for name in DATA_SECTIONS if name in raw]:
        task = raw[section]["task"]
        raw[section]["task"] = {member: value for member, value in task.items() if value is not None}
    return raw


def parse_setting(text: str) -> tuple[str, Any]:
    """Split `--set`'s argument: "fine_tune.learning_rate=1e-5" -> ("fine_tune.learning_rate", 1e-05).

    The value is YAML, so `[0, 2]`, `true` and `{classes: all}` are what they look like.

    Raises:
        RecipeError: no `=`, no key, no value, or a value that is not YAML.
    """
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not value or not all(part.isidentifier() for part in key.split(".")):
        raise RecipeError(f"Expected a setting as key=value, found {text!r}; {EXAMPLE}. `null` unsets.")
    return key, _parse(value, f"Setting `{key}`")


def to_yaml(recipe: Recipe) -> str:
    """The recipe with every default filled in, as YAML that loads to an equal `Recipe`."""
    from ruamel.yaml import YAML

    yaml, stream = YAML(), StringIO()
    yaml.width = 110
    yaml.Representer = _representer()
    yaml.dump({key: _laid_out(value) for key, value in recipe.model_dump().items()}, stream)
    return stream.getvalue()


def schema() -> dict[str, Any]:
    """The JSON schema of a recipe file, from which editors complete YAML."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Recipe.model_json_schema(),
        "title": "graft recipe",
    }


def _find(recipe: str, folder: Path) -> Path:
    if recipe in names():
        return SHIPPED / f"{recipe}.yaml"
    path = Path(os.path.abspath(folder / os.path.expanduser(recipe)))
    if recipe and path.is_dir():
        raise RecipeError(
            f"{path} is a folder; expected a recipe, which is a YAML file that names its data: {OF_PICTURES}. "
            f"`graft data {recipe}` looks at pictures without a recipe."
        )
    if os.sep in recipe or "/" in recipe or recipe.endswith((".yaml", ".yml")) or (recipe and path.is_file()):
        return path
    raise RecipeError(
        f"No recipe named `{recipe}`; did you mean `{nearest(recipe, names())}`? Those that ship: "
        f"{', '.join(f'`{name}`' for name in names())}. For a file of your own pass its path, such as ./mine.yaml."
    )


def read(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        what = "YAML as UTF-8, found another encoding; save as UTF-8"
        if file.suffix in DATA_FILES:
            what = f"a recipe, found data. A recipe is a YAML file that names its data: {OF_ARRAYS}"
        raise RecipeError(f"Recipe {file}: expected {what}.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = "Pass the path of a YAML file, or a shipped name."
        raise RecipeError(f"Recipe {file} cannot be read: {reason}. {advice}") from error
    raw = _parse(text, f"Recipe {file}")
    if not isinstance(raw, dict):
        what = "nothing" if raw is None else found(raw)
        sections = "the sections `source` (or `base`) and `target`"
        raise RecipeError(f"Recipe {file}: expected a mapping with {sections}, found {what}.")
    return raw


def _parse(text: str, what: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        reason = ", ".join(" ".join(part.split()) for part in (error.context, error.problem) if part)
        raise RecipeError(f"{what} is not YAML: {where}{reason}.") from error
    # ruamel lets Python's own errors through for values such as 2020-13-45, and for nesting without end.
    except (YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RecipeError(f"{what} is not YAML: {' '.join(str(error).split())}.") from error


def flattened(nested: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in nested.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and dotted.count(".") < MAX_DEPTH:
            yield from flattened(value, f"{dotted}.")
        else:
            yield dotted, list(value) if isinstance(value, tuple) else value


def _absolute_paths(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    for name in (*DATA_SECTIONS, "base"):
        section = raw.get(name)
        if isinstance(section, dict):
            raw[name] = {key: _absolute_if_path(f"{name}.{key}", value, folder) for key, value in section.items()}
    return raw


def _absolute_if_path(key: str, value: Any, folder: Path) -> Any:
    of_data = key in [f"{name}.path" for name in DATA_SECTIONS] and isinstance(value, str) and value
    is_path = of_data or recipe_base.is_path(key, value)
    return os.path.abspath(folder / os.path.expanduser(value)) if is_path else value


def _merge(raw: dict[str, Any], flat: Mapping[str, Any], title: str) -> dict[str, Any]:
    merged: dict[str, Any] = _unshared(raw)
    for name in DATA_SECTIONS:
        _forget_replaced_task(merged.get(name), {key for key in flat if flat[key] is not None}, name)
    _forget_replaced_base(merged.get("base"), {key for key in flat if flat[key] is not None})
    for key, value in flat.items():
        *parents, last = key.split(".")
        node = merged
        for depth, parent in enumerate(parents):
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                at = ".".join(parents[: depth + 1])
                raise RecipeError(f"Recipe `{title}`: `{key}` cannot be set: `{at}` is {found(node)}, not a mapping.")
        if value == {}:
            node.setdefault(last, {})  # an empty mapping laid over a mapping changes nothing
        else:
            node[last] = value
    return merged


def _unshared(value: Any, depth: int = 0) -> Any:
    """A copy in which no two places share a mapping, as YAML's aliases do: a setting of one must not reach another."""
    if isinstance(value, dict) and depth < MAX_DEPTH:
        return {key: _unshared(inner, depth + 1) for key, inner in value.items()}
    return value


def _forget_replaced_task(section: Any, keys: set[str], name: str) -> None:
    task = section.get("task") if isinstance(section, dict) else None
    if isinstance(task, dict) and any(f"{name}.task.{member}" in keys for member in Task.model_fields):
        for member in Task.model_fields:
            task.pop(member, None)


def _forget_replaced_base(base: Any, keys: set[str]) -> None:
    """Another network is named: the one of the file is not meant any more."""
    if isinstance(base, dict) and any(f"base.{kind}" in keys for kind in recipe_base.KINDS):
        for kind in recipe_base.KINDS:
            base.pop(kind, None)


def _validate(raw: Mapping[str, Any], title: str) -> Recipe:
    try:
        return Recipe.model_validate(raw)
    except ValidationError as error:
        problems = explain(error, raw, schema())
        start, between = (f"Recipe `{title}`: ", "") if len(problems) == 1 else (f"Recipe `{title}`:\n- ", "\n- ")
        raise RecipeError(start + between.join(problems)) from error


def _laid_out(value: Any) -> Any:
    """A section as ruamel lays it out: one key a line, lists and the task on the key's own line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    if not isinstance(value, dict):
        return value
    laid_out = CommentedMap()
    for key, inner in value.items():
        if isinstance(inner, dict):
            inner = CommentedMap((name, member) for name, member in inner.items() if member is not None)
        elif isinstance(inner, list):
            inner = CommentedSeq(inner)
        if isinstance(inner, CommentedMap | CommentedSeq):
            inner.fa.set_flow_style()
        laid_out[key] = inner
    return laid_out


def _representer() -> Any:
    """ruamel's representer, but `null` is written out, and text with odd line breaks is escaped: \\x85 was lost."""
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        def represent_none(self, data: None) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:null", "null")

        def represent_str(self, data: str) -> Any:
            return self.represent_scalar("tag:yaml.org,2002:str", data, style=None if data.isprintable() else '"')

    Representer.add_representer(type(None), Representer.represent_none)
    Representer.add_representer(str, Representer.represent_str)
    return Representer
