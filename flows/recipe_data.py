"""The sections `source` and `target` of a recipe: a data set, and the task over it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from flows.recipe_section import Section

DatasetName = Literal[
    "fashion_mnist", "fashion_mnist_sample", "mnist", "cifar10", "cifar100", "digits", "npz", "folder", "list"
]  # fmt: skip
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Text = Annotated[str, Field(min_length=1)]
LayerChoice = Literal["all"] | Annotated[int, Field(ge=0)] | Text | list[Text]
Pixels = Annotated[int, Field(ge=1, le=65535)]
ClassLabel = Annotated[int, Field(ge=0)] | Text


class Task(Section):
    """What is to be told apart: either `classes` or `one_vs_rest`."""

    one_vs_rest: ClassLabel | None = Field(default=None, description="One class, by number or name, against the rest.")
    classes: Literal["all"] | Annotated[list[ClassLabel], Field(min_length=2)] | None = Field(
        default_factory=lambda data: "all" if data.get("one_vs_rest") is None else None,
        description="`all`, or two or more classes by number or name; their order gives the new labels 0, 1, …",
    )

    @model_validator(mode="after")
    def _is_exactly_one(self) -> Self:
        if (self.classes is None) == (self.one_vs_rest is None):
            raise ValueError("expected exactly one of `classes` and `one_vs_rest`; leave the other out")
        return self


class DataSection(Section):
    """A data set and the task over it."""

    dataset: DatasetName = Field(
        description="Which data set; yours: `npz`, a file of arrays; `folder`, pictures; `list`, a table of pictures."
    )
    path: Text | None = Field(
        default=None,
        description="Folder of the data set's files, npz file, folder of pictures or table; relative to the recipe's "
        "own folder.",
    )
    test: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None,
        description="Fraction of the pictures that is for testing, by hash of each file or group, where folder or "
        "table name no test part.",
    )
    image_size: Pixels | Annotated[list[Pixels], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description="Size that pictures are brought to, in pixels: one number, or height and width; null: that of the "
        "base where the recipe says it, else their own, which must be one.",
    )
    fit: Literal["stretch", "crop", "pad"] = Field(
        default="stretch", description="How pictures of another shape are brought to that size."
    )
    colour: Literal["auto", "grey", "rgb"] = Field(
        default="auto",
        description="Colours that pictures are decoded to; `auto`: grey where the base is grey or all pictures are.",
    )
    background: Text = Field(default="white", description="Colour under transparent pixels and round padded pictures.")
    value_range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        default=None,
        description="Which values of float or 32-bit pictures become black and white; null refuses such files.",
    )
    on_damaged: Literal["refuse", "skip"] = Field(
        default="refuse", description="What to do about pictures that cannot be decoded."
    )
    task: Task = Field(default_factory=Task, description="Which classes are told apart.")
    labels: Literal["all"] | Count = Field(
        default="all", description="Total number of training labels, validation included; stratified and seeded."
    )
    validation: Fraction = Field(default=0.0, description="Fraction of the training labels kept for validation.")


class Source(DataSection):
    """`load_data.source`: what the base is pretrained on."""


class Target(DataSection):
    """`load_data.target`: what the base is grafted onto."""

    gate: Fraction = Field(default=0.0, description="Fraction of training images set aside by hash, never trained on.")
    duplicates: Literal["report", "drop", "refuse"] = Field(
        default="report",
        description="Test images that also lie in training or validation: said, left out there, or refused.",
    )
