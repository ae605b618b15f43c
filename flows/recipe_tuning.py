"""What fine-tuning may do beyond one training: rates by layer, stages, which epoch is kept, a blend, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from flows.recipe_data import Count, LayerChoice
from flows.recipe_section import Section

if TYPE_CHECKING:
    from flows.recipe import Recipe

Decay = Annotated[float, Field(gt=0, le=1)]
Rate = Annotated[float, Field(gt=0)]


class FineTuneStage(Section):
    """One stage of a fine-tuning: what it unfreezes, how long, how fast."""

    layers: LayerChoice = Field(
        description="The N topmost reused layers, or names or patterns like `conv_*`; within `unfreeze.layers`."
    )
    epochs: Count = Field(description="Passes over the training images.")
    learning_rate: Rate | None = Field(default=None, description="Of this stage; null: that of `fine_tune`.")


class Tuning(Section):
    """Keys that only `fine_tune` has."""

    layer_decay: Decay | None = Field(
        default=None,
        description="The rate of the k-th layer below the head is `learning_rate` times this to the k; null: one rate.",
    )
    stages: Annotated[list[FineTuneStage], Field(min_length=1)] | None = Field(
        default=None,
        description="Gradual unfreezing: trainings one after another, in the place of `epochs`; null: one training.",
    )
    keep: Literal["last", "best"] = Field(
        default="last", description="Whose weights are kept: the last epoch's, or the best's by validation loss."
    )
    blend: bool = Field(
        default=False,
        description="Mix in the weights from before fine-tuning, by the share that does best on the validation part.",
    )
    calibrate_batch_norm: bool = Field(
        default=False,
        description="At the end, set the moving statistics of the batch norms that trained to the training images'.",
    )

    @model_validator(mode="before")
    @classmethod
    def _epochs_are_those_of_the_stages(cls, data: Any) -> Any:
        """So that a recipe with every default filled in says how long it trains."""
        stages = data.get("stages") if isinstance(data, dict) else None
        if not isinstance(stages, list) or "epochs" in data:
            return data
        numbers = [stage.get("epochs") for stage in stages if isinstance(stage, dict)]
        return {**data, "epochs": sum(numbers)} if numbers and all(type(each) is int for each in numbers) else data


def tuning_problems(recipe: Recipe, validates: bool) -> list[str]:
    """What cannot be fine-tuned as the recipe says; empty where all is well.

    Args:
        validates: whether the target may have a validation part.
    """
    asked = recipe.fine_tune
    chosen = {"keep": "best" if asked.keep == "best" else None, "blend": "true" if asked.blend else None}
    blind = [
        f"`fine_tune.{key}`: `{value}` chooses by the validation part, but `target` has none; set `target.validation`, "
        f"such as 0.2, or leave `fine_tune.{key}` out"
        for key, value in chosen.items()
        if value and not validates
    ]
    if asked.keep == "best" and asked.ema is not None:
        blind.append(
            "`fine_tune.keep`: `best` keeps an epoch's own weights, but with `fine_tune.ema` the averages were "
            "validated; leave one of the two out (`early_stopping` restores the averages)"
        )
    return blind + (_stages_problems(recipe) if asked.stages else [])


def _stages_problems(recipe: Recipe) -> list[str]:
    asked, problems = recipe.fine_tune, []
    together = sum(stage.epochs for stage in asked.stages or [])
    if asked.epochs != together:
        problems.append(
            f"`fine_tune.epochs`: {asked.epochs}, but `fine_tune.stages` have {together} together; each stage says how "
            "long it trains, leave `epochs` out"
        )
    if asked.early_stopping is not None:
        problems.append(
            "`fine_tune.early_stopping`: which of the `fine_tune.stages` should end early? Leave one of the two out; "
            "`keep: best` takes the best epoch of all stages"
        )
    if asked.learning_rate == "auto" and any(stage.learning_rate is None for stage in asked.stages or []):
        problems.append(
            "`fine_tune.stages`: `fine_tune.learning_rate: auto` looks for one rate of all that is unfrozen; give each "
            "stage a `learning_rate` of its own"
        )
    return problems
