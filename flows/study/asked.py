"""What a study asks: a YAML file of its own, or a recipe and the options of `graft study`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from artifacts.errors import RecipeError, UsageError
from flows import recipe_files
from flows.recipe_checks import explain
from flows.recipe_data import Count, Text
from flows.recipe_section import Section
from flows.study.arms import DEFAULT, TRANSFER, ArmName

FEWEST, MOST = 5, 40
Rate = Annotated[float, Field(gt=0)]


class Scratch(Section):
    """How rate and updates of the arms without freezing are chosen, on validation images alone."""

    learning_rates: list[Rate] = Field(
        default=[3e-4, 1e-3, 3e-3, 1e-2], min_length=1, description="The rates that are tried."
    )
    updates: list[Count] = Field(
        default=[1, 3], min_length=1, description="How many times the transfer's updates, never fewer."
    )
    seeds: Count = Field(default=3, description="First seeds, on whose labels it is chosen.")
    validation: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="Of the labels, in the place of further ones; of all labels 0.3 by default."
    )


class Study(Section):
    """A study: which arms of which recipe, where, and when it ends."""

    recipe: Text = Field(description="A shipped recipe, or the path of one, relative to the study's file.")
    set: dict[str, Any] = Field(default_factory=dict, description="Laid over the recipe: dotted key and value.")
    arms: list[ArmName] = Field(default=list(DEFAULT), description="What is compared with `transfer`.")
    labels: list[Count] = Field(default=[], description="Further numbers of target labels, for the curve.")
    depths: list[Count | Text] = Field(default=[], description="Cuts: copied and random, frozen and tuned.")
    unfrozen: list[Annotated[int, Field(ge=0)]] = Field(default=[], description="Numbers of unfrozen layers.")
    sources: list[dict[str, Any]] = Field(default=[], description="Other tasks of the source.")
    margin: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.01, description="A difference in accuracy that is none."
    )
    seeds: Count | None = Field(default=None, description="One fixed look at so many seeds, in the place of `budget`.")
    budget: Count = Field(default=MOST, description="The most seeds; looks at 5, 10, 20, 40.")
    scratch: Scratch = Field(default_factory=Scratch, description="The choice of rate and updates on validation.")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if TRANSFER not in self.arms:
            raise ValueError(f"`arms`: expected `{TRANSFER}` among them, found {', '.join(self.arms)}")
        if len(self.arms) < 2 or len(set(self.arms)) < len(self.arms):
            raise ValueError("`arms`: expected `transfer` and at least one other, each once")
        if self.seeds is None and not FEWEST <= self.budget <= MOST:
            raise ValueError(f"`budget`: expected {FEWEST} to {MOST} seeds, found {self.budget}")
        return self


def is_study(path: Path) -> bool:
    """Whether a YAML file is a study: it names a `recipe`, which no recipe does."""
    try:
        return path.suffix in (".yaml", ".yml") and path.is_file() and "recipe" in recipe_files.read(path)
    except RecipeError:
        return False  # what is wrong with it, the recipe's own reader says


def asked(wanted: str, options: Mapping[str, Any], settings: Mapping[str, Any]) -> Study:
    """The study that a person asks for.

    Args:
        wanted: a recipe, or the path of a study's file.
        options: further members of `Study`, over those of the file; None is nothing.
        settings: `--set`, laid over the study's `set`.

    Raises:
        RecipeError: it cannot be read, or is wrong; every problem is named.
    """
    file = Path(wanted).expanduser()
    raw = recipe_files.read(file.absolute()) if is_study(file) else {"recipe": wanted}
    if is_study(file) and not isinstance(raw.get("recipe"), str):
        raise RecipeError(f"Study {file}: `recipe`: expected a name or a path.")
    if is_study(file) and raw["recipe"] not in recipe_files.names():
        raw["recipe"] = str((file.absolute().parent / Path(raw["recipe"]).expanduser()).absolute())
    if not isinstance(raw.get("set") or {}, Mapping):
        raise RecipeError(f"Study {file}: `set`: expected a mapping of dotted keys to values, found {raw['set']!r}.")
    if options.get("budget") is not None:
        raw.pop("seeds", None)  # what is said on the command line takes the place of the file's one fixed look
    given = {name: value for name, value in options.items() if value is not None}
    merged = {**raw, **given}
    merged["set"] = {**dict(recipe_files.flattened(merged.get("set") or {})), **settings}
    try:
        return Study.model_validate(merged)
    except ValidationError as error:
        problems = explain(error, merged, Study.model_json_schema())
        raise UsageError(f"Study of `{Path(str(merged['recipe'])).stem}`: " + "; ".join(problems)) from error
