"""The words of a training: how to train, on what, who watches, and the state from which one goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.pure.data.rows import Images

Part = tuple[Images, np.ndarray]
# (epochs done, fraction of the next one, logs): logs are empty within an epoch.
OnProgress = Callable[[int, float, dict[str, float]], None]


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes:
        epochs: passes over the data, at most.
        batch_size: examples an update; the last batch of an epoch may be smaller.
        learning_rate: of Adam.
        early_stopping: epochs without improvement of the validation loss after which to stop and take the best weights
            back; None for never.
        class_weights: weigh each class by n / (k · its count), scikit-learn's "balanced".
    """

    epochs: int
    batch_size: int
    learning_rate: float
    early_stopping: int | None
    class_weights: bool


@dataclass(frozen=True)
class State:
    """Where a training stands at the end of an epoch: all that the next epoch depends on besides data and seed.

    Attributes:
        epoch: epochs done.
        weights: of the network that trains, batch-norm statistics included, in Keras' order.
        optimizer: the optimiser's variables, in Keras' order.
        rows: the history so far, column → value, an epoch each.
    """

    epoch: int
    weights: tuple[np.ndarray, ...]
    optimizer: tuple[np.ndarray, ...]
    rows: tuple[Mapping[str, float], ...]


def _drop(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True)
class Watch:
    """Who looks on. None of it changes a bit.

    Attributes:
        progress: told how far the training is.
        remark: told what a person should know, such as that XLA could not compile the network.
        clock: seconds from any fixed point. Pure code has no clock of its own; without one, calls keep their first
            length.
        save: given, after each epoch, a function that returns the state; it may call it and keep the result.
    """

    progress: OnProgress = _drop
    remark: Callable[[str], None] = _drop
    clock: Callable[[], float] = float
    save: Callable[[Callable[[], State]], None] = _drop
