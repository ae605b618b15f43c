"""The network as it is served: pixels of its own size in, probabilities out, built-in Keras layers only.

Nothing in it resizes. Keras' `Resizing` does not smooth where it shrinks, so it would show the network other pictures
than it was trained on; files are fitted before, by the code that fitted the training pictures.
"""

from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.architectures import MODEL_NAME
from tasks.pure.outline import IMAGE

if TYPE_CHECKING:
    import keras

TO_UNIT = "to_unit"


def servable(model: "keras.Model", unit: bool = False) -> "keras.Model":
    """`model` as it takes pixels of 0–255.

    Args:
        model: takes images (n, height, width, channels) of one size.
        unit: whether it was trained on floats of 0–1; then a layer divides by 255 first.

    Returns:
        A network of the same input shape that shares `model`'s weights; `model` itself where nothing is to be done.
    """
    import keras

    if not unit:
        return model
    image = keras.Input(model.input_shape[1:], name=IMAGE)
    return keras.Model(image, model(keras.layers.Rescaling(1 / 255, name=TO_UNIT)(image)), name=f"{MODEL_NAME}_served")


def before_the_model(network: "keras.Model", images: np.ndarray) -> np.ndarray:
    """`images` (n, height, width, channels) as the inner network gets them, by the very layer of `network`."""
    if TO_UNIT not in {layer.name for layer in network.layers}:
        return images
    return np.asarray(network.get_layer(TO_UNIT)(images))
