"""Does a network that says "90 % sure" answer right nine times in ten? Reliability bins and their expected error.

Guo, Pleiss, Sun, Weinberger: On Calibration of Modern Neural Networks, ICML 2017, with its 15 bins of equal width.
"""

from typing import Any

import numpy as np

NUM_BINS = 15


def reliability_bins(probabilities: np.ndarray, labels: np.ndarray, num_bins: int = NUM_BINS) -> list[dict[str, Any]]:
    """The predictions sorted into bins of equal width by the probability of the answer given (the top label).

    Args:
        probabilities: (n, k) float, rows sum to 1.
        labels: (n,) int, 0…k-1.
        num_bins: bins between 0 and 1, each open below and closed above, as in the paper.

    Returns:
        One dictionary a bin, from low to high: `low`, `high`, `count`, `confidence` (mean probability of the answers)
        and `accuracy` (share of right answers); the last two are None where the bin is empty.
    """
    top = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    edges = np.linspace(0.0, 1.0, num_bins + 1)
    # Float32 softmax rows may reach 1.0000001: they belong in the last bin.
    place = np.clip(np.searchsorted(edges, top, side="left") - 1, 0, num_bins - 1)
    return [_bin(edges[i], edges[i + 1], top[place == i], right[place == i]) for i in range(num_bins)]


def _bin(low: float, high: float, top: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    empty = top.size == 0
    return {
        "low": float(low),
        "high": float(high),
        "count": int(top.size),
        "confidence": None if empty else float(top.mean()),
        "accuracy": None if empty else float(right.mean()),
    }


def calibration_error(bins: list[dict[str, Any]]) -> float:
    """Expected calibration error, 0…1: |accuracy - confidence| averaged over the predictions, bin by bin."""
    total = sum(entry["count"] for entry in bins)
    gaps = (entry["count"] * abs(entry["accuracy"] - entry["confidence"]) for entry in bins if entry["count"])
    return float(sum(gaps) / total)
