"""The order of the training examples: a permutation from (step seed, epoch), and the batches that follow from it.

The data stays as it is stored (uint8 images): a batch is gathered at a time, and converted inside the network. What
is large is not held at all: its batches are read from the file one ahead of the training (`data/rows.py`).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.data.rows import Images, blocks
from tasks.pure.inference import batch_size
from tasks.pure.session import derive
from tasks.pure.training import Part, Training

if TYPE_CHECKING:
    import tensorflow as tf

# Stored arrays beyond this many bytes are not put into TensorFlow's memory but read a batch at a time. A fixed number,
# not what is free today; it changes no bit (a test holds that).
RESIDENT_BYTES = 192 * 2**20  # CIFAR-10 just fits
ALIGNMENT = 64  # bytes: where TensorFlow expects a tensor to begin


class Order:
    """The training examples in the order of an epoch.

    Args:
        train: images (n, height, width, channels) as stored, or features (n, …); labels (n,) int64. With `copies`, so
            many times as many rows: n of each copy, one copy after another; an epoch is a pass over one of them.
        outputs: the network's number of outputs, for class weights.
        seed: the step's own.
    """

    def __init__(self, train: Part, training: Training, outputs: int, seed: int, copies: int = 1) -> None:
        import tensorflow as tf

        self.images, self.labels = train
        self.batch_size, self.seed = training.batch_size, seed
        self.count, self.copies = len(self.labels) // copies, copies
        self.streamed = self.images.nbytes > RESIDENT_BYTES
        self.indices = tf.Variable(np.arange(self.count), trainable=False)
        self.weights = balanced(self.labels, max(outputs, 2)) if training.class_weights else None

    @property
    def steps(self) -> int:
        """Batches an epoch, the smaller last one included."""
        return -(-self.count // self.batch_size)

    def shuffle(self, epoch: int) -> None:
        """Draw the order of `epoch`."""
        first = epoch % self.copies * self.count
        self.indices.assign(first + permutation(self.seed, epoch, self.count))

    def resident(self) -> "tuple[tf.Tensor, ...]":
        """(images, labels[, weights]) as tensors, whole."""
        import tensorflow as tf

        held = [tf.experimental.dlpack.from_dlpack(_aligned(array).__dlpack__()) for array in self._arrays()]
        return tuple(tf.identity(tensor) for tensor in held)  # the same memory, or that of the device

    def first_batch(self) -> "tf.data.Dataset":
        """One element that looks like a batch: by it Keras learns shapes, and counts one step an epoch."""
        import tensorflow as tf

        return tf.data.Dataset.from_tensors(tuple(array[: self.batch_size] for array in self._arrays()))

    def batches(self) -> "tf.data.Dataset":
        """(images, labels[, weights]) a batch, through `tf.data`; the order is read when an epoch begins."""
        return _stream(self._arrays(), self.count, self.batch_size, lambda start, end: self.indices[start:end])

    def _arrays(self) -> list[Images]:
        return [self.images, self.labels] + ([] if self.weights is None else [self.weights])


def _aligned(array: Images) -> np.ndarray:
    """A copy that TensorFlow can use as it lies: `tf.constant` would hold two more beside the array for a while."""
    buffer = np.empty(array.nbytes + ALIGNMENT, np.uint8)
    first = -buffer.ctypes.data % ALIGNMENT
    found = buffer[first : first + array.nbytes].view(array.dtype).reshape(array.shape)
    done = 0
    for block in blocks(array):
        found[done : done + len(block)] = block
        done += len(block)
    return found


def permutation(seed: int, epoch: int, count: int) -> np.ndarray:
    """int64 (count,): the order of `epoch` (from 0) in a step with that seed."""
    return np.random.Generator(np.random.PCG64(derive(seed, "order", epoch))).permutation(count)


def _stream(
    arrays: Sequence[Images], count: int, batch_size: int, choose: Callable[[Any, Any], Any]
) -> "tf.data.Dataset":
    """Rows of `arrays` a batch: of each those that `choose` names for the places from start to end, `count` in all."""
    import tensorflow as tf

    def batch(start: Any) -> tuple[Any, ...]:
        chosen = choose(start, tf.minimum(start + batch_size, count))
        return tuple(_rows(array, chosen) for array in arrays)

    return tf.data.Dataset.range(0, count, batch_size).map(batch).prefetch(2)


def _rows(array: Images, chosen: Any) -> Any:
    """The chosen rows of an array that may be a file's: only they are read."""
    import tensorflow as tf

    rows = tf.numpy_function(lambda picked: array[picked], [chosen], tf.as_dtype(array.dtype), stateful=False)
    return tf.ensure_shape(rows, (None, *array.shape[1:]))


def in_batches(images: Images, labels: np.ndarray) -> "tf.data.Dataset":
    """(images, labels) in their own order; what is too large for memory is read a batch at a time."""
    import tensorflow as tf

    size = batch_size(images)
    if isinstance(images, np.ndarray) and images.nbytes <= RESIDENT_BYTES:
        return tf.data.Dataset.from_tensor_slices((images, labels)).batch(size)
    return _stream([images, labels], len(labels), size, tf.range)


def balanced(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """float32 (n,) weight of each example under scikit-learn's "balanced" rule."""
    counts = np.bincount(labels, minlength=num_classes)
    weight: np.ndarray = (len(labels) / (num_classes * np.maximum(counts, 1))).astype(np.float32)
    return weight[labels]
