"""The layers of a network in graft's sense (see `outline.py`), and the Keras layers that go with them.

Networks are flat: one graph of built-in Keras layers, each with a name of its own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.pure.outline import HEAD, outlined_blocks
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Block:
    """One layer in graft's sense: its name, and the Keras layers that go with it."""

    name: str
    members: tuple["keras.Layer", ...]


def blocks(model: "keras.Model") -> list[Block]:
    """The layers of `model` in graft's sense, from the bottom up, without the head."""
    layers = {layer.name: layer for layer in model.layers}
    return [
        Block(block.name, tuple(layers[name] for name in block.members if name in layers))
        for block in outlined_blocks(outline(model))
    ]


def owners(model: "keras.Model") -> dict[str, str]:
    """Keras layer name → name of the block or head that it belongs to; adapters and the like are left out."""
    inside = {name: block.name for block in outlined_blocks(outline(model)) for name in block.members}
    return {**inside, HEAD: HEAD}


def output_of(model: "keras.Model", name: str) -> Any:
    """The Keras tensor that the layer or operation called `name` gives."""
    operations = {operation.name: operation for operation in getattr(model, "operations", model.layers)}
    return operations[name].output


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
