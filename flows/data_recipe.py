"""What `graft data` is given: a recipe, or data alone, for which a recipe is made that only names it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows import recipe_files
from flows.recipe import Recipe
from flows.recipe_files import LoadedRecipe

TABLES = (".csv", ".parquet")


def loaded(wanted: str, overrides: Mapping[str, Any]) -> LoadedRecipe:
    """The recipe that `wanted` names, or that of the data that lies there.

    Raises:
        RecipeError: no such recipe, or a wrong one.
    """
    if not is_data(wanted):
        return recipe_files.load(wanted, overrides)
    return recipe_of(Path(wanted).expanduser().absolute(), overrides)


def is_data(wanted: str) -> bool:
    """Whether `wanted` is a folder, a table or an npz file rather than a recipe."""
    path = Path(wanted).expanduser()
    named = wanted in recipe_files.names()
    return not named and (path.is_dir() or (path.is_file() and _dataset(path) is not None))


def recipe_of(path: Path, overrides: Mapping[str, Any]) -> LoadedRecipe:
    """A recipe with the data at `path` as its target, and as its source too, so that nothing is read for it."""
    data = {"dataset": _dataset(path), "path": str(path)}
    recipe = Recipe.model_validate({"source": data, "target": data})
    return recipe_files.again(str(path), path.stem, recipe.model_dump(mode="json"), {}, overrides)


def _dataset(path: Path) -> str | None:
    if path.is_dir():
        return "folder"
    suffix = path.suffix.lower()
    return "npz" if suffix == ".npz" else "list" if suffix in TABLES else None
