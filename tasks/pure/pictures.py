"""Which pictures a report has, and from what each is drawn."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import curves, plots

if TYPE_CHECKING:
    import pandas as pd


def draw(
    metrics: Mapping[str, Any],
    predictions: Mapping[str, np.ndarray],
    histories: Mapping[str, "pd.DataFrame"],
    images: np.ndarray,
    class_names: Sequence[str],
    num_mistakes: int,
) -> dict[str, bytes]:
    """PNG bytes by name.

    Args:
        metrics: as `judgement.judge` returns them.
        predictions: `probabilities` (n, k) and `labels` (n,), in the order of `images`.
        histories: step → a row an epoch.
        images: the test images (n, height, width, channels).
    """
    drawn = {
        "learning_curves": curves.learning_curves(histories),
        "confusion": plots.confusion(metrics["confusion"], class_names),
        "reliability": plots.reliability(metrics["reliability"]),
    }
    if num_mistakes:
        drawn["mistakes"] = _mistakes(predictions, images, class_names, num_mistakes)
    return drawn


def _mistakes(
    predictions: Mapping[str, np.ndarray], images: np.ndarray, class_names: Sequence[str], num_mistakes: int
) -> bytes:
    chosen = worst_mistakes(predictions["probabilities"], predictions["labels"], num_mistakes)
    answers = predictions["probabilities"][chosen]
    return plots.mistakes(
        images[chosen],
        [class_names[label] for label in predictions["labels"][chosen]],
        [class_names[label] for label in answers.argmax(axis=1)],
        answers.max(axis=1),
    )


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, limit: int) -> np.ndarray:
    """Indices of the wrong answers, the surest first, at most `limit`; ties in the order of the images."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    surest_first = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest_first][:limit]
