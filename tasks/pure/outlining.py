"""The outline of a Keras network: what its manifest keeps of each layer, for `outline.py` to read without Keras."""

import inspect
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

OWN_LAYERS = ("keras.src.layers.", "keras.src.ops.", "keras.src.models.")
# Layers that take `training` and yet compute the same for an image in every epoch while they are frozen and draw
# nothing: a frozen batch norm uses its moving statistics, attention asks for its dropout, Dense for its quantisation.
KNOW_TRAINING = frozenset(
    {
        "BatchNormalization", "Dense", "EinsumDense", "MultiHeadAttention", "GroupedQueryAttention", "Attention",
        "AdditiveAttention", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout", "GaussianDropout",
        "GaussianNoise", "Resizing", "CenterCrop", "Rescaling",
    }
)  # fmt: skip


def outline(model: "keras.Model") -> list[dict[str, Any]]:
    """Its layers and operations in the order of the graph, one mapping each.

    Returns:
        `name`, `kind` (class), `inputs` (names of what it reads), `output_shape` (without the batch), `weights`
        (count), `trains`, `steady` (see `steady`).
    """
    function = getattr(model, "_functional", None) or model  # a Sequential keeps its graph inside
    nodes = [node for each in function._nodes_by_depth.values() for node in each]  # not those of other models
    return [
        _outlined(operation, [node for node in nodes if node.operation is operation])
        for operation in function.operations
    ]


def _outlined(operation: Any, nodes: Sequence[Any]) -> dict[str, Any]:
    weights = list(getattr(operation, "weights", []))
    return {
        "name": operation.name,
        "kind": type(operation).__name__,
        "inputs": list(dict.fromkeys(parent.operation.name for node in nodes for parent in node.parent_nodes)),
        "output_shape": list(nodes[0].outputs[0].shape[1:]),
        "weights": sum(prod(weight.shape) for weight in weights),
        "trains": bool(getattr(operation, "trainable", False) and weights),
        "steady": steady(operation),
    }


def steady(operation: Any) -> bool:
    """Whether it makes the same of an image whatever else is in the batch and whichever epoch it is, while frozen.

    Told by what it computes: it is one of Keras' own (nobody knows what others do), nothing in it draws numbers, and
    it either does not ask whether it is being trained, or is known to ask for its dropout or statistics alone.
    """
    if not type(operation).__module__.startswith(OWN_LAYERS):
        return False
    parts = operation._flatten_layers() if hasattr(operation, "_flatten_layers") else [operation]
    return all(type(part).__module__.startswith(OWN_LAYERS) and _settled(part) for part in parts)


def _settled(layer: Any) -> bool:
    if _draws(layer) or getattr(layer, "stateful", False):
        return False
    asks = "training" in inspect.signature(type(layer).call).parameters
    return not asks or type(layer).__name__ in KNOW_TRAINING


def _draws(layer: Any) -> bool:
    """Whether it draws numbers: the rate of a dropout or the deviation of a noise is above 0; or nobody knows."""
    known = ("rate", "dropout", "_dropout", "stddev")
    found = [value for name in known if isinstance(value := getattr(layer, name, None), int | float)]
    generator = getattr(layer, "seed_generator", None) is not None or getattr(layer, "generator", None) is not None
    return any(found) if found else generator
