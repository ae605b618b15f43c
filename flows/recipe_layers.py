"""What a recipe says of layers, for the steps; and whether the base that it builds itself has such layers.

Layers are named from the bottom: `dense_1` … `dense_N` or `conv_1` … `conv_N` in a base that `pretrain` builds,
`added_1` … above them, then `head`. One layer is one Dense or convolution with its batch norm, activation, dropout and
pooling. What the layers of a base are called that is taken in, its outline tells: see `tasks/pure/layer_choice.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tasks.pure.layer_choice import Choice, LayerChoices, Reuse, TrainableChoice
from tasks.pure.outline import OutlinedBlock

if TYPE_CHECKING:
    from flows.recipe import Recipe


def reuse(recipe: Recipe) -> Reuse:
    """What `clone_with_weights` takes of the base."""
    section = recipe.clone_with_weights
    return Reuse(layers=section.layers, copy_weights=section.copy_weights, add_hidden=tuple(section.add_hidden))


def trainable_in_head(recipe: Recipe) -> TrainableChoice:
    """What `freeze` leaves trainable."""
    return TrainableChoice(_choice(recipe.freeze.layers), recipe.freeze.batch_norm)


def trainable_in_fine_tune(recipe: Recipe) -> TrainableChoice:
    """What `unfreeze` makes trainable."""
    return TrainableChoice(_choice(recipe.freeze.layers), recipe.unfreeze.batch_norm, _choice(recipe.unfreeze.layers))


def layer_choices(recipe: Recipe) -> LayerChoices:
    """All that the recipe says of layers."""
    whole = trainable_in_fine_tune(recipe)
    stages = (
        replace(whole, unfrozen=_choice(stage.layers), key="fine_tune.stages")
        for stage in recipe.fine_tune.stages or []
    )
    return LayerChoices(reuse(recipe), trainable_in_head(recipe), whole, tuple(stages))


def base_layers(recipe: Recipe) -> list[OutlinedBlock]:
    """The layers of the base that `pretrain` builds, bottom to top; of a base that is taken in nobody knows any yet."""
    if recipe.base is not None:
        return []
    kind, norms = "conv" if recipe.pretrain.architecture == "cnn" else "dense", recipe.pretrain.batch_norm
    names = [f"{kind}_{number}" for number in range(1, len(recipe.pretrain.widths) + 1)]
    return [OutlinedBlock(name, (name,), name, norms) for name in names]


def layer_problems(recipe: Recipe) -> list[str]:
    """What the recipe says of layers that its base does not have; empty where all is well, or the base is taken in."""
    base = base_layers(recipe)
    return [problem.rstrip(".") for problem in layer_choices(recipe).problems(base)] if base else []


def freezes_the_lowest(recipe: Recipe) -> bool:
    """Whether the training of the head leaves the lowest layer alone; of a base that is taken in: whether it may."""
    base = base_layers(recipe)
    if not base:
        return recipe.freeze.layers not in (0, [])
    lowest = base[0].name
    return lowest not in trainable_in_head(recipe).of(reuse(recipe).reused(base), ()).trainable_layers


def _choice(layers: str | int | list[str]) -> Choice:
    return tuple(layers) if isinstance(layers, list) else layers
