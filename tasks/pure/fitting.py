"""Training: compile anew, fit with an order that only (seed, epoch) decides, return the history.

The order of examples is a permutation drawn from (step seed, epoch), and the seed state of each Dropout and of each
layer that augments is set from the same pair when an epoch begins: none survives in a file. So a step gives the same
bits in any process, and one that goes on at epoch 7 gives those of one that was never interrupted.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import augmenting, epochs, layer_decay, precision, stopping
from tasks.pure.augmenting import Augmenter
from tasks.pure.errors import BadData, Diverged
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.layers import leaves, output_of
from tasks.pure.order import Order, in_batches
from tasks.pure.session import derive
from tasks.pure.training import Part, State, Training, Watch

if TYPE_CHECKING:
    import keras
    import pandas as pd

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")


@dataclass(frozen=True)
class Fitted:
    """What a training gave.

    Attributes:
        history: a row an epoch: epoch (from 0), loss, accuracy, and with validation val_loss and val_accuracy.
        jit: whether XLA compiled it in the end.
        streamed: whether the data was read a batch at a time.
        seconds: by the watch's clock, compilation included.
        compile_seconds: what the first calls of the compiled programs took, their few steps included.
    """

    history: "pd.DataFrame"
    jit: bool
    streamed: bool
    seconds: float
    compile_seconds: float


def fit(
    model: "keras.Model",
    train: Part,
    validation: Part,
    training: Training,
    seed: int,
    watch: Watch = Watch(),  # noqa: B008 - frozen
    path: ExecutionPath = ExecutionPath(),  # noqa: B008 - frozen
    state: State | None = None,
) -> Fitted:
    """Train `model` in place, with a new Adam.

    Args:
        train: images (n, height, width, channels) as stored, labels (n,) int64; with `path.cut` the activations
            (n, …) at that layer's output in the images' place; with `training.augment_copies` of so many copies, one
            after another, labels too. Without a cut the images are augmented as `training.augment` says.
        validation: the same, may be empty.
        seed: the step's own.
        path: with XLA or not, whole or from a cut upwards. It decides the bits.
        state: what `watch.save` was given at the end of an epoch of this very training, to go on from.

    Raises:
        BadData: early stopping without a validation part.
        Diverged: there were infinities, or no numbers at all.
        ValueError: activations were given that are of no augmented pictures, though the pictures are to be augmented.
    """
    began, outputs = watch.clock(), model.output_shape[-1]
    order = Order(train, training, outputs, seed, _copies(training, path))
    augmenter = augmenting.augmenter(training.augment, train[0], outputs) if path.cut is None else None
    epoch = _epoch_callback(model, order, watch, list(state.rows) if state else [], augmenter)
    inputs = model.inputs[0] if path.cut is None else output_of(model, path.cut)
    trainer = epochs.compiled(inputs, model.outputs[0], order, watch, epoch.within, augmenter)
    compile_model(trainer, training.learning_rate, path.jit, training.augment.mixes)
    if training.layer_decay is not None:
        layer_decay.slow_down(trainer.optimizer, model, layer_decay.factors(model, training.layer_decay))
    if path.jit and not trainer.jit_compile:
        watch.remark(f"{epochs.WITHOUT_XLA}: Keras says that a layer of it does not support that")
    if state:
        _go_on_from(trainer, state)
    with precision.computing_in(model, training.precision):
        trainer.fit(
            _as_targets(order.first_batch(), augmenter),
            epochs=training.epochs,
            initial_epoch=state.epoch if state else 0,
            shuffle=False,  # the order is already drawn
            validation_data=_as_targets(in_batches(*validation), augmenter) if len(validation[1]) else None,
            callbacks=[epoch, *_early_stopping(training, validation)],
            verbose=0,
        )
    history = _history(epoch.rows)
    _check_finite(history["loss"].tolist(), model, training)
    seconds = watch.clock() - began
    return Fitted(history, bool(trainer.jit_compile), order.streamed, seconds, float(trainer.compile_seconds))


def _copies(training: Training, path: ExecutionPath) -> int:
    """How many augmented copies the activations are of that are trained on; 1 where there are none."""
    if path.cut is None:
        return 1
    if training.augment.active and not training.augment_copies:
        raise ValueError("Pictures that are augmented anew in every epoch have no activations that could be stored.")
    return training.augment_copies or 1


def _as_targets(batches: Any, augmenter: Augmenter | None) -> Any:
    """(images, labels) with the labels as they are where labels are mixed, so that Keras sees one kind only."""
    if augmenter is None or not augmenter.mixes:
        return batches
    return batches.map(lambda images, labels: (images, augmenter.targets(labels)))


def compile_model(model: "keras.Model", learning_rate: float, jit: bool = False, mixed: bool = False) -> None:
    """A new optimiser and the loss that belongs to the head: binary or sparse categorical cross-entropy, in nats.

    Args:
        mixed: labels come as shares of the classes (`Augmenter.targets`). The loss is the same cross-entropy, and the
            accuracy the share of pictures answered with the class that has most of the picture.
    """
    import keras

    binary = model.output_shape[-1] == 1
    loss = "binary_crossentropy" if binary else f"{'' if mixed else 'sparse_'}categorical_crossentropy"
    with warnings.catch_warnings():
        # Keras turns XLA off by itself for some layers; `fit` says so in its own way.
        warnings.filterwarnings("ignore", message="Model doesn't support `jit_compile=True`")
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
            loss=loss,
            metrics=[_accuracy_of_most() if mixed and binary else "accuracy"],
            jit_compile=jit,
        )


def _accuracy_of_most() -> "keras.Metric":
    """Keras' own for two classes counts an answer to a mixed picture as wrong, whichever it is."""
    import keras

    def right(targets: Any, answers: Any) -> Any:
        return keras.metrics.binary_accuracy(keras.ops.cast(targets > 0.5, answers.dtype), answers)

    return keras.metrics.MeanMetricWrapper(right, name="accuracy")


