"""The validation images on which rates are chosen: out of the training images, never of the test split."""

from math import ceil
from typing import Any

from artifacts.errors import RecipeError
from artifacts.store import Store
from flows import arguments, recipe_files
from flows.recipe import Recipe
from flows.study.asked import Study
from tasks.finding import brings_validation

FEWEST = 30  # validation images a seed, where the recipe asks for fewer labels than that
OF_ALL = 0.3  # of the labels, where the recipe takes all there are


def _are_there(study: Study, further: dict[str, Any]) -> bool:
    """Whether the data have so many labels, as far as that is known before they are read."""
    try:
        recipe_files.load(study.recipe, {**study.set, **further})
    except RecipeError:
        return False
    return True


def is_there(recipe: Recipe) -> bool:
    """Whether a validation part is there already: kept by the recipe, or brought by its data.

    Pictures in files are listed for it, which takes seconds where they are many.

    Raises:
        DataError, BadData: the data cannot be looked at.
    """
    if recipe.target.validation > 0:
        return True
    return brings_validation(arguments.selection(recipe, "target"), recipe.target.path, Store(), "load_data.target")


def settings(study: Study, recipe: Recipe) -> dict[str, Any]:
    """Dotted key → value, laid over a trial that chooses on validation.

    A recipe that keeps a validation part keeps it, and data that bring one are validated on it. Else a trial is trained
    on just the labels that the arm will be trained on (`splits.draw` takes the same first ones of each class) and
    validated on as many again, 30 at least: a rate chosen on six of twenty labels would be chosen by chance, and the
    control a straw man. The further labels favour the arms that are chosen, never `transfer`. Where the recipe takes
    all labels, or there are not as many more, a part of them is held out.

    Raises:
        DataError: the data cannot be looked at.
    """
    target, fraction = recipe.target, study.scratch.validation
    if is_there(recipe):
        return {}
    if fraction is None and isinstance(target.labels, int):
        times = ceil(FEWEST / target.labels)
        further = {"target.labels": target.labels * (1 + times), "target.validation": times / (1 + times)}
        if _are_there(study, further):
            return further
    return {"target.validation": fraction or OF_ALL}
