"""The keys that every training step of a recipe has, and those of trainings on a partly frozen network."""

from typing import Annotated, Literal

from pydantic import Field

from flows.recipe_augment import Augment
from flows.recipe_data import Count, Fraction
from flows.recipe_section import Section

Rate = Annotated[float, Field(gt=0)]
LEARNING_RATE = "The optimiser's; with a schedule its peak. `auto`: looked for on a copy, and stored."


class Training(Section):
    """Keys that every training step has."""

    epochs: Count = Field(default=10, description="Passes over the training images.")
    batch_size: Count = Field(default=32, description="Images in one update.")
    learning_rate: Rate | Literal["auto"] = Field(default=1e-3, description=LEARNING_RATE)
    optimizer: Literal["adam", "adamw", "sgd"] = Field(default="adam", description="What turns gradients into updates.")
    momentum: Fraction | None = Field(default=None, description="Of `sgd` only; null: 0.9.")
    nesterov: bool = Field(default=False, description="Nesterov's form of that momentum.")
    weight_decay: float | None = Field(
        default=None,
        ge=0,
        description="Decoupled: each update also takes rate × this off every kernel; norms and biases are left alone. "
        "null: 0.004 with `adamw`, else none.",
    )
    clip_norm: float | None = Field(
        default=None, gt=0, description="Longer gradients, all weights together, are shortened to this. null: never."
    )
    label_smoothing: Fraction = Field(
        default=0.0, description="So much of each label is spread evenly over all classes, in the loss."
    )
    ema: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Decay of a moving average of the weights, an update each: what is validated and kept. null: none.",
    )
    schedule: Literal["constant", "cosine", "one_cycle"] = Field(
        default="constant",
        description="How the rate goes, update by update: it stays, falls to 0, or rises to its peak and falls again.",
    )
    warmup: Fraction | None = Field(
        default=None, description="Fraction of all updates in which the rate rises. null: 0.3 with `one_cycle`, else 0."
    )
    early_stopping: Count | None = Field(
        default=None,
        description="Stop after this many epochs in which the validation loss does not improve, and restore the best "
        "weights; needs a validation part. null: never.",
    )
    precision: Literal["float32", "mixed_bfloat16"] = Field(
        default="float32", description="What the layers compute in; weights, and all that is saved, are float32."
    )
    class_weights: bool = Field(default=False, description="Weigh classes inversely to their frequency (`balanced`).")
    augment: Augment = Field(default_factory=Augment, description="What is done to the training pictures, in training.")


class GraftedTraining(Training):
    """Keys that the trainings on a partly frozen network have."""

    feature_cache_mb: int = Field(
        default=512,
        ge=0,
        description="The most MB that stored activations of the frozen layers may take; 0: never.",
    )
