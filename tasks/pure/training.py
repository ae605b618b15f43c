"""The words of a training: how to train, on what, who watches, and the state from which one goes on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tasks.pure.data.rows import Images

SGD_MOMENTUM = 0.9
ADAMW_DECAY = 0.004  # Keras' own default
ONE_CYCLE_WARMUP = 0.3  # PyTorch's default of `pct_start`

Part = tuple[Images, np.ndarray]
# (epochs done, fraction of the next one, logs): logs are empty within an epoch.
OnProgress = Callable[[int, float, dict[str, float]], None]


@dataclass(frozen=True)
class Augmentation:
    """What is done to the training pictures before the network sees them; None everywhere: nothing.

    Attributes:
        flip: `horizontal`, `vertical` or `both`, each with a chance of one half.
        rotate: by up to so many degrees either way.
        shift: by up to this fraction of height and width either way.
        zoom: in or out by up to this fraction.
        brightness: up or down by up to this fraction of the whole range of pixels.
        contrast: distances from a picture's own mean grow or shrink by up to this fraction.
        fill: what turning, shifting and zooming out draw from beyond the edge: `reflect`, `nearest`, `black`, `white`.
        mixup, cutmix: α of the Beta distribution of the share that a second picture of the batch gets, in the whole
            picture or in a rectangle of it; the labels are mixed likewise. With both, each batch draws one of the two.
    """

    flip: str | None = None
    rotate: float | None = None
    shift: float | None = None
    zoom: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    fill: str | None = None
    mixup: float | None = None
    cutmix: float | None = None

    @property
    def active(self) -> bool:
        """Whether anything is done at all."""
        return self != Augmentation()

    @property
    def mixes(self) -> bool:
        """Whether labels are mixed too."""
        return bool(self.mixup or self.cutmix)


@dataclass(frozen=True)
class Training:
    """How to train.

    Attributes:
        epochs: passes over the data, at most.
        batch_size: examples an update; the last batch of an epoch may be smaller.
        learning_rate: of the optimiser; with a schedule or warm-up the highest.
        early_stopping: epochs without improvement of the validation loss after which to stop and take the best weights
            back; None for never.
        class_weights: weigh each class by n / (k · its count), scikit-learn's "balanced".
        augment: what is done to the pictures, with other draws in every epoch.
        augment_copies: of a training on stored activations: so many augmented copies of the pictures, drawn once. An
            epoch is a pass over one of them: epoch e (from 0) takes copy e mod `augment_copies`.
        layer_decay: rates fall by this factor from layer to layer downwards (`layer_decay.py`); None: one rate for all.
        precision: what the layers compute in, see `precision.py`; weights are float32.
        auto_rate: `learning_rate` is still to be found (`rate_finding.py`), and 0.
        optimizer: `adam`, `adamw` or `sgd`.
        momentum, nesterov: of `sgd`, ignored by the others.
        weight_decay: decoupled (Loshchilov & Hutter 2019) with every optimiser: an update also takes rate · this off
            each weight but biases and normalisations'; None for none.
        clip_norm: what longer gradients are shortened to, by the norm over all weights; None for never.
        label_smoothing: the share, 0 ≤ s < 1, of each label that is spread evenly over the classes, in the loss.
        ema: decay of the moving average of the trained weights; None for none.
        schedule: `constant`, `cosine` or `one_cycle`, see `optimising.py`.
        warmup: fraction, 0 ≤ w < 1, of all updates in which the rate rises.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    early_stopping: int | None
    class_weights: bool
    augment: Augmentation = Augmentation()
    augment_copies: int | None = None
    layer_decay: float | None = None
    auto_rate: bool = False
    precision: str = "float32"
    optimizer: str = "adam"
    momentum: float = SGD_MOMENTUM
    nesterov: bool = False
    weight_decay: float | None = None
    clip_norm: float | None = None
    label_smoothing: float = 0.0
    ema: float | None = None
    schedule: str = "constant"
    warmup: float = 0.0


@dataclass(frozen=True)
class Best:
    """What early stopping remembers.

    Attributes:
        epoch: the best one so far, from 0.
        value: its validation loss.
        wait: epochs since then.
        weights: of the network after that epoch, in Keras' order; averaged ones with `ema`.
    """

    epoch: int
    value: float
    wait: int
    weights: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class State:
    """Where a training stands at the end of an epoch: all that the next epoch depends on besides data and seed.

    Attributes:
        epoch: epochs done.
        weights: of the network that trains, batch-norm statistics included, in Keras' order.
        optimizer: the optimiser's variables, in Keras' order: updates done, moments, averaged weights.
        rows: the history so far, column → value, an epoch each.
        best: what could move, at the best epoch so far, where that is kept (`tuning.py`).
        stopping: with early stopping what that remembers.
    """

    epoch: int
    weights: tuple[np.ndarray, ...]
    optimizer: tuple[np.ndarray, ...]
    rows: tuple[Mapping[str, float], ...]
    best: tuple[np.ndarray, ...] = ()
    stopping: Best | None = None


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