def _go_on_from(trainer: "keras.Model", state: State) -> None:
    trainer.set_weights(state.weights)
    trainer.optimizer.build(trainer.trainable_variables)
    for variable, value in zip(trainer.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)


def _state(trainer: "keras.Model", epoch: int, rows: Sequence[Mapping[str, float]]) -> State:
    optimizer = tuple(np.asarray(variable) for variable in trainer.optimizer.variables)
    return State(epoch, tuple(trainer.get_weights()), optimizer, tuple(rows))


def _history(rows: Sequence[Mapping[str, float]]) -> "pd.DataFrame":
    import pandas as pd

    columns = [name for name in FIGURES if name in rows[0]]
    return pd.DataFrame({"epoch": range(len(rows)), **{name: [row[name] for row in rows] for name in columns}})


def _check_finite(losses: Sequence[float], model: "keras.Model", training: Training) -> None:
    """Raises Diverged: at the end, or in some epoch, there were infinities or no numbers at all."""
    bad = [epoch for epoch, loss in enumerate(losses, start=1) if not np.isfinite(loss)]
    if bad or not all(np.isfinite(weight).all() for weight in model.get_weights()):
        where = f"in epoch {bad[0]} (loss {losses[bad[0] - 1]})" if bad else "(weights that are not finite)"
        raise Diverged(
            f"The training diverged {where}. Lower its `learning_rate` (now {training.learning_rate:g}), or scale the "
            "images: `pretrain.scale: unit`."
        )


def _early_stopping(training: Training, validation: Part) -> list["keras.callbacks.Callback"]:
    import keras

    if training.early_stopping is None:
        return []
    if not len(validation[1]):
        raise BadData(
            "`early_stopping` stops by the validation loss, but there is no validation part: the training loss only "
            "says how well the training images are known by heart. Set `validation`, or leave `early_stopping` out."
        )
    patience = training.early_stopping
    return [keras.callbacks.EarlyStopping(monitor="val_loss", mode="min", patience=patience, restore_best_weights=True)]


def _epoch_callback(
    model: "keras.Model", order: Order, watch: Watch, rows: list[Mapping[str, float]], augmenter: Augmenter | None
) -> Any:
    """Sets order, dropout seeds and augmentation before each epoch, keeps the history, and tells how far it is."""
    import keras

    class Epoch(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.rows, self.epoch = rows, 0

        def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.epoch = epoch
            order.shuffle(epoch)
            seed_dropouts(model, order.seed, epoch)
            if augmenter:
                augmenter.begin(order.seed, epoch)

        def within(self, fraction: float) -> None:
            watch.progress(self.epoch, fraction, {})

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
            self.rows.append({name: float(value) for name, value in (logs or {}).items()})
            watch.progress(epoch + 1, 0.0, dict(self.rows[-1]))
            if np.isfinite(self.rows[-1]["loss"]):  # from there nobody could go on
                watch.save(lambda: _state(self.model, epoch + 1, self.rows))

        def on_test_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
            stopping.point()  # a validation is one call for whoever watches

    return Epoch()


def seed_dropouts(model: "keras.Model", seed: int, epoch: int) -> None:
    """Set the state of every layer's seed generator from (seed, epoch, layer): files do not keep it."""
    for path, leaf in leaves(model):
        # Dropout and noise call it by the first name, augmentation by the second.
        generator = getattr(leaf, "seed_generator", None) or getattr(leaf, "generator", None)
        if generator is not None:
            generator.state.assign(np.array([derive(seed, "dropout", epoch, path), 0]))
