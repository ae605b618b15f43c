"""What the network was shown: a few augmented pictures of a training, drawn again by its very draws."""

import numpy as np

from tasks.pure.augmenting import Augmenter, brightest
from tasks.pure.copies import Copies
from tasks.pure.frozen import batch_starts
from tasks.pure.order import permutation
from tasks.pure.training import Training

PICTURES = 32  # kept of each training
LONGEST = 128  # pixels of a side


def shown(images: np.ndarray, training: Training, seed: int, on_copies: bool = False) -> np.ndarray | None:
    """uint8 (up to PICTURES, h, w, channels): the first pictures of the first epoch as the network got them, no side
    longer than LONGEST; None without augmentation.

    Args:
        images: the training part (n, height, width, channels) as stored, not empty.
        seed: the step's own.
        on_copies: whether it trained on stored activations of fixed copies; then some of the first copy.
    """
    if not training.augment.active:
        return None
    white = brightest(images)
    found = _of_copy(images, training, seed) if on_copies else _of_first_epoch(images, training, seed, white)
    return _small(np.clip(np.rint(found * (255.0 / white)), 0, 255).astype(np.uint8))


def _of_first_epoch(images: np.ndarray, training: Training, seed: int, white: float) -> np.ndarray:
    import tensorflow as tf

    augmenter = Augmenter(training.augment, white, outputs=1)
    program = tf.function(augmenter.batch, autograph=False)  # compiled as in the training
    augmenter.begin(seed, 0)
    order, size = permutation(seed, 0, len(images)), training.batch_size
    seen = []
    for start in range(0, min(PICTURES, len(order)), size):
        chosen = order[start : start + size]
        seen.append(program(tf.constant(images[chosen]), tf.zeros(len(chosen), tf.int64))[0].numpy())
    return np.concatenate(seen)[:PICTURES]


def _of_copy(images: np.ndarray, training: Training, seed: int) -> np.ndarray:
    """Pictures from all over the part: its order may be that of the classes."""
    copies, count = Copies(training.augment, images, seed), len(images)
    wanted = np.linspace(0, count - 1, min(PICTURES, count)).astype(int)
    # Where two batches hold a picture, the later one's stays.
    batch_of = {index: max(first for first in batch_starts(count) if first <= index) for index in wanted}
    batches = {first: copies.batch(0, first).numpy() for first in sorted(set(batch_of.values()))}
    return np.stack([batches[first][index - first] for index, first in batch_of.items()])


def _small(pictures: np.ndarray) -> np.ndarray:
    """Smaller by a whole number: the means of square blocks."""
    count, height, width, channels = pictures.shape
    by = -(-max(height, width) // LONGEST)
    high, wide = max(1, height // by), max(1, width // by)
    if by == 1 or min(height, width) < by:
        return pictures
    blocks = pictures[:, : high * by, : wide * by].reshape(count, high, by, wide, by, channels)
    return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
