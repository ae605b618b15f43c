"""At which learning rate? A short training on a copy, the rate rising from update to update, and where its loss falls.

Leslie Smith, Cyclical learning rates for training neural networks, WACV 2017 (LR range test), with fastai's numbers:
100 updates from 1e-7 to 10, the loss averaged exponentially (.98, debiased), stopped at four times the best of it.

Of what such a curve suggests fastai's *valley* is taken: the middle of the longest stretch over which the loss goes
down. It is the careful rule, and the only one of three that never failed here. Validation accuracy after three epochs
of 1,000 images of Fashion-MNIST (all of a dense net, its head alone, a CNN with batch norm; worse of two seeds):
valley .738 .620 .458; steepest point .104 .568 .118, since it hangs on one difference of two noisy numbers; a tenth of
the lowest point .712 .662 .092; 1e-3 without any search .712 .236 .304. Where there is no noise at all (a bowl), the
loss falls from the first update on, and the valley's middle is lower than it need be.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import augmenting, frozen, layer_decay, optimising, order, precision, stopping
from tasks.pure.callbacks import seed_dropouts
from tasks.pure.compiling import compile_model
from tasks.pure.errors import BadData
from tasks.pure.session import derive
from tasks.pure.training import Part, Training

if TYPE_CHECKING:
    import keras

LOWEST, HIGHEST, UPDATES = 1e-7, 10.0, 100
BETA = 0.98
STOP_AT = 4.0  # times the best averaged loss
FIRST_SHARE, LAST = 10, 5  # of the curve the first tenth and the last five updates are not looked at, as fastai does
LEAST_VALLEY = 3  # updates over which the loss must have fallen


@dataclass(frozen=True)
class RateCurve:
    """What was tried, an entry an update.

    Attributes:
        rates: of the update.
        losses: of its batch, before it.
        averaged: exponential average of the losses up to there.
        suggested: the rate to train with; one of `rates`.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    averaged: tuple[float, ...]
    suggested: float


def find(model: "keras.Model", train: Part, training: Training, seed: int, cut: str | None = None) -> RateCurve:
    """Try rates on a copy of `model`, whose own weights stay as they are; then see which one to take.

    Args:
        train: as for `fitting.fit`.
        training: how it trains, but for the rate: batches, class weights, augmentation, decay by layer.
        seed: the step's own; order, dropout and augmentation draw from it, but not what the training will draw.
        cut: name of the layer whose activations `train` holds.

    Raises:
        BadData: the loss fell at no rate.
    """
    twin = _twin(model)
    part = frozen.trained_part(twin, cut)
    steady = replace(training, learning_rate=LOWEST, schedule="constant", warmup=0.0, ema=None)
    optimizer = optimising.optimizer(part, steady, UPDATES)
    compile_model(part, optimizer, mixed=training.augment.mixes, smoothing=training.label_smoothing)
    if training.layer_decay is not None:
        layer_decay.slow_down(part.optimizer, twin, layer_decay.factors(twin, training.layer_decay))
    batches = _batches(twin, train, training, derive(seed, "find_rate"), cut)
    rates, losses = rising_rates(), []
    with precision.computing_in(twin, training.precision):
        for rate, batch in zip(rates, batches, strict=False):
            stopping.point()
            part.optimizer.learning_rate = rate
            part.reset_metrics()
            losses.append(float(part.train_on_batch(*batch, return_dict=True)["loss"]))
            if has_blown_up(losses):
                break
    return curve_of(rates[: len(losses)], losses)


def rising_rates() -> list[float]:
    """UPDATES rates from LOWEST to HIGHEST, each a fixed multiple of the one before."""
    return [float(rate) for rate in np.geomspace(LOWEST, HIGHEST, UPDATES)]


def averaged(losses: Sequence[float]) -> list[float]:
    """Exponential averages of the losses up to each place, debiased as Adam's moments are."""
    found, value = [], 0.0
    for count, loss in enumerate(losses, start=1):
        value = BETA * value + (1 - BETA) * loss
        found.append(value / (1 - BETA**count))
    return found


def has_blown_up(losses: Sequence[float]) -> bool:
    """Whether the last averaged loss is no number, or beyond STOP_AT times the best one."""
    smooth = averaged(losses)
    return not np.isfinite(losses[-1]) or smooth[-1] > STOP_AT * min(smooth)


def curve_of(rates: Sequence[float], losses: Sequence[float]) -> RateCurve:
    """The curve with the rate that it suggests; updates from the first loss that is no number on are left out.

    Raises:
        BadData: the loss fell at no rate.
    """
    finite = next((place for place, loss in enumerate(losses) if not np.isfinite(loss)), len(losses))
    rates, losses = tuple(rates[:finite]), tuple(losses[:finite])
    smooth = tuple(averaged(losses))
    first, last = len(rates) // FIRST_SHARE, len(rates) - LAST
    return RateCurve(rates, losses, smooth, _valley(rates[first:last], smooth[first:last]))


def _valley(rates: Sequence[float], losses: Sequence[float]) -> float:
    """The rate in the middle of the longest stretch of falling losses, by fastai's reckoning."""
    lengths = falling(losses)
    longest = max(lengths, default=0)
    if longest < LEAST_VALLEY:
        raise BadData(
            "`learning_rate: auto` found no rate at which the loss falls. Set `learning_rate` to a number, or look at "
            "the data: labels that have nothing to do with the pictures look like this."
        )
    end = lengths.index(longest)
    third = longest / 3
    return rates[end - longest + int(third) + int(third / 2)]


def falling(losses: Sequence[float]) -> list[int]:
    """For each place the length of the longest row of ever smaller losses, neighbours or not, that ends there."""
    lengths: list[int] = []
    for place, loss in enumerate(losses):
        lengths.append(1 + max((lengths[before] for before in range(place) if losses[before] > loss), default=0))
    return lengths


def _twin(model: "keras.Model") -> "keras.Model":
    twin = type(model).from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for old, new in zip(model.layers, twin.layers, strict=True):
        new.trainable = old.trainable
    return twin


def _batches(
    twin: "keras.Model", train: Part, training: Training, seed: int, cut: str | None
) -> Iterator[tuple[Any, ...]]:
    """(images, labels[, weights]) for ever, in orders drawn from `seed`; of one size, so traced once."""
    (images, labels), outputs = train, twin.output_shape[-1]
    count = len(labels) // (training.augment_copies or 1 if cut else 1)
    weights = order.balanced(labels, max(outputs, 2)) if training.class_weights else None
    augmenter = augmenting.augmenter(training.augment, images, outputs) if cut is None else None
    size, epoch = min(training.batch_size, count), 0
    while True:
        chosen = order.permutation(seed, epoch, count)
        seed_dropouts(twin, seed, epoch)
        if augmenter:
            augmenter.begin(seed, epoch)
        for start in range(0, count - size + 1, size):
            picked = chosen[start : start + size]
            batch = (images[picked], labels[picked], *(() if weights is None else (weights[picked],)))
            yield augmenter.batch(*batch) if augmenter else batch
        epoch += 1
