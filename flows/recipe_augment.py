"""A recipe's section `augment`: what a training does to its pictures, and which combinations cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from flows.recipe_layers import freezes_the_lowest
from flows.recipe_section import Section

if TYPE_CHECKING:
    from flows.recipe import Recipe

Share = Annotated[float, Field(ge=0, lt=1)]
# Below .1 the two draws behind Keras' Beta distribution vanish in float32, and halves come out that nobody drew.
Alpha = Annotated[float, Field(ge=0.1, le=1)]


class Augment(Section):
    """What is done to the training pictures, with other draws in every epoch; never to others, nor when served."""

    flip: Literal["horizontal", "vertical", "both"] | None = Field(
        default=None,
        description="Mirror one picture in two: left to right, upside down, or both ways; null: never.",
    )
    rotate: float = Field(default=0.0, ge=0, le=180, description="Turn by up to so many degrees either way.")
    shift: Share = Field(default=0.0, description="Move by up to this fraction of height and width either way.")
    zoom: Share = Field(default=0.0, description="Zoom in or out by up to this fraction.")
    fill: Literal["reflect", "nearest", "black", "white"] = Field(
        default="reflect", description="What `rotate`, `shift` and `zoom` draw from beyond the edge."
    )
    brightness: Share = Field(default=0.0, description="Lighter or darker by up to this fraction of black to white.")
    contrast: Share = Field(default=0.0, description="More or less contrast by up to this fraction.")
    mixup: Alpha | None = Field(
        default=None, description="Blend each picture and its label with another's; alpha of the shares; null: never."
    )
    cutmix: Alpha | None = Field(
        default=None, description="Paste a rectangle of another picture, labels by area; alpha of it; null: never."
    )

    @property
    def changes(self) -> bool:
        """Whether pictures are changed each by itself."""
        return any((self.flip, self.rotate, self.shift, self.zoom, self.brightness, self.contrast))

    @property
    def mixes(self) -> bool:
        """Whether pictures and labels are mixed."""
        return bool(self.mixup or self.cutmix)


def augment_problems(recipe: Recipe) -> list[str]:
    """What cannot be augmented as the recipe says; empty where all is well."""
    trainings = {"pretrain": recipe.pretrain, "train_head": recipe.train_head, "fine_tune": recipe.fine_tune}
    mixed = [
        f"`{step}.class_weights`: weighs a picture by its one class, but `{step}.augment` mixes pictures of several "
        "(`mixup`, `cutmix`); leave one of the two out"
        for step, section in trainings.items()
        if section.class_weights and section.augment.mixes
    ]
    return mixed + (_copies_problems(recipe) if recipe.train_head.augment_copies else [])


def _copies_problems(recipe: Recipe) -> list[str]:
    head, key = recipe.train_head, "`train_head.augment_copies`"
    problems = []
    if head.augment.mixes:
        problems.append(
            f"{key}: `mixup` and `cutmix` mix the pictures of each batch, so that no fixed copies can be stored; "
            "leave one of the two out"
        )
    elif not head.augment.changes:
        problems.append(f"{key}: copies of what? `train_head.augment` changes no picture; say how, or leave it out")
    if head.feature_cache_mb == 0:
        problems.append(
            f"{key}: the copies' activations are to be stored, but `train_head.feature_cache_mb` is 0: never"
        )
    if not freezes_the_lowest(recipe):
        problems.append(
            f"{key}: the lowest layer is not frozen (`freeze.layers`), so that there are no activations to store; "
            "freeze it, or leave `augment_copies` out"
        )
    return problems
