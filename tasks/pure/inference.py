"""What a network says about images: probabilities, accuracy, and whether its batch norms speak for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure import stopping
from tasks.pure.data.rows import Images
from tasks.pure.layers import is_batch_norm, leaves

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 256
BATCH_VALUES = BATCH_SIZE * 64 * 64 * 3  # larger images come in smaller batches; of two or more, no bit differs
LEAST_IMAGES = 16
# Keras' own epsilon: the log-loss here then agrees with the loss that training shows, and one saturated
# float32 softmax (an exact 0) costs 16 nats, not infinity.
SMALLEST_PROBABILITY = 1e-7


def probabilities(model: "keras.Model", images: Images) -> np.ndarray:
    """float32 (n, k): a row an image, a column a class. A sigmoid head gives the two columns (1 - p, p)."""
    outputs = [np.asarray(model(batch, training=False), np.float32) for batch in batches(images, batch_size(images))]
    return two_columns(np.concatenate(outputs))


def batch_size(images: Images) -> int:
    """How many of `images` (n, …) to compute at once: BATCH_SIZE, or fewer where they are larger than usual."""
    values = max(1, int(np.prod(images.shape[1:], dtype=np.int64)))
    return max(LEAST_IMAGES, min(BATCH_SIZE, BATCH_VALUES // values))


def batches(images: Images, size: int) -> Iterator[np.ndarray]:
    """Images (n, …) in pieces of `size`, the last one smaller; the work can be stopped between them."""
    for start in range(0, len(images), size):
        stopping.point()
        yield images[start : start + size]


def two_columns(outputs: np.ndarray) -> np.ndarray:
    """Outputs of a sigmoid head (n, 1) as (n, 2); others as they are."""
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def accuracy(probability: np.ndarray, labels: np.ndarray) -> float:
    """Share of rows whose largest probability is the label's; ties go to the lower class."""
    return float(np.mean(probability.argmax(axis=1) == labels))


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -ln(probability given to the true class), in nats; probabilities clipped below at 1e-7."""
    given = probabilities[np.arange(labels.size), labels].astype(np.float64)
    return float(-np.log(np.clip(given, SMALLEST_PROBABILITY, 1.0)).mean())


def batch_statistics_accuracy(model: "keras.Model", images: Images, labels: np.ndarray, batch_size: int) -> float:
    """Accuracy on `images` with each batch's own statistics in the batch norms instead of the moving ones.

    It is what training sees. Where it is high and plain inference on the same images is near chance, the moving
    statistics have not converged. Works on a copy: dropout is off in it, every batch norm normalises by the batch.
    """
    import keras

    twin = model.__class__.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for _, leaf in leaves(twin):
        leaf.trainable = True  # a frozen batch norm would use its moving statistics whatever `training` says
        if isinstance(leaf, keras.layers.Dropout):
            leaf.rate = 0.0
    outputs = [np.asarray(twin(batch, training=True)) for batch in batches(images, batch_size)]
    return accuracy(two_columns(np.concatenate(outputs)), labels)


def has_batch_norm(model: "keras.Model") -> bool:
    return any(is_batch_norm(leaf) for _, leaf in leaves(model))
