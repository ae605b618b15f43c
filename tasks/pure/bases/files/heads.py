"""What of a user's network is its head, and goes; and where it can be cut."""

import difflib
from collections.abc import Mapping
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
# What stands between a head's weights and its answers: MobileNet's are a convolution's, pooled or reshaped.
WITHOUT_WEIGHTS = frozenset({"Softmax", "Sigmoid", "LogSoftmax", "Activation", "Dropout"})
SHAPING = frozenset({"Reshape", "Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D"})
GIVES_ANSWERS = frozenset({"Softmax", "Sigmoid", "LogSoftmax"})
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

    A convolution is a head where a softmax or sigmoid makes answers of it. A Dense with an activation of its own
    (`relu`) gives features and stays, as does any other top.

    Args:
        model: flat, see `flattening.py`. Of several outputs only where `cut` is given, which then may be any layer.
        cut: name of the layer on top of what is taken; None looks for the head.

    Raises:
        BadBase: no such layer, or not everything goes through it; or nothing with weights is left.
    """
    layers = outline(model)
    several = len(model.outputs) > 1
    top = _below_head(model, layers) if cut is None else _cut_at(layers, cut, several)
    name = str(layers[top]["name"])
    left = model if top == len(layers) - 1 and not several else _up_to(model, name)
    if not outlined_blocks(outline(left)):
        raise BadBase(
            f"Up to `{name}` the network has no layer with weights: nothing is left to reuse. Take a network with at "
            "least one Dense or convolution below its head."
        )
    kept = {operation.name for operation in left.operations}
    dropped = tuple(str(layer["name"]) for layer in layers if layer["name"] not in kept)
    return Topped(left, dropped, int(layers[-1]["output_shape"][-1]) if dropped and cut is None else None)


def _up_to(model: "keras.Model", name: str) -> "keras.Model":
    import keras

    return keras.Model(model.inputs[0], output_of(model, name), name=model.name)


def _below_head(model: "keras.Model", layers: Outline) -> int:
    """The place of the layer below the head; the topmost place where there is none."""
    cuts = set(cut_points(layers))
    operations = {operation.name: operation for operation in model.operations}
    place, kinds = len(layers) - 1, set()
    answers = False
    while place > 0 and place in cuts and layers[place]["kind"] in WITHOUT_WEIGHTS | SHAPING:
        kinds.add(layers[place]["kind"])
        answers = answers or _answers(layers[place], operations)
        place -= 1
    if place not in cuts or not _is_head(layers[place], operations, answers, plain=kinds <= {"Dropout"}):
        return len(layers) - 1
    return place - 1


def _is_head(layer: Mapping[str, Any], operations: Mapping[str, Any], answers: bool, plain: bool) -> bool:
    """Whether answers are made with the weights of `layer`.

    Args:
        answers: whether a softmax or the like stands above it.
        plain: whether nothing above it changes what it gives.
    """
    if layer["kind"] == "Conv2D":
        return answers or _answers(layer, operations)
    if layer["kind"] != "Dense":
        return False
    logits = _activation(operations[str(layer["name"])]) in LOGITS
    flat = len(layer["output_shape"]) == 1
    return _answers(layer, operations) or (logits and (answers or (plain and flat)))


def _answers(layer: Mapping[str, Any], operations: Mapping[str, Any]) -> bool:
    return layer["kind"] in GIVES_ANSWERS or _activation(operations[str(layer["name"])]) in ANSWERS


def _activation(operation: Any) -> str:
    return str(getattr(getattr(operation, "activation", None), "__name__", ""))


def _cut_at(layers: Outline, cut: str, anywhere: bool) -> int:
    places = [place for place in (range(len(layers)) if anywhere else cut_points(layers)) if place > 0]
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
