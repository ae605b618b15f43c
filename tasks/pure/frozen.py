"""The frozen part of a network, and what it makes of images: computed once instead of in every epoch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure import stopping
from tasks.pure.data.rows import Images
from tasks.pure.inference import batch_size

if TYPE_CHECKING:
    import keras


def frozen_part(model: "keras.Model", cut: str | None) -> "keras.Model | None":
    """The network up to and with the layer `cut`, sharing its layers; None without a cut."""
    import keras

    if cut is None:
        return None
    return keras.Model(model.inputs[0], model.get_layer(cut).output, name="frozen")


class Activations:
    """float32 (n, …): what `frozen` makes of images (n, height, width, channels), in inference mode.

    Computed a batch at a time, each time that `blocks` is asked for: they may be larger than memory.
    """

    def __init__(self, frozen: "keras.Model", images: Images) -> None:
        self.frozen, self.images = frozen, images
        self.shape = (len(images), *frozen.output_shape[1:])
        self.dtype = np.dtype(frozen.compute_dtype)

    def blocks(self, _size: int = 0) -> Iterator[np.ndarray]:
        """The activations in the order of the images.

        The same bits as in training, in batches of any size but one: a product with a single row is computed in
        another way. So the last batch reaches back to be whole.
        """
        import tensorflow as tf

        compute = tf.function(lambda batch: self.frozen(batch, training=False), autograph=False, reduce_retracing=True)
        size, count = batch_size(self.images), len(self.images)
        for start in range(0, count, size):
            stopping.point()
            first = max(0, min(start, count - size))
            yield compute(tf.constant(self.images[first : first + size])).numpy()[start - first :]


def activations(frozen: "keras.Model", images: Images) -> np.ndarray:
    """All activations of `images`, in memory."""
    made = Activations(frozen, images)
    found, done = np.empty(made.shape, made.dtype), 0
    for block in made.blocks():
        found[done : done + len(block)] = block
        done += len(block)
    return found
