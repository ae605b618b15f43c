"""A trial: one arm of a study at one place of its axes with one seed, which is one run of the recipe."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows import recipe_files
from flows.recipe_files import LoadedRecipe
from flows.study.arms import FREE, OF_TRANSFER, RANDOM_HEAD, TRANSFER, Tuned, overrides
from flows.study.asked import Study

UNTIL_TUNED = "fine_tune"  # trials that choose on validation never get to see the test split
HOME = "as the recipe says"


@dataclass(frozen=True)
class Place:
    """Where on the axes of a study.

    Attributes:
        axis: `home` for the recipe itself, else `labels`, `depth`, `unfrozen` or `source`.
        value: on that axis, as people read it.
        settings: dotted key → value, laid over the recipe.
        arms: the arms that are looked at there.
    """

    axis: str
    value: Any
    settings: Mapping[str, Any] = field(hash=False)
    arms: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """A run that the study needs.

    Attributes:
        arm: that is judged by it; what is read off it (`arms.FREE`) has no trial of its own.
        place: on the axes.
        seed: the recipe's, so that labels, initialisation and order vary together, and are the same in all arms.
        loaded: the recipe with all of that.
    """

    arm: str
    place: Place
    seed: int
    loaded: LoadedRecipe


def places(study: Study) -> list[Place]:
    """The recipe's own first, then every axis. Axes show curves; the verdict is about the first."""
    found = [Place("home", HOME, {}, tuple(study.arms))]
    beside = tuple(arm for arm in study.arms if arm in (TRANSFER, "scratch", *OF_TRANSFER))
    found += [Place("labels", number, {"target.labels": number}, beside) for number in study.labels]
    cake = (TRANSFER, "head-only", "random-base", RANDOM_HEAD)
    found += [Place("depth", cut, {"clone_with_weights.layers": cut}, cake) for cut in study.depths]
    found += [Place("unfrozen", number, {"unfreeze.layers": number}, (TRANSFER,)) for number in study.unfrozen]
    for task in study.sources:
        settings = {f"source.task.{name}": value for name, value in task.items()}
        found.append(Place("source", _named(task), settings, (TRANSFER, "head-only")))
    return found


def _named(task: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in task.items())


def trials(
    study: Study, place: Place, seeds: Sequence[int], tuned: Mapping[str, Tuned], norms: bool
) -> Iterator[Trial]:
    """One for each seed and arm, seed by seed, so that a study that is stopped has whole seeds.

    Raises:
        RecipeError: an arm is no possible recipe.
    """
    base = recipe_files.load(study.recipe, {**study.set, **place.settings})
    for seed in seeds:
        for arm in place.arms:
            if arm not in FREE:
                own = overrides(arm, base.recipe, norms, tuned.get(arm))
                loaded = recipe_files.load(study.recipe, {**study.set, **place.settings, **own, "seed": seed})
                yield Trial(arm, place, seed, loaded)
