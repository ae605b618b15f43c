"""Which pictures a report has, and from what each is drawn."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import curves, plots, shown_sheet

if TYPE_CHECKING:
    import pandas as pd


def draw(
    metrics: Mapping[str, Any],
    predictions: Mapping[str, np.ndarray],
    histories: Mapping[str, "pd.DataFrame"],
    class_names: Sequence[str],
    num_mistakes: int,
    shown: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> dict[str, bytes]:
    """PNG bytes by name.

    Args:
        metrics: as `judgement.judge` returns them.
        predictions: `probabilities` (n, k), `labels` (n,), `mistakes` and `mistake_images` as `judgement.judge` returns
            them.
        histories: step → a row an epoch.
        num_mistakes: how many of the mistakes are shown; at most as many as were kept.
        shown: step → pictures uint8 (m, h, w, c) that an augmented training was shown.
    """
    drawn = {
        "learning_curves": curves.learning_curves(histories),
        "confusion": plots.confusion(metrics["confusion"], class_names),
        "reliability": plots.reliability(metrics["reliability"]),
    }
    if num_mistakes:
        drawn["mistakes"] = _mistakes(predictions, class_names, num_mistakes)
    if shown:
        drawn["shown"] = shown_sheet.sheet(shown)
    return drawn


def _mistakes(predictions: Mapping[str, np.ndarray], class_names: Sequence[str], num_mistakes: int) -> bytes:
    chosen = predictions["mistakes"][:num_mistakes]
    answers = predictions["probabilities"][chosen]
    return plots.mistakes(
        predictions["mistake_images"][:num_mistakes],
        [class_names[label] for label in predictions["labels"][chosen]],
        [class_names[label] for label in answers.argmax(axis=1)],
        answers.max(axis=1),
    )
