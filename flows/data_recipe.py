"""What `graft data` is given: a recipe, or data alone, for which a recipe is made that only names it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts.store import Store
from flows import recipe_files
from flows.recipe import Recipe
from flows.recipe_files import LoadedRecipe
from tasks.pictures.listing import listing
from tasks.pure.readers import LISTED

TABLES = (".csv", ".tsv", ".parquet", ".pq")
TEST = 0.2  # of pictures that nobody has divided yet
SIDE = 96  # pixels, where pictures differ in size


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
    return not named and (path.is_dir() or (path.is_file() and _dataset(path) != ""))


def recipe_of(path: Path, overrides: Mapping[str, Any]) -> LoadedRecipe:
    """A recipe with the data at `path` as its target, and as its source too, so that nothing is read for it.

    Raises:
        DataError: a folder or table that is not clear about what belongs where.
    """
    dataset = _dataset(path)
    data = {"dataset": dataset, "path": str(path), **(_missing(dataset, path) if dataset in LISTED else {})}
    recipe = Recipe.model_validate({"source": data, "target": data})
    return recipe_files.again(str(path), path.stem, recipe.model_dump(mode="json"), {}, overrides)


def assumed(loaded: LoadedRecipe) -> list[str]:
    """What was taken for granted to look at data that came without a recipe: a recipe over them must say it."""
    target = loaded.recipe.target
    test = (
        f"No pictures are set apart for testing: for this look {100 * (target.test or 0):g} % were, by their content. "
        f"A recipe over them needs `test: {target.test or 0:g}`, or the folders or the table must say which."
    )
    size = (
        f"The pictures differ in size: for this look they were fitted into {target.image_size} × {target.image_size}. "
        f"A recipe over them needs `image_size`."
    )
    said = {"target.test": test if target.test else "", "target.image_size": size if target.image_size else ""}
    return [sentence for key, sentence in said.items() if sentence and key not in loaded.overrides]


def _missing(dataset: str, path: Path) -> dict[str, Any]:
    """What a recipe would have to say of pictures, to look at them: a test part, and one size."""
    found = listing(dataset, path, Store(), "load_data.target")
    sizes = {(each.header.height, each.header.width) for each in found.pictures if each.header.format}
    test = {} if "test" in {each.part for each in found.pictures} else {"test": TEST}
    size = {"image_size": SIDE, "fit": "pad"} if len(sizes) > 1 else {}
    return {**test, **size, "on_damaged": "skip"}


def _dataset(path: Path) -> str:
    """The data set's name; "" where `path` is none."""
    if path.is_dir():
        return "folder"
    suffix = path.suffix.lower()
    return "npz" if suffix == ".npz" else "list" if suffix in TABLES else ""
