"""A grid over keys of a recipe: `--set KEY=V1,V2,…` read, every combination checked before anything runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from math import prod
from typing import Any

from artifacts.errors import RecipeError, UsageError
from flows import recipe_files
from flows.recipe_checks import may_validate
from flows.recipe_files import LoadedRecipe
from flows.study import held_out

NO_VALIDATION = (
    "expected `target.validation` above 0, found 0: the choice is made on validation images, never on the test split; "
    "add --set target.validation=0.3"
)
MOST = 1000  # combinations: beyond it somebody mistyped, or wants another method than a grid


@dataclass(frozen=True)
class Combination:
    """A value for each key of a grid.

    Attributes:
        place: in the order of the grid, from 0.
        settings: dotted key → value.
    """

    place: int
    settings: Mapping[str, Any] = field(hash=False)

    @property
    def name(self) -> str:
        return ", ".join(f"{key}={written(value)}" for key, value in self.settings.items())


@dataclass(frozen=True)
class Grid:
    """What is swept.

    Attributes:
        recipe: a shipped name, or a path.
        fixed: dotted key → value, laid over the recipe in every combination.
        axes: dotted key → its values, two or more.
    """

    recipe: str
    fixed: Mapping[str, Any]
    axes: Mapping[str, Sequence[Any]]

    def combinations(self) -> list[Combination]:
        """All of them, the last key changing fastest."""
        found = product(*self.axes.values())
        return [Combination(place, dict(zip(self.axes, values, strict=True))) for place, values in enumerate(found)]

    def load(self, combination: Combination, seed: int) -> LoadedRecipe:
        """The recipe with a combination and a seed in it.

        Raises:
            RecipeError: the combination is impossible.
        """
        return recipe_files.load(self.recipe, {**self.fixed, **combination.settings, "seed": seed})


def read(recipe: str, settings: Sequence[str]) -> Grid:
    """The grid of the command's `--set` options: one value is laid over the recipe, several are an axis.

    Args:
        settings: each `key=value` or `key=value,value,…`; a value that holds commas stands in brackets or quotes.

    Raises:
        UsageError: one cannot be read, a key is there twice, or no key has two values.
    """
    values: dict[str, list[Any]] = {}
    for text in settings:
        key, found = _several(text)
        if key in values:
            raise UsageError(f"`{key}` is set twice. Write its values with commas between: --set {key}=V1,V2.")
        values[key] = found
    axes = {key: found for key, found in values.items() if len(found) > 1}
    return Grid(recipe, {key: found[0] for key, found in values.items() if len(found) == 1}, axes)


def _several(text: str) -> tuple[str, list[Any]]:
    key, _, value = text.partition("=")
    recipe_files.parse_setting(f"{key}=0")  # what is wrong with a key, or with no value, is said there
    if not value.strip():
        recipe_files.parse_setting(text)
    try:
        _, found = recipe_files.parse_setting(f"{key}=[{value}]")
    except RecipeError as problem:
        example = "values with commas between, as YAML has them: `1e-4,1e-3`, or `[8,8],[16,16]` for two lists"
        raise RecipeError(f"`--set {text}`: expected {example}. {problem}") from problem
    if not isinstance(found, list) or not found:
        raise RecipeError(f"`--set {text}`: expected a value, or several with commas between.")
    return key.strip(), found


def check(grid: Grid) -> None:
    """Refuse a grid that cannot be swept; every problem is named.

    Raises:
        UsageError: an unknown key, an impossible combination, one without a validation part, or nothing to choose from.
    """
    problems = [*_of_the_axes(grid), *_of_the_combinations(grid)]
    # The data are looked at once, and last: all combinations have the same.
    if not problems and not held_out.is_there(grid.load(grid.combinations()[0], 0).recipe):
        problems = [NO_VALIDATION]
    if problems:
        start, between = ("", "") if len(problems) == 1 else ("\n- ", "\n- ")
        raise UsageError(f"Sweep of `{grid.recipe}`: {start}{between.join(problems)}".replace(": \n", ":\n"))


def _of_the_axes(grid: Grid) -> Iterator[str]:
    number = prod(len(values) for values in grid.axes.values())
    if not grid.axes:
        yield "expected a key with two values or more, such as --set fine_tune.learning_rate=1e-4,1e-3; found none"
    if number > MOST:
        yield f"expected at most {MOST:,} combinations, found {number:,}"
    if "seed" in {**grid.axes, **grid.fixed}:
        yield "`seed`: a sweep takes the seeds 0, 1, 2, … itself; say how many with --seeds"
    for key, values in grid.axes.items():
        if key.partition(".")[0] == "target":
            yield f"`{key}`: combinations are compared on the same validation images, which it changes; give one value"
        if len({json.dumps(value, sort_keys=True, default=str) for value in values}) < len(values):
            yield f"`{key}`: expected values that differ, found {', '.join(map(written, values))}"


def _of_the_combinations(grid: Grid) -> list[str]:
    """What is wrong with the recipes, each problem once, with the combination where not all have it."""
    found: dict[str, list[str]] = {}
    combinations = [Combination(at, one.settings) for at, one in enumerate(_first(grid))]
    for combination in combinations:
        for problem in _problems(grid, combination):
            found.setdefault(problem, []).append(combination.name)
    return [
        problem if len(names) == len(combinations) else f"{problem} ({_where(names)})"
        for problem, names in found.items()
    ]


def _first(grid: Grid) -> list[Combination]:
    values = islice(product(*grid.axes.values()), MOST)
    return [Combination(0, dict(zip(grid.axes, each, strict=True))) for each in values]


def _problems(grid: Grid, combination: Combination) -> list[str]:
    try:
        loaded = recipe_files.load(grid.recipe, {**grid.fixed, **combination.settings})
    except RecipeError as error:
        _, colon, told = str(error).partition(":\n- ")
        return told.split("\n- ") if colon else [str(error).removeprefix(f"Recipe `{grid.recipe}`: ")]
    return [] if may_validate(loaded.recipe.target) else [NO_VALIDATION]


def _where(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]}, and {len(names) - 1} more"


def written(value: Any) -> str:
    """A value as YAML has it on one line, short: 0.0001 is `1e-4`."""
    if isinstance(value, float):
        return _shortest(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _shortest(value: float) -> str:
    plain = repr(value)
    digits, _, power = f"{value:e}".partition("e")
    scientific = f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return scientific if len(scientific) < len(plain.removesuffix(".0")) else plain
