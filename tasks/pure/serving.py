"""The network as it is served: images of any size in, probabilities out, built-in Keras layers only."""

from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.architectures import MODEL_NAME
from tasks.pure.layers import IMAGE

if TYPE_CHECKING:
    import keras

ANY_SIZE = "any_size"
TO_UNIT = "to_unit"


def servable(model: "keras.Model", unit: bool = False) -> "keras.Model":
    """`model` behind a layer that resizes (bilinear); images that have its size pass through unchanged.

    Args:
        model: takes images (n, height, width, channels) of one size.
        unit: whether it was trained on floats of 0–1; then a layer divides by 255 first, so that pixels go in.

    Returns:
        A network that takes (n, any height, any width, channels), sharing `model`'s weights.
    """
    import keras

    height, width, channels = model.input_shape[1:]
    image = keras.Input((None, None, channels), name=IMAGE)
    x = keras.layers.Rescaling(1 / 255, name=TO_UNIT)(image) if unit else image
    resized = keras.layers.Resizing(height, width, interpolation="bilinear", name=ANY_SIZE)(x)
    return keras.Model(image, model(resized), name=f"{MODEL_NAME}_served")


def before_the_model(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    """`images` (n, any height, any width, channels) as the inner network gets them, by the very layers of `network`."""
    x = images
    for name in (TO_UNIT, ANY_SIZE):
        if name in {layer.name for layer in network.layers}:
            x = network.get_layer(name)(x)
    return np.asarray(x)
