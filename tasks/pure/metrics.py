"""How good is it, how sure are we, and what would a constant answer have reached?

Everything returned is plain JSON (no NumPy numbers, no NaN): an undefined figure is None.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.pure.batch_norm import batch_norm_diagnosis as batch_norm_diagnosis
from tasks.pure.calibration import calibration_error, reliability_bins
from tasks.pure.errors import BadData
from tasks.pure.inference import log_loss as log_loss
from tasks.pure.statistics.proportion import proportion


def evaluate(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    training_labels: np.ndarray,
    *,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """All figures of one classifier on one test split.

    Args:
        probabilities: (n, k) float, rows sum to 1; a binary task is given as two columns.
        labels: (n,) int, 0…k-1, the true classes.
        class_names: k names, in the order of the columns.
        training_labels: (m,) int, 0…k-1; only to know which class a constant answer would choose.
        bootstrap: number of resamples of the test images behind the interval of the gain.
        confidence: coverage of the intervals, such as 0.95.
        seed: of the resampling.

    Returns:
        `accuracy`, `accuracy_low`, `accuracy_high` (see `accuracy_interval`), `confidence`, `bootstrap`, `num_test`,
        `class_names`, `balanced_accuracy` (mean recall of the classes that the test labels hold), `macro_f1` (mean
        F1 of the classes that occur among labels or answers), `log_loss` (nats, natural logarithm, probabilities
        clipped below at 1e-7), `calibration_error` and `reliability` (`calibration.py`), `per_class` (`class`,
        `precision`, `recall`, `f1`, `support`), `confusion` (k rows of true, k columns of predicted classes, counts),
        `majority` (`class`, `accuracy` of always answering with the training labels' most frequent class),
        `accuracy_gain`, `accuracy_gain_low`, `accuracy_gain_high` over that constant answer, and `roc_auc`, `pr_auc`
        (average precision), `positive` (the name of class 1): None unless k is 2 and both classes were tested.

    Raises:
        BadData: shapes, labels or names that do not fit together; probabilities that are not.
    """
    _check(probabilities, labels, class_names, training_labels)
    _check_resampling(bootstrap, confidence)
    predicted = probabilities.argmax(axis=1)
    confusion = confusion_matrix(labels, predicted, len(class_names))
    resampling: dict[str, Any] = {"bootstrap": bootstrap, "confidence": confidence, "seed": seed}
    bins = reliability_bins(probabilities, labels)
    return {
        **accuracy_interval(predicted == labels, confidence),
        "confidence": float(confidence),
        "bootstrap": int(bootstrap),
        "num_test": int(labels.size),
        "class_names": [str(name) for name in class_names],
        "log_loss": log_loss(probabilities, labels),
        "calibration_error": calibration_error(bins),
        "reliability": bins,
        "confusion": confusion.tolist(),
        **_by_class(confusion, class_names),
        **_against_majority(predicted, labels, class_names, training_labels, **resampling),
        **_binary(probabilities, labels, class_names),
    }


def accuracy_interval(right: np.ndarray, confidence: float) -> dict[str, float]:
    """Accuracy with Wilson's interval, which has a width even where all answers are right (`statistics/proportion.py`).

    Args:
        right: (n,) bool, whether each answer was right.
        confidence: coverage of the interval, 0 … 1.

    Returns:
        `accuracy`, `accuracy_low`, `accuracy_high`, all 0…1.
    """
    found = proportion(int(right.sum()), right.size, confidence)
    return {"accuracy": found.share, "accuracy_low": found.low, "accuracy_high": found.high}


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """(k, k) int64 counts: rows are true classes, columns predicted ones."""
    flat = np.bincount(labels.astype(np.int64) * num_classes + predicted, minlength=num_classes**2)
    return flat.reshape(num_classes, num_classes).astype(np.int64)


def _by_class(confusion: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    hits, support, answers = confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0)
    rows = [
        {
            "class": str(name),
            "precision": _share(hits[i], answers[i]),
            "recall": _share(hits[i], support[i]),
            "f1": _share(2 * hits[i], support[i] + answers[i]),
            "support": int(support[i]),
        }
        for i, name in enumerate(class_names)
    ]
    return {
        "per_class": rows,
        "balanced_accuracy": _mean([row["recall"] for row in rows]),
        "macro_f1": _mean([row["f1"] for row in rows]),
    }


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _mean(values: list[Any]) -> float:
    return float(np.mean([value for value in values if value is not None]))


def _against_majority(
    predicted: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    training_labels: np.ndarray,
    *,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> dict[str, Any]:
    """The constant answer, and the gain over it with an interval that keeps both answers to an image together.

    A gain is no share but a difference of two on the same images, so its interval is the percentile bootstrap over the
    images. Resampling them and counting gains and losses *is* a multinomial draw, so the resamples are drawn as
    numbers: the same distribution, thousands of times faster.
    """
    # Ties go to the lowest class, so that the figure does not depend on the order of the labels.
    majority = int(np.bincount(training_labels.astype(np.int64), minlength=len(class_names)).argmax())
    constant = labels == majority
    gained = (predicted == labels).astype(np.int64) - constant
    shares = np.bincount(gained + 1, minlength=3) / labels.size
    draws = np.random.default_rng([seed, 1]).multinomial(labels.size, shares, size=bootstrap)
    gains = (draws[:, 2] - draws[:, 0]) / labels.size
    low, high = np.quantile(gains, [(1 - confidence) / 2, (1 + confidence) / 2])
    return {
        "majority": {"class": str(class_names[majority]), "accuracy": float(constant.mean())},
        "accuracy_gain": float(gained.mean()),
        "accuracy_gain_low": float(low),
        "accuracy_gain_high": float(high),
    }


def _binary(probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> dict[str, Any]:
    """Areas under the curves where they mean something: two classes, both of them among the labels."""
    if len(class_names) != 2:
        return {"roc_auc": None, "pr_auc": None, "positive": None}
    positive = {"positive": str(class_names[1])}
    if np.unique(labels).size < 2:
        return {"roc_auc": None, "pr_auc": None, **positive}
    from sklearn.metrics import average_precision_score, roc_auc_score

    score = probabilities[:, 1]
    roc, pr = roc_auc_score(labels, score), average_precision_score(labels, score)
    return {"roc_auc": float(roc), "pr_auc": float(pr), **positive}


def _check(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str], training_labels: np.ndarray
) -> None:
    expected = (labels.size, len(class_names))
    if labels.ndim != 1 or labels.size == 0 or len(class_names) < 2 or probabilities.shape != expected:
        raise BadData(
            f"Expected probabilities of shape (images, classes) with at least one image and two classes: for "
            f"{labels.size} labels and {len(class_names)} class names, {expected}. Found {probabilities.shape}. "
            f"Give a binary task as two columns."
        )
    for split, values in (("test", labels), ("training", training_labels)):
        if values.size == 0 or values.min() < 0 or values.max() >= len(class_names):
            found = f"{values.min()}…{values.max()}" if values.size else "none at all"
            raise BadData(f"Expected {split} labels in 0…{len(class_names) - 1}, found {found}. Check `class_names`.")
    _check_probabilities(probabilities)


def _check_probabilities(probabilities: np.ndarray) -> None:
    if not np.isfinite(probabilities).all():
        raise BadData(
            "Expected finite probabilities, found NaN or infinity: the training diverged. "
            "Lower `learning_rate`, or scale the pixels (`pretrain.scale`; of a base from a file `base.scale`)."
        )
    off = float(np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1).max())
    if off > 1e-3 or probabilities.min() < 0:
        raise BadData(
            f"Expected probabilities (no negative ones, each row with sum 1), found a row that is off by {off:.3g} or "
            f"a negative entry. Apply softmax to logits first."
        )


def _check_resampling(bootstrap: int, confidence: float) -> None:
    if bootstrap < 1 or not 0 < confidence < 1:
        raise BadData(
            f"Expected `bootstrap` >= 1 and `confidence` between 0 and 1, found {bootstrap} and {confidence}. "
            f"1000 and 0.95 are usual."
        )
