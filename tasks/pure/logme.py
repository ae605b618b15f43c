"""LogME: how well features fit labels, without training anything on them.

You, Liu, Wang and Long, "LogME: Practical Assessment of Pre-trained Models for Transfer Learning", ICML 2021. Each
class's indicator y is a linear function w of the features F with noise: w ~ N(0, 1/α), y ~ N(F w, 1/β). The score is
the logarithm of the evidence p(y | F) at the α and β that make it largest, divided by the number of rows, averaged over
the classes. More is better; only scores on the same rows and labels can be compared.
"""

import math

import numpy as np

from tasks.pure.errors import BadData

MOST_STEPS, TOLERANCE = 200, 1e-6
# Bounds of λ = α/β as a share of the largest eigenvalue: features that say all, or nothing, drive it to 0 or infinity.
LEAST_RATIO, MOST_RATIO = 1e-9, 1e9


def logme(features: np.ndarray, labels: np.ndarray) -> float:
    """The score of `features` (n, d) float for `labels` (n,) int.

    One singular value decomposition, then a fixed point for each class: MacKay's updates α = γ / |m|²,
    β = (n - γ) / |y - F m|², with γ the number of well determined weights and m the posterior mean of w. As in the
    paper the features are taken as they are, neither centred nor scaled. Where they explain a class without any
    residue, λ is held at `LEAST_RATIO` and the score is large but finite.

    Raises:
        BadData: no rows or features, other numbers of rows, values that are not finite, fewer than two classes.
    """
    matrix = np.asarray(features, np.float64)
    _check(matrix, labels)
    left, singular, _ = np.linalg.svd(matrix, full_matrices=False)
    kept = singular > singular[0] * max(matrix.shape) * np.finfo(np.float64).eps if singular[0] > 0 else singular > 0
    eigenvalues, directions = singular[kept] ** 2, left[:, kept]
    return float(np.mean([_evidence(eigenvalues, directions, labels == each) for each in np.unique(labels)]))


def _evidence(eigenvalues: np.ndarray, directions: np.ndarray, indicator: np.ndarray) -> float:
    """log p(y | F) / n at its maximum for one class.

    Args:
        eigenvalues: (r,), those of F Fᵀ that are not 0.
        directions: (n, r), its eigenvectors.
        indicator: (n,) bool, y.
    """
    number, y = len(indicator), indicator.astype(np.float64)
    if not len(eigenvalues):  # all features are 0: noise is all there is
        return -0.5 * (math.log(2 * math.pi * float(y @ y) / number) + 1)
    squares = (directions.T @ y) ** 2
    outside = max(0.0, float(y @ y - squares.sum()))  # what no weights explain
    ratio = 1.0
    for _ in range(MOST_STEPS):
        alpha, beta = _update(eigenvalues, squares, outside, ratio, number)
        last, ratio = ratio, float(np.clip(alpha / beta, *(eigenvalues[0] * np.array([LEAST_RATIO, MOST_RATIO]))))
        if abs(ratio - last) <= TOLERANCE * last:
            break
    return _log_evidence(eigenvalues, squares, outside, ratio, number) / number


def _update(
    eigenvalues: np.ndarray, squares: np.ndarray, outside: float, ratio: float, number: int
) -> tuple[float, float]:
    """MacKay's α and β from λ = `ratio`."""
    determined = float(np.sum(eigenvalues / (eigenvalues + ratio)))
    length, residue = _length(eigenvalues, squares, ratio), _residue(eigenvalues, squares, outside, ratio)
    tiny = np.finfo(np.float64).tiny
    return determined / max(length, tiny), max(number - determined, tiny) / max(residue, tiny)


def _log_evidence(eigenvalues: np.ndarray, squares: np.ndarray, outside: float, ratio: float, number: int) -> float:
    """At λ = `ratio` and the β that is best for it: (residue + λ |m|²) / n = 1/β.

    Where the fixed point was reached this β is MacKay's; where λ stands at a bound it still is the best one.
    """
    spread = _residue(eigenvalues, squares, outside, ratio) + ratio * _length(eigenvalues, squares, ratio)
    beta = number / spread
    shrinking = float(np.sum(np.log(ratio / (eigenvalues + ratio))))
    return 0.5 * (number * math.log(beta / (2 * math.pi)) + shrinking - number)


def _length(eigenvalues: np.ndarray, squares: np.ndarray, ratio: float) -> float:
    """|m|²."""
    return float(np.sum(eigenvalues * squares / (eigenvalues + ratio) ** 2))


def _residue(eigenvalues: np.ndarray, squares: np.ndarray, outside: float, ratio: float) -> float:
    """|y - F m|²."""
    return outside + float(np.sum(squares * (ratio / (eigenvalues + ratio)) ** 2))


def _check(features: np.ndarray, labels: np.ndarray) -> None:
    if features.ndim != 2 or not features.size or labels.shape != features.shape[:1]:
        raise BadData(
            f"Expected features (n, d) and as many labels (n,), found shapes {features.shape} and {labels.shape}. "
            f"Average maps over their places first."
        )
    if len(np.unique(labels)) < 2:
        raise BadData("Expected labels of two classes or more, found one. LogME tells classes apart.")
    if not np.isfinite(features).all():
        raise BadData(
            "Expected finite features, found NaN or infinity: the network's weights or pixels are not in order."
        )
