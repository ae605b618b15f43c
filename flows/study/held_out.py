"""The validation images on which rates are chosen: out of the training images or the data's own part for it, never of
the test split."""

from math import ceil
from typing import Any

from artifacts.errors import RecipeError, UsageError
from artifacts.store import Store
from flows import arguments, recipe_files
from flows.recipe import Recipe
from flows.study.asked import Study
from tasks.finding import OwnParts, own_parts

FEWEST = 30  # validation images a seed, where the recipe asks for fewer labels than that
OF_ALL = 0.3  # of the labels, where the recipe takes all there are
SURELY = 0.9  # of the images that are left on average where some are set aside by their content first


def is_there(recipe: Recipe) -> bool:
    """Whether a validation part is there already: kept by the recipe, or brought by its data.

    Pictures in files are listed for it, which takes seconds where they are many.

    Raises:
        DataError, BadData: the data cannot be looked at.
    """
    return recipe.target.validation > 0 or _brought(_own_parts(recipe))


def settings(study: Study, recipe: Recipe) -> dict[str, Any]:
    """Dotted key → value, laid over a trial that chooses on validation.

    A recipe that keeps a validation part keeps it, and data that bring one are validated on it. Else a trial is trained
    on just the labels that the arm will be trained on (`splits.draw` takes the same first ones of each class) and
    validated on as many again, 30 at least: a rate chosen on six of twenty labels would be chosen by chance, and the
    control a straw man. The further labels favour the arms that are chosen, never `transfer`. Where the recipe takes
    all labels, or there are not as many more, a part of them is held out.

    Raises:
        DataError, BadData: the data cannot be looked at. UsageError: `scratch.validation` beside a validation part.
    """
    target, fraction = recipe.target, study.scratch.validation
    own = None if target.validation else _own_parts(recipe)
    if target.validation or _brought(own):
        if fraction is not None:
            whose = "`target.validation` keeps one" if target.validation else "the data bring one of their own"
            raise UsageError(
                f"`scratch.validation`: expected it only where there is no validation part; {whose}, and rates are "
                "chosen on that. Leave it out."
            )
        return {}
    if fraction is None and isinstance(target.labels, int):
        times = ceil(FEWEST / target.labels)
        further = {"target.labels": target.labels * (1 + times), "target.validation": times / (1 + times)}
        if _are_there(study, further) and further["target.labels"] <= _training(recipe, own):
            return further
    return {"target.validation": fraction or OF_ALL}


def _own_parts(recipe: Recipe) -> OwnParts | None:
    return own_parts(arguments.selection(recipe, "target"), recipe.target.path, Store(), "load_data.target")


def _brought(own: OwnParts | None) -> bool:
    return own is not None and own.validation > 0


def _are_there(study: Study, further: dict[str, Any]) -> bool:
    """Whether the data have so many labels, as far as that is known before they are read."""
    try:
        recipe_files.load(study.recipe, {**study.set, **further})
    except RecipeError:
        return False
    return True


def _training(recipe: Recipe, own: OwnParts | None) -> float:
    """How many of a user's own images there are at least to draw labels from; a gate, a test part by content and
    images left out take some of them."""
    if own is None:
        return float("inf")  # known by the recipe's own check
    target = recipe.target
    left = own.training * (1 - target.gate) * (1 - (target.test or 0.0))
    return left if left == own.training and target.duplicates != "drop" else SURELY * left
