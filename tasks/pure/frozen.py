"""The frozen part of a network, and what it makes of images: computed once instead of in every epoch."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import stopping

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 256


def frozen_part(model: "keras.Model", cut: str | None) -> "keras.Model | None":
    """The network up to and with the layer `cut`, sharing its layers; None without a cut."""
    import keras

    if cut is None:
        return None
    return keras.Model(model.inputs[0], model.get_layer(cut).output, name="frozen")


def activations(frozen: "keras.Model", images: np.ndarray, batch: Callable[[int], Any] | None = None) -> np.ndarray:
    """float32 (n, …): what `frozen` makes of images (n, height, width, channels), in inference mode.

    The same bits as in training, in batches of any size but one: a product with a single row is computed in another
    way. So the last batch reaches back to be whole.

    Args:
        batch: what to take in the place of the BATCH_SIZE images from a first one on, a tensor.
    """
    import tensorflow as tf

    compute = tf.function(lambda batch: frozen(batch, training=False), autograph=False, reduce_retracing=True)
    found = np.empty((len(images), *frozen.output_shape[1:]), frozen.compute_dtype)
    for first in batch_starts(len(images)):
        stopping.point()
        pixels = batch(first) if batch else tf.constant(images[first : first + BATCH_SIZE])
        found[first : first + BATCH_SIZE] = compute(pixels).numpy()
    return found


def batch_starts(count: int) -> list[int]:
    """The first image of each batch of `count` images; the last batch reaches back."""
    return [max(0, min(start, count - BATCH_SIZE)) for start in range(0, count, BATCH_SIZE)]
