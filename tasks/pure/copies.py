"""Fixed augmented copies of pictures, and what a frozen part makes of them: drawn once, stored, trained on in turn."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.augmenting import Augmenter, brightest
from tasks.pure.data.rows import Images
from tasks.pure.frozen import Activations, batch_starts, whole
from tasks.pure.inference import batch_size
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

    def __init__(self, how: Augmentation, images: Images, seed: int) -> None:
        import tensorflow as tf

        self.images, self.seed = images, seed
        self.brightest = brightest(images)
        self.augmenter = Augmenter(how, self.brightest, 1)
        self.program = tf.function(self.augmenter.changed, autograph=False, reduce_retracing=True)

    def batch(self, copy: int, first: int, size: int) -> Any:
        """float32 (up to `size`, height, width, channels): the pictures from `first` on, in copy number `copy`."""
        import tensorflow as tf

        self.augmenter.begin(self.seed, "copy", copy, first)
        return self.program(tf.constant(self.images[first : first + size]))


class ActivationsOfCopies:
    """float32 (copies · n, …): what `frozen` makes of `copies` augmented copies of images (n, …), one after another.

    Computed a batch at a time, each time that `blocks` is asked for.
    """

    def __init__(self, frozen: "keras.Model", images: Images, how: Augmentation, copies: int, seed: int) -> None:
        self.frozen, self.images, self.copies = frozen, images, copies
        self.drawn = Copies(how, images, seed)
        self.shape = (copies * len(images), *frozen.output_shape[1:])
        self.dtype = np.dtype(frozen.compute_dtype)

    def blocks(self, _size: int = 0) -> Iterator[np.ndarray]:
        """The activations, those of one copy after those of another."""
        for copy in range(self.copies):
            yield from Activations(self.frozen, self.images, partial(self.drawn.batch, copy)).blocks()


def activations_of_copies(
    frozen: "keras.Model", images: Images, how: Augmentation, copies: int, seed: int
) -> np.ndarray:
    """All of them, in memory."""
    return whole(ActivationsOfCopies(frozen, images, how, copies, seed))


def shown_of_copies(images: Images, how: Augmentation, seed: int) -> np.ndarray:
    """uint8 (up to PICTURES, h, w, channels): some of the first copy, from all over the part: its order may be that of
    the classes."""
    copies, count = Copies(how, images, seed), len(images)
    wanted = np.linspace(0, count - 1, min(PICTURES, count)).astype(int)
    size = batch_size(images)
    # Where two batches hold a picture, the earlier one's stays: the last batch reaches back only to be whole.
    batch_of = {index: min(first for first in batch_starts(images) if index < first + size) for index in wanted}
    batches = {first: copies.batch(0, first, size).numpy() for first in sorted(set(batch_of.values()))}
    return kept(np.stack([batches[first][index - first] for index, first in batch_of.items()]), copies.brightest)
