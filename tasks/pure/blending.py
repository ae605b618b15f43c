"""Weights between a network and what fine-tuning made of it: (1 - α) · before + α · after, α chosen on validation.

Wortsman and others, Robust fine-tuning of zero-shot models (WiSE-FT), CVPR 2022: the two lie in one basin, and on the
straight line between them there often is a network that is better than both, above all on pictures unlike the
training's. Batch-norm statistics are weights like any other here: on that line they belong between the two as well.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import frozen, inference
from tasks.pure.movable import put, values
from tasks.pure.training import Part

if TYPE_CHECKING:
    import keras

ALPHAS = tuple(tenths / 10 for tenths in range(11))
LOSS_DIGITS = 5  # losses in nats that agree so far are equal: mixed weights round, and so differ in the seventh digit


@dataclass(frozen=True)
class Tried:
    """One place on the line.

    Attributes:
        alpha: 0 is the network that came in, 1 the fine-tuned one.
        accuracy: on the validation part, 0 … 1.
        loss: cross-entropy there, in nats, without penalties on weights.
    """

    alpha: float
    accuracy: float
    loss: float


@dataclass(frozen=True)
class Blended:
    """The place that was chosen, and all that were tried, α rising."""

    alpha: float
    curve: tuple[Tried, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def blend(
    model: "keras.Model",
    variables: Sequence["keras.Variable"],
    before: Sequence[np.ndarray],
    validation: Part,
    cut: str | None = None,
) -> Blended:
    """Move `model` to the best place between `before` and where it is.

    The best is the one with the most right answers, then the one with the lower loss; of equals the one nearer to
    `before`: where validation cannot tell them apart, what was learnt on more data than the target's is kept.

    Args:
        variables: what fine-tuning may have moved; what it holds now is the other end of the line.
        before: what they held when the network came in.
        validation: images and labels, not empty; with `cut` the activations at that layer's output.
    """
    after, part = values(variables), frozen.trained_part(model, cut)
    curve = []
    for alpha in ALPHAS:
        put(variables, between(before, after, alpha))
        curve.append(_tried(part, validation, alpha))
    best = min(curve, key=lambda tried: (-tried.accuracy, round(tried.loss, LOSS_DIGITS), tried.alpha))
    put(variables, between(before, after, best.alpha))
    return Blended(best.alpha, tuple(curve))


def between(before: Sequence[np.ndarray], after: Sequence[np.ndarray], alpha: float) -> list[np.ndarray]:
    """(1 - α) · before + α · after of every array of floats, in its own type; of others (counts) the later ones."""
    return [
        ((1 - alpha) * old + alpha * new).astype(new.dtype) if np.issubdtype(new.dtype, np.floating) else new
        for old, new in zip(before, after, strict=True)
    ]


def _tried(part: "keras.Model", validation: Part, alpha: float) -> Tried:
    images, labels = validation
    found = inference.probabilities(part, images)
    return Tried(alpha, inference.accuracy(found, labels), inference.log_loss(found, labels))
