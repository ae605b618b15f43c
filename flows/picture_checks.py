"""What is wrong with a section that reads a user's own data, known before any file is read; and what the base makes of
the keys about pictures that are left to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows.base_shape import base_shape
from tasks.pure.data.decoding import check_colour
from tasks.pure.errors import BadData
from tasks.pure.readers import LISTED

if TYPE_CHECKING:
    from flows.recipe import Recipe
    from flows.recipe_data import DataSection

EXAMPLES = {"npz": "a file, such as `path: mine.npz`", "folder": "a folder of pictures, such as `path: photos`",
            "list": "a table, such as `path: labels.csv`"}  # fmt: skip
OF_PICTURES = ("test", "image_size", "fit", "colour", "background", "value_range", "on_damaged")
# Height, width and channels of the images of the data sets that graft knows.
SHAPES = {
    "fashion_mnist": (28, 28, 1), "fashion_mnist_sample": (28, 28, 1), "mnist": (28, 28, 1), "digits": (8, 8, 1),
    "cifar10": (32, 32, 3), "cifar100": (32, 32, 3),
}  # fmt: skip


def own_problems(section: str, data: DataSection) -> list[str]:
    """What is wrong with `path` and the keys about pictures."""
    problems = []
    if data.dataset in EXAMPLES and data.path is None:
        problems.append(
            f"`{section}.path`: missing; data set `{data.dataset}` needs the path of {EXAMPLES[data.dataset]}"
        )
    if data.dataset not in LISTED:
        return problems + _not_of_pictures(section, data)
    if data.value_range is not None and not data.value_range[0] < data.value_range[1]:
        problems.append(f"`{section}.value_range`: expected a lower and a higher value, found {data.value_range}")
    try:
        check_colour(data.background)
    except BadData as problem:
        problems.append(f"`{section}.background`: {problem}")
    return problems


def _not_of_pictures(section: str, data: DataSection) -> list[str]:
    """Keys that would be passed over in silence: the images of such data sets are arrays already."""
    defaults = {name: type(data).model_fields[name].default for name in OF_PICTURES}
    return [
        f"`{section}.{name}`: only the data sets `folder` and `list` have pictures to decode; the images of "
        f"`{data.dataset}` are arrays already. Leave it out"
        for name in OF_PICTURES
        if getattr(data, name) != defaults[name]
    ]


def image_size(recipe: Recipe, role: str) -> tuple[int, int] | None:
    """(height, width) that pictures of `role` are decoded to; None where their files have to say it.

    The base resizes the target's images to its own size anyway, and smoothing while decoding is better than that.
    """
    section = recipe.data_section(role)
    if isinstance(section.image_size, int):
        return section.image_size, section.image_size
    if section.image_size is not None:
        return section.image_size[0], section.image_size[1]
    if section.dataset not in LISTED:
        return None
    if recipe.base is not None:
        shape = base_shape(recipe.base)
        return shape[:2] if shape else None
    if role == "source":
        return None
    known = SHAPES.get(recipe.data_section("source").dataset)
    return known[:2] if known else image_size(recipe, "source")


def colour(recipe: Recipe, role: str) -> str:
    """`grey`, `rgb` or `auto`, the last where only the files can say it."""
    section = recipe.data_section(role)
    if section.colour != "auto" or section.dataset not in LISTED:
        return section.colour
    if recipe.base is not None:
        shape = base_shape(recipe.base)
        return _colour(shape) if shape else "auto"
    if role == "source":
        return "auto"
    source = recipe.data_section("source")
    known = SHAPES.get(source.dataset)
    return _colour(known) if known else source.colour


def _colour(shape: tuple[int, int, int]) -> str:
    return "grey" if shape[2] == 1 else "rgb"
