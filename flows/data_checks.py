"""What a recipe refuses of its data once that has been looked at, before anything is trained on it."""

from collections.abc import Mapping
from typing import Any

from flows.recipe import Recipe
from tasks.pure.data.problems import Names, examples, leaks
from tasks.pure.data.ranges import PixelRange, apart
from tasks.pure.errors import BadData

LEAKS = ("train|test", "validation|test", "source train|target test")


def check(recipe: Recipe, found: Mapping[str, Any], names: Names) -> None:
    """Refuse data that must not be trained on as this recipe says.

    Args:
        found: an inspection, as `looks.findings` makes it.
        names: what files are called, see `problems.examples`.

    Raises:
        BadData: every reason, a line each.
    """
    reasons = refusals(recipe, found, names)
    if reasons:
        raise BadData("\n".join(reasons))


def refusals(recipe: Recipe, found: Mapping[str, Any], names: Names) -> list[str]:
    """Why this recipe must not be trained on that data, a sentence each; empty where it may."""
    scales = apart({f"the {role}": _range(found[role]) for role in ("source", "target") if role in found})
    return [*filter(None, [scales]), *_duplicates(recipe, found, names), *_early_stopping(recipe, found)]


def _range(found: Mapping[str, Any]) -> PixelRange:
    low, high = found["pixels"]["train"]
    return PixelRange(low, high, found["floats"])


def _duplicates(recipe: Recipe, found: Mapping[str, Any], names: Names) -> list[str]:
    count = len(found["trained_on"])
    if recipe.target.duplicates != "refuse" or not count:
        return []
    exact, near = leaks(found, LEAKS)
    return [
        f"`target.duplicates: refuse`: expected no test image that is trained on, found {count:,} ({exact:,} exact "
        f"copies, {near:,} near ones, in any training part): {examples(found, LEAKS, names)}. Take them out of one "
        "part, or set `target.duplicates` to `drop` or `report`."
    ]


def _early_stopping(recipe: Recipe, found: Mapping[str, Any]) -> list[str]:
    trainings = (("pretrain", "source"), ("train_head", "target"), ("fine_tune", "target"))
    return [
        f"`{step}.early_stopping` stops by the validation loss, but the data of `{role}` has no validation part. Set "
        f"`{role}.validation`, such as 0.2, or leave `{step}.early_stopping` out."
        for step, role in trainings
        if role in found
        and getattr(recipe, step).early_stopping is not None
        and "validation" not in found[role]["parts"]
    ]
