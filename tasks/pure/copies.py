"""Fixed augmented copies of pictures, and what a frozen part makes of them: drawn once, stored, trained on in turn."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.augmenting import Augmenter, brightest
from tasks.pure.frozen import BATCH_SIZE, activations, batch_starts
from tasks.pure.shown import PICTURES, kept
from tasks.pure.training import Augmentation

if TYPE_CHECKING:
    import keras


class Copies:
    """Copy c of a picture is the same whoever asks, and however often: the draws follow from (step seed, copy, batch).

    Args:
        images: (n, height, width, channels) as stored.
        seed: the step's own.
    """

    def __init__(self, how: Augmentation, images: np.ndarray, seed: int) -> None:
        import tensorflow as tf

        self.images, self.seed = images, seed
        self.brightest = brightest(images)
        self.augmenter = Augmenter(how, self.brightest, 1)
        self.program = tf.function(self.augmenter.changed, autograph=False, reduce_retracing=True)

    def batch(self, copy: int, first: int) -> Any:
        """float32 (up to BATCH_SIZE, height, width, channels): the pictures from `first` on, in copy number `copy`."""
        import tensorflow as tf

        self.augmenter.begin(self.seed, "copy", copy, first)
        return self.program(tf.constant(self.images[first : first + BATCH_SIZE]))


def activations_of_copies(
    frozen: "keras.Model", images: np.ndarray, how: Augmentation, copies: int, seed: int
) -> np.ndarray:
    """float32 (copies · n, …): what `frozen` makes of `copies` augmented copies of images (n, …), one after another."""
    drawn = Copies(how, images, seed)
    count = len(images)
    found = np.empty((copies * count, *frozen.output_shape[1:]), frozen.compute_dtype)
    for copy in range(copies):
        found[copy * count : (copy + 1) * count] = activations(frozen, images, partial(drawn.batch, copy))
    return found


def shown_of_copies(images: np.ndarray, how: Augmentation, seed: int) -> np.ndarray:
    """uint8 (up to PICTURES, h, w, channels): some of the first copy, from all over the part: its order may be that of
    the classes."""
    copies, count = Copies(how, images, seed), len(images)
    wanted = np.linspace(0, count - 1, min(PICTURES, count)).astype(int)
    # Where two batches hold a picture, the later one's stays.
    batch_of = {index: max(first for first in batch_starts(count) if first <= index) for index in wanted}
    batches = {first: copies.batch(0, first).numpy() for first in sorted(set(batch_of.values()))}
    return kept(np.stack([batches[first][index - first] for index, first in batch_of.items()]), copies.brightest)
