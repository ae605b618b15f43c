"""What turns gradients into updates: Keras' own optimisers, the rate that each update has, and the averaged weights.

The rate is a function of the number of updates done, so it is computed inside the compiled epoch, and a training that
goes on at some epoch has the rates of one that was never interrupted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tasks.pure.layers import leaves
from tasks.pure.training import Training

if TYPE_CHECKING:
    import keras

# PyTorch's and fastai's: the cycle begins at a 25th of its peak and ends at a 10,000th of that.
START_DIVISOR, END_DIVISOR = 25.0, 1e4


def optimizer(model: "keras.Model", training: Training, updates: int) -> "keras.Optimizer":
    """A new optimiser for what `model` trains, with the recipe's schedule over so many updates in all.

    Weight decay is decoupled with each of them (Loshchilov & Hutter 2019), so `adam` with it is `adamw`; biases and
    normalisations are left alone (`undecayed`). Clipping is by the norm over all gradients (Pascanu et al. 2013).
    """
    import keras

    options: dict[str, Any] = {
        "learning_rate": rate(training, updates),
        "weight_decay": training.weight_decay,
        "global_clipnorm": training.clip_norm,
        "use_ema": training.ema is not None,
        "ema_momentum": training.ema or 0.0,
    }
    if training.optimizer == "sgd":
        made = keras.optimizers.SGD(**options, momentum=training.momentum, nesterov=training.nesterov)
    else:  # Keras' AdamW is this very class with a decay that must be there
        made = keras.optimizers.Adam(**options)
    if training.weight_decay:
        made.exclude_from_weight_decay(var_list=undecayed(model))
    return made


def undecayed(model: "keras.Model") -> list["keras.Variable"]:
    """Trained variables that no decay should draw to 0: biases, all that normalisations hold, and other vectors.

    Vectors are gains and offsets too (ConvNeXt's LayerScale, say): timm's rule, `ndim <= 1`.
    """
    import keras

    norms = (
        keras.layers.BatchNormalization,
        keras.layers.LayerNormalization,
        keras.layers.GroupNormalization,
        keras.layers.RMSNormalization,
    )
    return [
        variable
        for _, leaf in leaves(model)
        for variable in leaf.trainable_variables
        if isinstance(leaf, norms) or variable.name == "bias" or len(variable.shape) <= 1
    ]


def rate(training: Training, updates: int) -> "float | keras.optimizers.schedules.LearningRateSchedule":
    """The learning rate: a number, or a function of the updates done, from 0 to `updates` - 1.

    `cosine` is Keras' `CosineDecay` (Loshchilov & Hutter 2017): up from 0 in a straight line in the warm-up, then down
    to 0. `constant` with a warm-up is the same without the fall. `one_cycle` is Smith's (2018) as PyTorch's
    `OneCycleLR` has it, with two phases and cosines; the momentum does not cycle.
    """
    import keras

    peak = float(training.learning_rate)
    if training.schedule == "one_cycle":
        return one_cycle(peak, updates, training.warmup)
    rising = round(training.warmup * updates)
    if training.schedule == "constant" and not rising:
        return peak
    keeps = 1.0 if training.schedule == "constant" else 0.0  # the fraction of the peak that is left at the end
    falling = max(updates - rising, 1)
    if not rising:
        return keras.optimizers.schedules.CosineDecay(peak, falling, alpha=keeps)
    return keras.optimizers.schedules.CosineDecay(0.0, falling, alpha=keeps, warmup_target=peak, warmup_steps=rising)


def one_cycle(
    peak: float, updates: int, rising: float, start_divisor: float = START_DIVISOR, end_divisor: float = END_DIVISOR
) -> "keras.optimizers.schedules.LearningRateSchedule":
    """Up from peak / start_divisor to the peak, then down to that / end_divisor, each half a cosine.

    Source: `torch.optim.lr_scheduler.OneCycleLR` (two phases), after Smith 2018, arXiv:1803.09820, and fastai. The
    peak is at update `rising` · `updates` - 1, or the first where that lies before it.
    """
    import math

    import keras
    from keras import ops

    start = peak / start_divisor
    top = max(rising * updates - 1, 0.0)
    steps_up, steps_down = max(top, 1.0), max(updates - 1 - top, 1.0)

    class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step: Any) -> Any:
            done = ops.cast(step, keras.config.floatx())
            up = self._between(start, peak, done / steps_up)
            down = self._between(peak, start / end_divisor, ops.minimum((done - top) / steps_down, 1.0))
            return ops.where(done < top, up, down)

        def _between(self, first: float, last: float, fraction: Any) -> Any:
            return last + (first - last) / 2 * (1 + ops.cos(math.pi * fraction))

        def get_config(self) -> dict[str, Any]:
            return {"peak": peak, "updates": updates, "rising": rising}

    return OneCycle()


def constant(training: Training) -> bool:
    """Whether every update has the same rate."""
    return training.schedule == "constant" and not training.warmup


def rate_of(model: "keras.Model", update: int) -> float:
    """The rate that `model`'s optimiser has, or had, at that update, from 0."""
    import keras
    import numpy as np

    found = own(model)._learning_rate  # what was given; the public property is its value at this moment alone
    scheduled = isinstance(found, keras.optimizers.schedules.LearningRateSchedule)
    return float(np.asarray(found(update) if scheduled else found))


def updates_done(model: "keras.Model") -> int:
    import numpy as np

    return int(np.asarray(own(model).iterations))


def own(model: "keras.Model") -> "keras.Optimizer":
    """The model's optimiser without Keras' wrapper for mixed precision."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


@contextmanager
def averaged(model: "keras.Model") -> Iterator[None]:
    """Inside the block the trained variables are their moving averages, where there are any.

    Keras' `SwapEMAWeights` does this by sums and differences, which change last bits; here they are exchanged.
    Only trained variables are averaged: a batch norm's statistics are moving averages already.
    """
    import numpy as np

    kept = [np.array(variable) for variable in model.trainable_variables] if own(model).use_ema else []
    if kept:
        own(model).finalize_variable_values(model.trainable_variables)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, kept, strict=False):
            variable.assign(value)
