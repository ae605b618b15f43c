"""Training: compile anew, fit with an order that only (seed, epoch) decides, return the history.

The order of examples is a permutation drawn from (step seed, epoch), and each Dropout's seed state is set from the
same pair when an epoch begins, since neither survives in a file. So a step gives the same bits in any process.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.errors import Diverged
from tasks.pure.layers import leaves
from tasks.pure.session import derive

if TYPE_CHECKING:
    import keras
    import pandas as pd
    import tensorflow as tf

# Steps that Keras runs in one call into TensorFlow. It changes no bit (a test holds that) and halves an epoch's time;
# a cancel is heard between calls.
STEPS_PER_EXECUTION = 50
# (epochs done, fraction of the next one, logs): logs are empty within an epoch.
OnProgress = Callable[[int, float, dict[str, float]], None]
Part = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes:
        epochs: passes over the data, at most.
        batch_size: examples an update; the last batch of an epoch may be smaller.
        learning_rate: of Adam.
        early_stopping: epochs without improvement (of the validation loss, or the training loss where there is no
            validation) after which to stop and take the best weights back; None for never.
        class_weights: weigh each class by n / (k · its count), scikit-learn's "balanced".
    """

    epochs: int
    batch_size: int
    learning_rate: float
    early_stopping: int | None
    class_weights: bool


def fit(
    model: "keras.Model", train: Part, validation: Part, training: Training, seed: int, on_progress: OnProgress
) -> "pd.DataFrame":
    """Compile `model` with a new Adam and train it in place.

    Args:
        train: images (n, height, width, channels) as stored, labels (n,) int64.
        validation: the same, may be empty.
        seed: the step's own.

    Returns:
        A row an epoch: epoch (from 0), loss, accuracy, and with validation val_loss and val_accuracy.
    """
    import pandas as pd

    steps = -(-len(train[1]) // training.batch_size)
    compile_model(model, training.learning_rate, min(STEPS_PER_EXECUTION, steps))
    order = _Order(train, training, model.output_shape[-1], seed)
    watch = _epoch_callback(model, order, steps, on_progress)
    history = model.fit(
        order.batches(),
        epochs=training.epochs,
        shuffle=False,  # the order is already drawn
        validation_data=_batches(*validation) if len(validation[1]) else None,
        callbacks=[watch, *_early_stopping(training, validation)],
        verbose=0,
    ).history
    _check_finite(history["loss"], model, training)
    columns = [name for name in ("loss", "accuracy", "val_loss", "val_accuracy") if name in history]
    return pd.DataFrame({"epoch": range(len(history["loss"])), **{name: history[name] for name in columns}})


def _check_finite(losses: Sequence[float], model: "keras.Model", training: Training) -> None:
    """Raises Diverged: at the end, or in some epoch, there were infinities or no numbers at all."""
    bad = [epoch for epoch, loss in enumerate(losses, start=1) if not np.isfinite(loss)]
    if bad or not all(np.isfinite(weight).all() for weight in model.get_weights()):
        where = f"in epoch {bad[0]} (loss {losses[bad[0] - 1]})" if bad else "(weights that are not finite)"
        raise Diverged(
            f"The training diverged {where}. Lower its `learning_rate` (now {training.learning_rate:g}), or scale the "
            "images: `pretrain.scale: unit`."
        )


def compile_model(model: "keras.Model", learning_rate: float, steps_per_execution: int = 1) -> None:
    """A new optimiser and the loss that belongs to the head: binary or sparse categorical cross-entropy, in nats."""
    import keras

    loss = "binary_crossentropy" if model.output_shape[-1] == 1 else "sparse_categorical_crossentropy"
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
        loss=loss,
        metrics=["accuracy"],
        steps_per_execution=steps_per_execution,
        jit_compile=False,  # XLA on a CPU is many times slower for convolutions, and gives other bits
    )


class _Order:
    """The training examples in the order of an epoch. The data stays as stored; a batch is gathered at a time."""

    def __init__(self, train: Part, training: Training, outputs: int, seed: int) -> None:
        import tensorflow as tf

        self.images, self.labels = train
        self.batch_size, self.seed = training.batch_size, seed
        self.indices = tf.Variable(np.arange(len(self.labels)), trainable=False)
        self.weights = _balanced(self.labels, max(outputs, 2)) if training.class_weights else None

    def shuffle(self, epoch: int) -> None:
        """Draw the order of `epoch`."""
        generator = np.random.Generator(np.random.PCG64(derive(self.seed, "order", epoch)))
        self.indices.assign(generator.permutation(len(self.labels)))

    def batches(self) -> "tf.data.Dataset":
        """(images, labels[, weights]) a batch; the order is read when an epoch begins."""
        import tensorflow as tf

        arrays = [self.images, self.labels] + ([] if self.weights is None else [self.weights])
        tensors = [tf.constant(array) for array in arrays]
        count, size = len(self.labels), self.batch_size

        def batch(start: Any) -> tuple[Any, ...]:
            chosen = self.indices[start : tf.minimum(start + size, count)]
            return tuple(tf.gather(tensor, chosen) for tensor in tensors)

        return tf.data.Dataset.range(0, count, size).map(batch).prefetch(2)


def _batches(images: np.ndarray, labels: np.ndarray, batch_size: int = 256) -> "tf.data.Dataset":
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)


def _balanced(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """float32 (n,) weight of each example under scikit-learn's "balanced" rule."""
    counts = np.bincount(labels, minlength=num_classes)
    weight: np.ndarray = (len(labels) / (num_classes * np.maximum(counts, 1))).astype(np.float32)
    return weight[labels]


def _early_stopping(training: Training, validation: Part) -> list["keras.callbacks.Callback"]:
    import keras

    if training.early_stopping is None:
        return []
    monitor = "val_loss" if len(validation[1]) else "loss"
    return [
        keras.callbacks.EarlyStopping(
            monitor=monitor, mode="min", patience=training.early_stopping, restore_best_weights=True
        )
    ]


def _epoch_callback(
    model: "keras.Model", order: _Order, steps: int, on_progress: OnProgress
) -> "keras.callbacks.Callback":
    """Sets order and dropout seeds before each epoch, and tells how far the training is."""
    import keras

    class Epoch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            order.shuffle(epoch)
            seed_dropouts(model, order.seed, epoch)
            self.epoch = epoch

        def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            on_progress(self.epoch, min((batch + 1) / steps, 1.0), {})

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            on_progress(epoch + 1, 0.0, {name: float(value) for name, value in (logs or {}).items()})

    return Epoch()


def seed_dropouts(model: "keras.Model", seed: int, epoch: int) -> None:
    """Set the state of every layer's seed generator from (seed, epoch, layer): files do not keep it."""
    for path, leaf in leaves(model):
        generator = getattr(leaf, "seed_generator", None)
        if generator is not None:
            generator.state.assign(np.array([derive(seed, "dropout", epoch, path), 0]))
