"""What a sweep writes down before its first run; and the trials that follow from it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artifacts.studies import StudyRecord
from flows.recipe_files import LoadedRecipe
from flows.study.trials import UNTIL_TUNED, Place, Trial
from flows.sweep import rounds
from flows.sweep.grid import Combination, Grid, check
from flows.sweep.rounds import Round
from tasks.device import device

PLACE = Place("tuning", "on validation", {}, ())
TEST = Place("home", "on the test images", {}, ())


def plan(grid: Grid, seeds: int, halving: bool) -> dict[str, Any]:
    """The plan of a sweep: plain JSON, of which its id is the digest.

    Raises:
        UsageError: it cannot be swept; every problem is named.
    """
    check(grid)
    combinations = grid.combinations()
    each = [grid.load(combination, 0) for combination in combinations]
    loaded = each[0]
    return {
        "kind": "sweep",
        "recipe": loaded.name,
        "title": loaded.title,
        "set": _settings(grid.fixed, loaded),
        "grid": {key: _values(key, grid, combinations, each) for key in grid.axes},
        "rounds": [[one.combinations, one.seeds] for one in rounds.planned(len(each), seeds, halving)],
        "halving": halving,
        "resolved": loaded.recipe.model_dump(mode="json"),
        "threads": device()["threads"],
    }


def _settings(settings: Mapping[str, Any], loaded: LoadedRecipe) -> dict[str, Any]:
    """With paths absolute, so that the plan means the same in any folder."""
    return {key: loaded.overrides.get(key, value) for key, value in settings.items()}


def _values(key: str, grid: Grid, combinations: Sequence[Combination], each: Sequence[LoadedRecipe]) -> list[Any]:
    firsts = {grid.axes[key].index(one.settings[key]): at for at, one in reversed(list(enumerate(combinations)))}
    return [_settings({key: value}, each[firsts[place]])[key] for place, value in enumerate(grid.axes[key])]


def grid_of(record: StudyRecord) -> Grid:
    """What is swept."""
    return Grid(record.plan["recipe"], record.plan["set"], record.plan["grid"])


def rounds_of(record: StudyRecord) -> tuple[Round, ...]:
    return tuple(Round(*each) for each in record.plan["rounds"])


def trials(grid: Grid, combination: Combination, seeds: int, place: Place = PLACE) -> tuple[Trial, ...]:
    """Of a combination, one a seed."""
    loaded = (grid.load(combination, seed) for seed in range(seeds))
    return tuple(Trial(combination.name, place, one.recipe.seed, one) for one in loaded)


def all_trials(grid: Grid, of: Iterable[Round]) -> list[tuple[LoadedRecipe, str | None]]:
    """What a sweep will run, each with its last step, to tell what it costs. Which combinations go on, and which is
    judged in the end, nobody knows yet: the first ones stand in for them."""
    combinations, found = grid.combinations(), list[tuple[LoadedRecipe, str | None]]()
    done: dict[int, int] = {}
    for each in of:
        for combination in combinations[: each.combinations]:
            new = trials(grid, combination, each.seeds)[done.get(combination.place, 0) :]
            found += [(trial.loaded, UNTIL_TUNED) for trial in new]
            done[combination.place] = each.seeds
    return [*found, *((trial.loaded, None) for trial in trials(grid, combinations[0], each.seeds))]
