"""What of a user's network is its head, and goes; and where it can be cut."""

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.pure.errors import BadBase
from tasks.pure.layers import output_of
from tasks.pure.outline import Outline, cut_points, outlined_blocks
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras

ANSWERS = frozenset({"softmax", "sigmoid", "log_softmax"})
LOGITS = frozenset({"linear"})
NAMED_AT_MOST = 12


@dataclass(frozen=True)
class Topped:
    """A network without its head.

    Attributes:
        model: shares its layers with what was given.
        dropped: names of the layers that went, from the bottom up.
        classes: answers that the head gave; None where there was none.
    """

    model: "keras.Model"
    dropped: tuple[str, ...]
    classes: int | None


def without_head(model: "keras.Model", cut: str | None) -> Topped:
    """`model` without its head: the topmost Dense of answers or logits and all above it. Pooling below it stays.

    A Dense with an activation of its own (`relu`) gives features and stays, as does any other top.

    Args:
        model: flat, see `flattening.py`.
        cut: name of the layer on top of what is taken; None looks for the head.

    Raises:
        BadBase: no such layer, or not everything goes through it; or nothing with weights is left.
    """
    layers = outline(model)
    top = _cut_at(layers, cut) if cut is not None else _below_head(model, layers)
    if top == len(layers) - 1:
        return Topped(model, (), None)
    import keras

    left = keras.Model(model.inputs[0], output_of(model, str(layers[top]["name"])), name=model.name)
    if not outlined_blocks(outline(left)):
        raise BadBase(
            f"Below `{layers[top + 1]['name']}` the network has no layer with weights: nothing is left to reuse. "
            "Take a network with at least one Dense or convolution below its head."
        )
    classes = int(layers[-1]["output_shape"][-1]) if cut is None else None
    return Topped(left, tuple(str(layer["name"]) for layer in layers[top + 1 :]), classes)


def _below_head(model: "keras.Model", layers: Outline) -> int:
    """The place of the layer below the head; the topmost place where there is none."""
    cuts = set(cut_points(layers))
    operations = {operation.name: operation for operation in model.operations}
    place, answers = len(layers) - 1, False
    while place > 0 and place in cuts and not layers[place]["weights"]:
        kind = str(layers[place]["kind"])
        answers = answers or kind == "Softmax" or _activation(operations[layers[place]["name"]]) in ANSWERS
        if kind not in ("Softmax", "Activation", "Dropout"):
            return len(layers) - 1
        place -= 1
    if layers[place]["kind"] != "Dense" or place not in cuts or len(layers[place]["output_shape"]) != 1:
        return len(layers) - 1
    activation = _activation(operations[layers[place]["name"]])
    is_head = activation in ANSWERS or (activation in LOGITS and (answers or place == len(layers) - 1))
    return place - 1 if is_head else len(layers) - 1


def _activation(operation: Any) -> str:
    return str(getattr(getattr(operation, "activation", None), "__name__", ""))


def _cut_at(layers: Outline, cut: str) -> int:
    places = [place for place in cut_points(layers) if place > 0]
    names = [str(layers[place]["name"]) for place in places]
    if cut in names:
        return places[names.index(cut)]
    inside = cut in {layer["name"] for layer in layers}
    why = "not everything goes through it" if inside else "there is no such layer"
    near = difflib.get_close_matches(cut, names, n=NAMED_AT_MOST, cutoff=0.0)
    raise BadBase(
        f"`base.cut`: `{cut}`: {why}. Where this network can be cut, nearest names first: "
        f"{', '.join(f'`{name}`' for name in near)}."
    )
