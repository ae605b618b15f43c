"""Batch norms that trained, with statistics that fit their weights.

Moving statistics lag behind the weights for as many updates as their momentum remembers. After a short training they
are computed anew over the training images (Wu & Johnson, Rethinking "Batch" in BatchNorm, 2021: precise statistics).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.pure import frozen, inference
from tasks.pure.batch_statistics import calibrate_batch_norms
from tasks.pure.layers import is_batch_norm
from tasks.pure.movable import trained_leaves
from tasks.pure.training import Part

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Calibrated:
    """What came of calibrating the batch norms that trained.

    Attributes:
        batch_norms: how many were calibrated.
        accuracy: of the calibrated network on the validation part, 0 … 1; None without such a part.
    """

    batch_norms: int
    accuracy: float | None


def calibrate_trained(model: "keras.Model", parts: tuple[Part, Part], cut: str | None = None) -> Calibrated:
    """Calibrate what trains on the training images; what is frozen keeps the statistics that it came with.

    Args:
        parts: training and validation part; with `cut` of the activations at that layer's output.
    """
    wanted = [leaf for leaf in trained_leaves(model) if is_batch_norm(leaf)]
    calibrate_batch_norms(model, parts[0][0], wanted=wanted, cut=cut)
    images, labels = parts[1]
    if not len(labels):
        return Calibrated(len(wanted), None)
    answers = inference.probabilities(frozen.trained_part(model, cut), images)
    return Calibrated(len(wanted), inference.accuracy(answers, labels))
