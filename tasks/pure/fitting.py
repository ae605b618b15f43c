"""Training: compile anew, fit with an order that only (seed, epoch) decides, return the history.

The order of examples is a permutation drawn from (step seed, epoch), and the seed state of each Dropout and of each
layer that augments is set from the same pair when an epoch begins: none survives in a file. So a step gives the same
bits in any process, and one that goes on at epoch 7 gives those of one that was never interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import augmenting, callbacks, epochs, layer_decay, optimising, precision
from tasks.pure.augmenting import Augmenter
from tasks.pure.callbacks import diverged
from tasks.pure.compiling import compile_model
from tasks.pure.errors import Diverged
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.layers import output_of
from tasks.pure.order import Order, in_batches
from tasks.pure.training import Part, State, Training, Watch

if TYPE_CHECKING:
    import keras
    import pandas as pd

FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


@dataclass(frozen=True)
class Fitted:
    """What a training gave.

    Attributes:
        history: a row an epoch: epoch (from 0), loss, accuracy, with validation val_loss and val_accuracy, and where
            the rate is not constant learning_rate, that of the epoch's last update. With `ema`, loss and accuracy are
            those of the weights as they train, and validation is that of their averages.
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
    """Train `model` in place, with a new optimiser. With `training.ema` it ends with the averaged weights.

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
        Diverged: there were infinities, or no numbers at all; raised in the epoch in which that is seen.
        ValueError: activations were given that are of no augmented pictures, though the pictures are to be augmented.
    """
    began, outputs = watch.clock(), model.output_shape[-1]
    order = Order(train, training, outputs, seed, _copies(training, path))
    augmenter = augmenting.augmenter(training.augment, train[0], outputs) if path.cut is None else None
    epoch = callbacks.epoch_callback(model, order, training, watch, augmenter, state.rows if state else ())
    stops = callbacks.early_stopping(training, validation, state.stopping if state else None)
    inputs = model.inputs[0] if path.cut is None else output_of(model, path.cut)
    trainer = epochs.compiled(inputs, model.outputs[0], order, watch, epoch.within, augmenter)
    optimizer = optimising.optimizer(trainer, training, order.steps * training.epochs)
    compile_model(trainer, optimizer, path.jit, training.augment.mixes, training.label_smoothing)
    if training.layer_decay is not None:
        layer_decay.slow_down(trainer.optimizer, model, layer_decay.factors(model, training.layer_decay))
    if path.jit and not trainer.jit_compile:
        watch.remark(f"{epochs.WITHOUT_XLA}: Keras says that a layer of it does not support that")
    if state:
        _go_on_from(trainer, state)
    with precision.computing_in(model, training.precision):
        trainer.fit(
            _as_targets(order.first_batch(), augmenter),
            epochs=callbacks.last_epoch(training, state),
            initial_epoch=state.epoch if state else 0,
            shuffle=False,  # the order is already drawn
            validation_data=_as_targets(in_batches(*validation), augmenter) if len(validation[1]) else None,
            callbacks=[epoch, *stops, callbacks.keeper(watch, epoch, stops)],
            verbose=0,
        )
    history = _history(epoch.rows)
    _check_weights(model, training)
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


def _go_on_from(trainer: "keras.Model", state: State) -> None:
    trainer.set_weights(state.weights)
    trainer.optimizer.build(trainer.trainable_variables)
    for variable, value in zip(trainer.optimizer.variables, state.optimizer, strict=True):
        variable.assign(value)


def _history(rows: Sequence[Mapping[str, float]]) -> "pd.DataFrame":
    import pandas as pd

    columns = [name for name in FIGURES if name in rows[0]]
    return pd.DataFrame({"epoch": range(len(rows)), **{name: [row[name] for row in rows] for name in columns}})


def _check_weights(model: "keras.Model", training: Training) -> None:
    """The last update may be the one that ruins the weights: no loss tells of it.

    Raises:
        Diverged: it was.
    """
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise Diverged(diverged("(weights that are not finite)", training.learning_rate, training))
