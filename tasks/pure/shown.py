"""What the network was shown: a few augmented pictures of a training, drawn again by its very draws."""

import numpy as np

from tasks.pure.augmenting import Augmenter, brightest
from tasks.pure.data.rows import Images
from tasks.pure.order import permutation
from tasks.pure.training import Training

PICTURES = 32  # kept of each training
LONGEST = 128  # pixels of a side


def shown(images: Images, training: Training, seed: int) -> np.ndarray | None:
    """uint8 (up to PICTURES, h, w, channels): the first pictures of the first epoch as the network got them, no side
    longer than LONGEST; None without augmentation.

    Args:
        images: the training part (n, height, width, channels) as stored, not empty.
        seed: the step's own.
    """
    if not training.augment.active:
        return None
    white = brightest(images)
    return kept(_of_first_epoch(images, training, seed, white), white)


def kept(pictures: np.ndarray, white: float) -> np.ndarray:
    """uint8, no side longer than LONGEST: float pictures (m, height, width, channels) as a report shows them."""
    return _small(np.clip(np.rint(pictures * (255.0 / white)), 0, 255).astype(np.uint8))


def _of_first_epoch(images: Images, training: Training, seed: int, white: float) -> np.ndarray:
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


def _small(pictures: np.ndarray) -> np.ndarray:
    """Smaller by a whole number: the means of square blocks."""
    count, height, width, channels = pictures.shape
    by = -(-max(height, width) // LONGEST)
    high, wide = max(1, height // by), max(1, width // by)
    if by == 1 or min(height, width) < by:
        return pictures
    blocks = pictures[:, : high * by, : wide * by].reshape(count, high, by, wide, by, channels)
    return np.rint(blocks.mean(axis=(2, 4))).astype(np.uint8)
