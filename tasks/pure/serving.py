"""The network as it is served: images of any size in, probabilities out, built-in Keras layers only."""

from typing import TYPE_CHECKING

from tasks.pure.architectures import MODEL_NAME
from tasks.pure.layers import IMAGE

if TYPE_CHECKING:
    import keras

ANY_SIZE = "any_size"


def servable(model: "keras.Model") -> "keras.Model":
    """`model` behind a layer that resizes (bilinear); images that have its size pass through unchanged.

    Args:
        model: takes images (n, height, width, channels) of one size.

    Returns:
        A network that takes (n, any height, any width, channels), sharing `model`'s weights.
    """
    import keras

    height, width, channels = model.input_shape[1:]
    image = keras.Input((None, None, channels), name=IMAGE)
    resized = keras.layers.Resizing(height, width, interpolation="bilinear", name=ANY_SIZE)(image)
    return keras.Model(image, model(resized), name=f"{MODEL_NAME}_served")
