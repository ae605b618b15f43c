"""Logistic regression on standardised features: the plain classifier that others are held against.

By scikit-learn (multinomial, L2, L-BFGS), on one thread, so that the same rows give the same bits.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # C, the inverse of the regularisation: features have a variance of 1
FIXED_STRENGTH = 1e-2  # where nothing can be held out to choose by
FOLDS = 3
# Neither a thousandth of the gradient nor the 51st step moves an accuracy by a tenth of a point (measured on
# Fashion-MNIST, 5,000 to 20,000 rows: .8269 against .8278, .8368 against .8370).
MOST_STEPS, TOLERANCE = 50, 1e-3
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Logistic:
    """A fitted regression.

    Attributes:
        model: scikit-learn's pipeline; `model.predict` takes (n, d) and gives labels.
        strength: C.
        chosen: whether by cross-validation; else it is `FIXED_STRENGTH`.
    """

    model: Any
    strength: float
    chosen: bool


def fit(features: np.ndarray, labels: np.ndarray, seed: int, choose_on: np.ndarray | None = None) -> Logistic:
    """Regression of `labels` (n,) int on `features` (n, d) float.

    C is the one of `STRENGTHS` with the least log-loss in stratified cross-validation, where each class has two labels
    or more; else `FIXED_STRENGTH`. The log-loss, since accuracies of few rows are equal too often to choose by.

    Args:
        seed: of the division into folds.
        choose_on: numbers of the rows on which C is chosen, where all would take too long.
    """
    rows = np.arange(len(labels)) if choose_on is None else choose_on
    strength = _chosen(features[rows], labels[rows], seed)
    with settled():
        model = pipeline(FIXED_STRENGTH if strength is None else strength).fit(features, labels)
    return Logistic(model, FIXED_STRENGTH if strength is None else strength, strength is not None)


def pipeline(strength: float) -> Any:
    """Standardising and regression, not fitted. What is constant stays 0."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    class Standardised(StandardScaler):
        """A few rows at a time: the variance of all at once takes their copy in float64, twice what the rows take."""

        def fit(self, features: np.ndarray, labels: Any = None, sample_weight: Any = None) -> "Standardised":
            super().fit(features[:ROWS_AT_ONCE])
            for start in range(ROWS_AT_ONCE, len(features), ROWS_AT_ONCE):
                self.partial_fit(features[start : start + ROWS_AT_ONCE])
            return self

    return make_pipeline(Standardised(), LogisticRegression(C=strength, max_iter=MOST_STEPS, tol=TOLERANCE))


def fewest(labels: np.ndarray) -> int:
    """Labels of the rarest class that there is."""
    return int(np.unique(labels, return_counts=True)[1].min())


def bounded(labels: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Numbers of at most `most` rows in order, drawn so that classes keep their shares; two of each class if need be.

    Args:
        labels: (n,) int.
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(labels))
    classes, counts = np.unique(labels, return_counts=True)
    shares = np.maximum(2, np.floor(most * counts / len(labels))).astype(int)
    drawn = [order[labels[order] == each][:share] for each, share in zip(classes, shares, strict=True)]
    return np.sort(np.concatenate(drawn))


@contextmanager
def settled() -> Iterator[None]:
    """One thread, and no word about a regression that was stopped at `MOST_STEPS`: that is meant."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def _chosen(features: np.ndarray, labels: np.ndarray, seed: int) -> float | None:
    """None where a class has one label only, or where there is one class."""
    from sklearn.model_selection import GridSearchCV, StratifiedKFold

    folds = min(FOLDS, fewest(labels))
    if folds < 2 or len(np.unique(labels)) < 2:
        return None
    division = StratifiedKFold(folds, shuffle=True, random_state=seed)
    grid = {"logisticregression__C": list(STRENGTHS)}
    search = GridSearchCV(pipeline(1.0), grid, cv=division, scoring="neg_log_loss", refit=False)
    with settled():
        return float(search.fit(features, labels).best_params_["logisticregression__C"])
