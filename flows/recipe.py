"""Recipe: the typed parameters of a run, one section a step.

A recipe is checked whole before anything runs: unknown keys, wrong types and NaN by pydantic, impossible combinations
by `flows/recipe_checks.py`. `flows/recipe_files.py` reads it from YAML; what it says of layers is in
`flows/recipe_layers.py`.
"""

import hashlib
from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from flows import recipe_base, recipe_checks
from flows.recipe_base import Base
from flows.recipe_data import Count, DataSection, Fraction, LayerChoice, Source, Target, Text
from flows.recipe_section import LeftOut, Section
from flows.recipe_training import LEARNING_RATE, GraftedTraining, Rate, Training
from flows.recipe_tuning import Tuning

Switch = Annotated[bool, WithJsonSchema({"anyOf": [{"type": "boolean"}, {"type": "null"}]})]

DEFAULT_WIDTHS = {"dense": (128, 64, 32, 16), "cnn": (32, 64, 128)}


class InspectData(Section):
    """`inspect_data`: has no parameters; `target.duplicates` says what follows from it."""


class Network(Section):
    """The base's architecture."""

    architecture: Literal["dense", "cnn"] = Field(default="dense", description="Kind of layers, bottom to top.")
    widths: Annotated[list[Count], Field(min_length=1)] = Field(
        default_factory=lambda data: list(DEFAULT_WIDTHS[data.get("architecture", "dense")]),
        description="Units or filters of each layer; by default 128-64-32-16 for dense, 32-64-128 for cnn.",
    )
    scale: Literal["none", "unit"] = Field(
        default="unit", description="`unit` divides pixels by 255; `none` leaves 0-255."
    )
    batch_norm: Switch = Field(
        default_factory=lambda data: data.get("architecture") == "cnn",
        description="Batch norm in every layer; by default true for cnn, false for dense.",
    )
    batch_norm_momentum: float = Field(
        default=0.9, gt=0, lt=1, description="Momentum of batch norm's moving statistics."
    )
    dropout: Fraction = Field(default=0.0, description="Dropout rate after every layer.")
    l2: float = Field(default=0.0, ge=0, description="L2 penalty on every kernel.")

    @model_validator(mode="before")
    @classmethod
    def _null_is_the_default(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("batch_norm", False) is None:
            return {key: value for key, value in data.items() if key != "batch_norm"}
        return data


class Pretrain(Training, Network):
    """`pretrain`: the base and its training on the source task; or, with `base`, the network that is taken in."""

    epochs: int = Field(
        default=10, ge=0, description="Passes over the training images; 0, the default with `base`: none."
    )


class SaveModel(Section):
    """`save_model`: has no parameters."""


class CloneWithWeights(Section):
    """`clone_with_weights`: what is reused of the base."""

    layers: Literal["all"] | Count | Text = Field(
        default="all", description="How many layers are reused, from the bottom, or the topmost reused one's name."
    )
    copy_weights: bool = Field(default=True, description="false keeps fresh weights: a random base, for comparison.")
    add_hidden: list[Count] = Field(default_factory=list, description="Units of hidden layers added below the head.")


class Freeze(Section):
    """`freeze`: what the head's training leaves alone."""

    layers: LayerChoice = Field(
        default="all", description="The N lowest reused layers, or names, or patterns like `conv_*`."
    )
    batch_norm: Literal["frozen", "trained"] = Field(default="frozen", description="Batch norm in frozen layers.")


class TrainHead(GraftedTraining):
    """`train_head`: training of the new head on the frozen base."""

    augment_copies: Count | None = Field(
        default=None,
        description="Store the activations of so many augmented copies, an epoch for each in turn; null: draw anew.",
    )


class Unfreeze(Section):
    """`unfreeze`: what fine-tuning may change again."""

    layers: LayerChoice = Field(
        default="all", description="The N topmost reused layers, or names or patterns like `conv_*`."
    )
    batch_norm: Literal["frozen", "trained"] = Field(
        default="frozen", description="Batch norm in unfrozen layers; `frozen` keeps it in inference mode."
    )


class FineTune(GraftedTraining, Tuning):
    """`fine_tune`: training of the head and the unfrozen layers."""

    learning_rate: Rate | Literal["auto"] = Field(default=1e-4, description=LEARNING_RATE)


class Evaluate(Section):
    """`evaluate`: on the target's test images."""

    bootstrap: int = Field(default=2000, ge=100, description="Resamples behind the intervals of differences.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="Coverage of the confidence interval.")


class Figures(Section):
    """`figures`: pictures for the report."""

    mistakes: int = Field(default=12, ge=0, le=15, description="How many of the most confident mistakes are shown.")


class Report(Section):
    """`report`: has no parameters."""


class Gate(Section):
    """`gate`: when a challenger takes the champion's place (`graft promote --gate`)."""

    margin: float = Field(default=0.02, ge=0, lt=1, description="Loss of accuracy on the gate split that is no loss.")
    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="1 less the accepted share of wrong promotions.")


def _no_default(schema: dict[str, Any]) -> None:
    """Null means left out, and is nothing that a person writes."""
    schema.pop("default", None)


class Recipe(Section):
    """The parameters of a run of `transfer_learning`, one section a step."""

    model_config = ConfigDict(json_schema_extra=recipe_base.WITHOUT_BASE)

    seed: int = Field(default=0, ge=0, description="Every step derives its own seed from this one and its name.")
    base: Annotated[Base | None, LeftOut()] = Field(
        default=None,
        description="A network that is there, in the place of `source` and a training.",
        json_schema_extra=_no_default,
    )
    source: Annotated[Source | None, LeftOut()] = Field(
        default=None,
        validate_default=True,
        description="The data that the base is pretrained on.",
        json_schema_extra=_no_default,
    )
    target: Target = Field(description="The data that the base is grafted onto.")
    inspect_data: InspectData = Field(default_factory=InspectData, description="Looks at the data before a training.")
    pretrain: Pretrain = Field(default_factory=Pretrain, description="The base and its training.")
    save_model: SaveModel = Field(default_factory=SaveModel, description="Saves the base and proves the file.")
    clone_with_weights: CloneWithWeights = Field(default_factory=CloneWithWeights, description="What is reused.")
    freeze: Freeze = Field(default_factory=Freeze, description="What the head's training leaves alone.")
    train_head: TrainHead = Field(default_factory=TrainHead, description="Training of the new head.")
    unfreeze: Unfreeze = Field(default_factory=Unfreeze, description="What fine-tuning may change again.")
    fine_tune: FineTune = Field(default_factory=FineTune, description="Training of the head and the unfrozen layers.")
    evaluate: Evaluate = Field(default_factory=Evaluate, description="How well it does on the test images.")
    figures: Figures = Field(default_factory=Figures, description="The pictures for the report.")
    report: Report = Field(default_factory=Report, description="The page.")
    gate: Gate = Field(default_factory=Gate, description="When it may take the champion's place.")

    @model_validator(mode="before")
    @classmethod
    def _taken_in_as_it_is(cls, data: Any) -> Any:
        return recipe_base.with_default_epochs(data)

    @field_validator("source")
    @classmethod
    def _is_there(cls, source: Source | None, info: ValidationInfo) -> Source | None:
        if source is None and info.data.get("base", "wrong") is None:
            raise PydanticCustomError("missing", "Field required")
        return source

    @model_serializer(mode="wrap")
    def _as_a_person_would_write_it(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return recipe_base.without_what_is_replaced(self, handler(self))

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        problems = recipe_checks.impossibilities(self)
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def data_section(self, role: str) -> DataSection:
        """`source` or `target`.

        Raises:
            ValueError: there is no `source`: nobody may ask for it where `base` takes its place.
        """
        section = self.source if role == "source" else self.target
        if section is None:
            raise ValueError(f"Expected data for `{role}`, found none: {recipe_base.TAKES_ITS_PLACE}.")
        return section

    def step_seed(self, step: str) -> int:
        """The step's own seed, 0 … 2**31 - 1: 31 bits of the SHA-256 of "<seed>/<step>"."""
        first_bytes = hashlib.sha256(f"{self.seed}/{step}".encode()).digest()[:4]
        return int.from_bytes(first_bytes, "big") & 0x7FFFFFFF

    def source_gate(self) -> float:
        """The fraction that the source must set aside too: the target's, where both may read the same, else 0."""
        same = self.source is not None and recipe_checks.same_images(self.source, self.target)
        return self.target.gate if same else 0.0
