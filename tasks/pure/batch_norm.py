"""Is a bad result only the batch norms' moving statistics? Told from the training images alone."""

from collections.abc import Mapping
from typing import Any

# Below this the network has not learnt its training images, so another explanation is nearer.
LEARNT = 0.9
# A smaller fall explains no bad result, however near to chance it ends (with a majority class of 97 %, say).
LEAST_FALL = 0.05


def batch_norm_diagnosis(
    train_mode_accuracy: float, inference_accuracy: float, num_classes: int, majority: float
) -> dict[str, Any]:
    """Compare the two modes of a network with batch norm on the *same* training images.

    In training mode a batch norm uses the batch's own statistics, in inference mode its moving ones, which with Keras'
    momentum of .99 need several hundred updates. A network that has learnt its training images (training-mode accuracy
    of at least .9) but is near chance on these very images in inference mode has moving statistics that are wrong.
    Overfitting cannot look like this: the images are the same.

    *Near chance* means nearer to chance than to the training-mode accuracy, and at least five points below the latter.
    *Chance* is the better of guessing evenly (1 / num_classes) and of the constant answer.

    Args:
        train_mode_accuracy: 0…1, on the training images with `training=True`.
        inference_accuracy: 0…1, on the same images with `training=False`.
        num_classes: k.
        majority: 0…1, share of the most frequent class among these images.

    Returns:
        `converged` (bool), `training_mode_accuracy`, `inference_accuracy`, `chance`, and `message` (None if converged).
    """
    chance = max(1 / num_classes, majority)
    fall = train_mode_accuracy - inference_accuracy
    near_chance = inference_accuracy < (chance + train_mode_accuracy) / 2 and fall >= LEAST_FALL
    converged = not (train_mode_accuracy >= LEARNT and near_chance)
    return {
        "converged": converged,
        "training_mode_accuracy": float(train_mode_accuracy),
        "inference_accuracy": float(inference_accuracy),
        "chance": float(chance),
        "message": None if converged else _message(train_mode_accuracy, inference_accuracy, chance),
    }


def lags(diagnosis: Mapping[str, Any] | None) -> bool:
    """Whether the moving statistics cost a network what its weights can do, near chance or not: it has learnt its
    training images in training mode, and is right for five points fewer of them in inference mode. A network that is a
    control must not lose by that.

    Args:
        diagnosis: what `batch_norm_diagnosis` returned; None without batch norm.
    """
    if diagnosis is None:
        return False
    learnt, kept = diagnosis["training_mode_accuracy"], diagnosis["inference_accuracy"]
    return bool(learnt >= LEARNT and learnt - kept >= LEAST_FALL)


def _message(train_mode_accuracy: float, inference_accuracy: float, chance: float) -> str:
    return (
        f"Batch-norm statistics not converged: on the same training images the network is right for "
        f"{100 * train_mode_accuracy:.1f} % in training mode but only {100 * inference_accuracy:.1f} % in "
        f"inference mode (chance: {100 * chance:.1f} %). The weights are not the trouble, the moving averages are: "
        f"lower `batch_norm_momentum` (.9 for short trainings), or train for more updates "
        f"(more epochs, smaller batches). After a fine-tuning, `fine_tune.calibrate_batch_norm: true` sets them right."
    )
