"""The words in which graft speaks of a network: input, adapters, *layers*, tail, head.

A *layer* (here `Block`) is one Dense or convolution with its batch norm, activation, dropout and pooling. What adapts
images before the first one (resizing, colour, scale), Flatten, global pooling and the head do not count.
Networks are flat: one chain of built-in Keras layers, each with a name of its own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

HEAD = "head"
IMAGE = "image"
RESIZE, TO_GREY, TO_RGB = "resize", "to_grey", "to_rgb"
SCALE, FLATTEN, GLOBAL_AVERAGE = "scale", "flatten", "global_average"
# Layers that belong to no block. The adapters are made anew for each target, so they are not part of a base either.
ADAPTERS = frozenset({IMAGE, RESIZE, TO_GREY, TO_RGB})
UNCOUNTED = ADAPTERS | {SCALE, FLATTEN, GLOBAL_AVERAGE, HEAD}


@dataclass(frozen=True)
class Block:
    """One layer in graft's sense: the name of its Dense or convolution, and the Keras layers that go with it."""

    name: str
    members: tuple["keras.Layer", ...]


def blocks(model: "keras.Model") -> list[Block]:
    """The layers of `model` in graft's sense, from the bottom up, without the head."""
    import keras

    found: list[Block] = []
    for layer in model.layers:
        if layer.name in UNCOUNTED:
            continue
        if isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            found.append(Block(layer.name, (layer,)))
        elif found:
            found[-1] = Block(found[-1].name, (*found[-1].members, layer))
    return found


def is_batch_norm(layer: "keras.Layer") -> bool:
    import keras

    return isinstance(layer, keras.layers.BatchNormalization)


def leaves(layer: "keras.Layer", path: str = "") -> list[tuple[str, "keras.Layer"]]:
    """(path, layer) of every layer that contains no other, at any depth, in the network's order."""
    children = getattr(layer, "layers", None)
    if children is None:
        return [(path, layer)]
    prefix = f"{path}/" if path else ""
    return [leaf for child in children for leaf in leaves(child, prefix + child.name)]


def listed(names: list[str]) -> str:
    """Names for an error message: `a`, `b`, `c`."""
    return ", ".join(f"`{name}`" for name in names) or "none"
