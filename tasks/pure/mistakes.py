"""Which mistakes of a network are worth showing."""

import numpy as np

MOST_MISTAKES = 15  # kept beside an evaluation, and as many as a recipe may ask for


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, limit: int) -> np.ndarray:
    """Indices of the wrong answers, the surest first, at most `limit`; ties in the order of the images."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    surest_first = np.argsort(-probabilities[wrong].max(axis=1), kind="stable")
    return wrong[surest_first][:limit]
