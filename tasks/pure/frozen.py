"""The frozen part of a network, and what it makes of images: computed once instead of in every epoch."""

from collections.abc import Callable, Iterator
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import stopping
from tasks.pure.data.rows import Images
from tasks.pure.inference import LEAST_IMAGES, batch_size
from tasks.pure.layers import output_of
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras

# The most that one layer makes at once, 32 MB of float32. A photo network's maps are many times its pictures: a batch
# of 256 at 96 pixels makes 226 MB of them in one layer, which no cache holds and the system hands out page by page; it
# took two to three times as long as eight batches of 32.
VALUES_AT_ONCE = 2**23


def frozen_part(model: "keras.Model", cut: str | None) -> "keras.Model | None":
    """The network up to and with the layer `cut`, sharing its layers; None without a cut."""
    import keras

    if cut is None:
        return None
    return keras.Model(model.inputs[0], output_of(model, cut), name="frozen")


def trained_part(model: "keras.Model", cut: str | None) -> "keras.Model":
    """The network above the layer `cut`, from that layer's activations to the answers, sharing its layers; without a
    cut the whole of it."""
    import keras

    return model if cut is None else keras.Model(model.get_layer(cut).output, model.outputs[0], name="trained")


class Activations:
    """float32 (n, …): what `frozen` makes of images (n, height, width, channels), in inference mode.

    Computed a batch at a time, each time that `blocks` is asked for: they may be larger than memory.

    Args:
        batch: what to take in the place of so many images from a first one on (first, how many), a tensor.
    """

    def __init__(self, frozen: "keras.Model", images: Images, batch: Callable[[int, int], Any] | None = None) -> None:
        self.frozen, self.images, self.batch = frozen, images, batch
        self.shape = (len(images), *frozen.output_shape[1:])
        self.dtype = np.dtype(frozen.compute_dtype)

    def blocks(self, _size: int = 0) -> Iterator[np.ndarray]:
        """The activations in the order of the images.

        The same bits as in training, in batches of any size but one: a product with a single row is computed in
        another way. So the last batch reaches back to be whole.
        """
        import tensorflow as tf

        compute = tf.function(lambda batch: self.frozen(batch, training=False), autograph=False, reduce_retracing=True)
        size, at_once, done = batch_size(self.images), images_at_once(self.frozen), 0
        for first in batch_starts(self.images):
            pixels = self.batch(first, size) if self.batch else tf.constant(self.images[first : first + size])
            yield _in_pieces(compute, pixels, at_once)[done - first :]
            done = min(first + size, len(self.images))


def images_at_once(frozen: "keras.Model") -> int:
    """How many images to compute together, LEAST_IMAGES or more, for what its layers make of them to stay small."""
    largest = max(prod(layer["output_shape"]) for layer in outline(frozen))
    return max(LEAST_IMAGES, VALUES_AT_ONCE // max(1, largest))


def _in_pieces(compute: Callable[[Any], Any], pixels: Any, size: int) -> np.ndarray:
    """What `compute` makes of a batch, `size` images at a time; never of one alone where there are more."""
    made: list[np.ndarray] = []
    for first in _starts(len(pixels), size):
        stopping.point()
        made.append(compute(pixels[first : first + size]).numpy()[sum(map(len, made)) - first :])
    return np.concatenate(made)


def activations(frozen: "keras.Model", images: Images) -> np.ndarray:
    """All activations of `images`, in memory."""
    return whole(Activations(frozen, images))


def whole(made: Any) -> np.ndarray:
    """All that `made` computes a block at a time (`shape`, `dtype`, `blocks`), in memory."""
    found, done = np.empty(made.shape, made.dtype), 0
    for block in made.blocks():
        found[done : done + len(block)] = block
        done += len(block)
    return found


def batch_starts(images: Images) -> list[int]:
    """The first image of each batch in which activations are computed; the last batch reaches back."""
    return _starts(len(images), batch_size(images))


def _starts(count: int, size: int) -> list[int]:
    return [max(0, min(start, count - size)) for start in range(0, count, size)]
