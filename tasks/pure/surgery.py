"""Cutting a network and grafting it onto another task: clone with weights, new head, freeze, unfreeze.

`keras.models.clone_model` makes new weights, `Sequential(model.layers[:-1])` shares the old ones; both are traps. Here
every layer is made anew from its config and its weights are copied over, strictly: a shape that differs is an error.
"""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import regrowing
from tasks.pure.architectures import MODEL_NAME, head
from tasks.pure.errors import SurgeryError
from tasks.pure.initialising import initialise
from tasks.pure.layer_choice import Scion, Trainable
from tasks.pure.layers import is_batch_norm, listed, owners
from tasks.pure.outline import (
    ADDED,
    GLOBAL_AVERAGE,
    IMAGE,
    RESIZE,
    TO_GREY,
    TO_RGB,
    above_first,
    below_head,
    outlined_blocks,
    scales_pixels,
)
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, what Pillow's and most tools' RGB → grey uses


def graft(base: "keras.Model", scion: Scion, image_shape: Sequence[int], num_classes: int, seed: int) -> "keras.Model":
    """A new network for the target: adapters, the reused layers of `base`, added layers, a new head.

    Nothing is shared with `base`, and `base` is not changed. New weights are drawn from `seed` alone.

    Args:
        base: the source network, as `architectures.build` made it or `bases` took it in.
        image_shape: (height, width, channels) of the target's images; resized and converted inside the model
            where the base expects others.

    Raises:
        SurgeryError: `reused_layers` is not a row of the base's layers from the bottom up, or colours do not convert.
    """
    import keras

    reused = regrowing.above_adapters(base, _top(base, scion.reused_layers))
    kept = {layer.name for layer in reused.layers}
    if not scion.copy_weights:  # what prepares the pixels is no knowledge of the base's
        kept -= above_first(outline(base))
    image = keras.Input(tuple(image_shape), name=IMAGE)
    x = regrowing.regrow(reused, _adapt(image, reused.input_shape[1:]), kept)
    x = _pooled(x, {layer.name for layer in reused.layers})
    for number, width in enumerate(scion.add_hidden, start=1):
        x = keras.layers.Dense(width, activation="relu", name=f"{ADDED}{number}")(x)
    model = keras.Model(image, head(num_classes)(x), name=MODEL_NAME)
    initialise(model.layers, seed, keep=kept)
    _set_grey_weights(model)
    return model


def has_scale(base: "keras.Model") -> bool:
    """Whether `base` expects pixels of 0–255 and brings them to its own scale itself."""
    return scales_pixels(outline(base))


def _top(base: "keras.Model", reused: Sequence[str]) -> str:
    """Name of the Keras layer whose output is what the reused layers make of an image."""
    found = outlined_blocks(outline(base))
    names = [block.name for block in found]
    if not reused or list(reused) != names[: len(reused)]:
        raise SurgeryError(
            f"Expected the layers to reuse to be the base's lowest ones, in order: {listed(names)}. "
            f"Found {listed(list(reused))}. Set `clone_with_weights.layers` to a number or to one of these names."
        )
    return found[len(reused) - 1].end if len(reused) < len(names) else below_head(outline(base))


def _pooled(x: Any, taken: Collection[str]) -> Any:
    """What a network that was cut in its middle gives, as one vector an image: maps and tokens are averaged."""
    import keras

    name = f"{GLOBAL_AVERAGE}_on_top" if GLOBAL_AVERAGE in taken else GLOBAL_AVERAGE
    if len(x.shape) == 4:  # as at the end of graft's own CNN
        return keras.layers.GlobalAveragePooling2D(name=name)(x)
    if len(x.shape) == 3:
        return keras.layers.GlobalAveragePooling1D(name=name)(x)
    return x


def _adapt(image: Any, expected: Sequence[int]) -> Any:
    """Resize and convert `image` to what the base expects, with built-in layers only."""
    import keras

    height, width, channels = expected
    x = image
    if tuple(x.shape[1:3]) != (height, width):
        x = keras.layers.Resizing(height, width, interpolation="bilinear", name=RESIZE)(x)
    if x.shape[-1] == channels:
        return x
    if (x.shape[-1], channels) == (1, 3):
        return keras.layers.Concatenate(name=TO_RGB)([x, x, x])
    if (x.shape[-1], channels) == (3, 1):
        return keras.layers.Conv2D(1, 1, use_bias=False, trainable=False, name=TO_GREY)(x)
    raise SurgeryError(
        f"The base expects images of {channels} channels, the target has {x.shape[-1]}: only grey (1) and RGB (3) "
        "are converted. Store the target's images as grey or RGB."
    )


def _set_grey_weights(model: "keras.Model") -> None:
    """Built-in Keras has no RGB → grey layer; a 1×1 convolution with fixed weights is one."""
    if TO_GREY in {layer.name for layer in model.layers}:
        model.get_layer(TO_GREY).set_weights([np.array(LUMA, np.float32).reshape(1, 1, 3, 1)])


def trains(layer: "keras.Layer", owner: str, trainable: Trainable) -> bool:
    """Whether `layer`, a member of the block (or head) called `owner`, is declared to train."""
    return owner in (trainable.trained_batch_norms if is_batch_norm(layer) else trainable.trainable_layers)


def set_trainable(model: "keras.Model", trainable: Trainable) -> None:
    """Freeze everything but what is declared, leaf by leaf: also adapters, also each batch norm.

    Raises:
        SurgeryError: a declared name is not one of the network's.
    """
    belongs = owners(model)
    unknown = sorted({*trainable.trainable_layers, *trainable.trained_batch_norms} - set(belongs.values()))
    if unknown:
        known = [*dict.fromkeys(belongs.values())]
        raise SurgeryError(f"No layer named {listed(unknown)} in the network. Its layers: {listed(known)}.")
    for layer in model.layers:
        # An input layer has nothing to freeze, and files do not keep its flag.
        if layer.name != IMAGE:
            layer.trainable = layer.name in belongs and trains(layer, belongs[layer.name], trainable)
