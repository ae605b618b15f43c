"""How well does a linear classifier tell the classes apart on given features? Cross-validated, with an interval."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.pure import logistic, stopping
from tasks.pure.errors import BadData
from tasks.pure.session import derive
from tasks.pure.statistics.proportion import proportion

FOLDS = 5
MOST_ROWS = 1_000
MOST_VALUES = 1_000_000  # 781 rows of 1,280 features: seconds of one core
MOST_FEATURES = 2_048  # more are projected at random: what no family of keras.applications has after averaging

Features = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Probe:
    """What a linear probe found.

    Attributes:
        accuracy, low, high: 0 … 1; None where nothing could be held out.
        right: (n,) bool, whether the answer to each row that was asked about was right; None as above. Probes of the
            same rows, labels and seed ask about the same rows in the same order: compare them by `paired_difference`.
        how: what was done, or why nothing could be, in words.
        num_rows: how many rows were asked about.
    """

    accuracy: float | None
    low: float | None
    high: float | None
    right: np.ndarray | None
    how: str
    num_rows: int = 0


def linear_probe(
    features: np.ndarray,
    labels: np.ndarray,
    seed: int,
    groups: np.ndarray | None = None,
    held_out: Features | None = None,
    confidence: float = 0.95,
) -> Probe:
    """Accuracy of logistic regression on standardised `features` (n, d) for `labels` (n,), in nested cross-validation.

    Stratified folds, as many as the rarest class has labels (or groups), five at most; in each the regularisation is
    chosen by a second cross-validation inside the training rows (`logistic.fit`), scaling included. Not leave-one-out:
    with few labels the class of the row that is left out would be the rarer one in training, which pulls the answer
    away from it (Kohavi 1995). Where a class has one label only there are no folds: `held_out` is asked, of a
    regression on features that are not standardised.

    The interval is Wilson's (1927; scipy.stats.binomtest) on the pooled answers. Unlike intervals from the spread
    between folds, such as Nadeau and Bengio's corrected t (2003), it is no single point where all folds agree, which
    with few rows they do. It speaks of networks trained on such a share of these labels, and not of other draws of
    labels; answers of one fold share a training, so it is a little too narrow (Bates, Hastie and Tibshirani 2023): of
    nominal 95 % it held the truth in 90 % of 250 simulated data sets of 60 rows in three classes.

    Args:
        groups: (n,), of rows that must not be parted, such as tiles of one photograph.
        held_out: features and labels of other rows, asked where a class has one label (or group) only.
        seed: of folds, of the draw where rows are many (`MOST_ROWS`, `MOST_VALUES`), of the projection.

    Raises:
        BadData: shapes that do not fit together, no rows, one class, values that are not finite.
    """
    _check(features, labels, groups)
    chosen = _bounded(features, labels, seed)
    known = _narrow(features[chosen], seed), labels[chosen]
    kept = None if groups is None else groups[chosen]
    said = "" if len(chosen) == len(labels) else f", {len(chosen):,} of {len(labels):,} rows"
    folds = min(FOLDS, _separable(known[1], kept))
    with logistic.settled():
        if folds >= 2:
            right = _cross_validated(known, kept, folds, seed)
            return judged(right, confidence, f"{folds} folds{said}")
        if held_out is not None and len(held_out[1]):
            right = _of_single_labels(*known, _narrow(held_out[0], seed)) == held_out[1]
            return judged(right, confidence, f"on the {len(right):,} rows of the validation part, unstandardised{said}")
    unit = "label" if groups is None else "group"
    return Probe(None, None, None, None, f"a class has one {unit} only: there is nothing to hold out")


def judged(right: np.ndarray, confidence: float, how: str) -> Probe:
    """Answers with Wilson's interval.

    Args:
        right: (n,) bool, at least one.
        confidence: coverage of the interval.
        how: see `Probe`.
    """
    return Probe(*proportion(int(right.sum()), len(right), confidence), right, how, len(right))


def pooled(features: np.ndarray) -> np.ndarray:
    """(n, c): maps (n, height, width, c) or tokens (n, tokens, c) averaged over their places; (n, c) as they are."""
    return features if features.ndim == 2 else features.mean(axis=tuple(range(1, features.ndim - 1)), dtype=np.float32)


def _cross_validated(known: Features, groups: np.ndarray | None, folds: int, seed: int) -> np.ndarray:
    """(n,) bool: whether each row was answered right by a regression that had not seen it."""
    features, labels = known
    right = np.zeros(len(labels), bool)
    for number, (train, test) in enumerate(_division(labels, groups, folds, seed)):
        stopping.point()
        fitted = logistic.fit(features[train], labels[train], derive(seed, "probe", number))
        right[test] = fitted.model.predict(features[test]) == labels[test]
    return right


def _of_single_labels(features: np.ndarray, labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(m,) labels of `others` (m, d), by logistic regression on `features` (n, d) as they are.

    Of a label a class nobody knows a column's spread: divided by a deviation of three rows, columns that say little
    drown the others. All columns are divided by one number, so that the regularisation means the same for any.
    """
    from sklearn.linear_model import LogisticRegression

    middle = features.mean(axis=0)
    spread = float(np.sqrt(np.mean((features - middle) ** 2))) or 1.0
    model = LogisticRegression(C=logistic.FIXED_STRENGTH, max_iter=logistic.MOST_STEPS, tol=logistic.TOLERANCE)
    answers: np.ndarray = model.fit((features - middle) / spread, labels).predict((others - middle) / spread)
    return answers


def _division(labels: np.ndarray, groups: np.ndarray | None, folds: int, seed: int) -> Iterator[Any]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return kind(folds, shuffle=True, random_state=seed).split(np.zeros(len(labels)), labels, groups)


def _separable(labels: np.ndarray, groups: np.ndarray | None) -> int:
    """Labels of the rarest class; of whole groups, groups of the one that is found in the fewest."""
    if groups is None:
        return logistic.fewest(labels)
    return min(len(np.unique(groups[labels == each])) for each in np.unique(labels))


def _bounded(features: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    width = min(MOST_FEATURES, features.shape[1])
    return logistic.bounded(labels, min(MOST_ROWS, MOST_VALUES // width), derive(seed, "probe rows"))


def _narrow(features: np.ndarray, seed: int) -> np.ndarray:
    """At most `MOST_FEATURES` columns, float32: more are projected at random (Johnson and Lindenstrauss 1984).

    A projection knows nothing of the data, so that it may be the same in every fold.
    """
    from sklearn.random_projection import GaussianRandomProjection

    if features.shape[1] <= MOST_FEATURES:
        return np.asarray(features, np.float32)
    projection = GaussianRandomProjection(MOST_FEATURES, random_state=seed)
    return np.asarray(projection.fit_transform(features), np.float32)


def _check(features: np.ndarray, labels: np.ndarray, groups: np.ndarray | None) -> None:
    if features.ndim != 2 or not features.size or labels.shape != features.shape[:1]:
        raise BadData(
            f"Expected features (n, d) and as many labels (n,), found shapes {features.shape} and {labels.shape}. "
            f"Average maps over their places first (`pooled`)."
        )
    if groups is not None and groups.shape != labels.shape:
        raise BadData(f"Expected a group for each of {len(labels)} labels, found {groups.shape}.")
    if len(np.unique(labels)) < 2:
        raise BadData("Expected labels of two classes or more, found one: there is nothing to tell apart.")
    if not np.isfinite(features).all():
        raise BadData(
            "Expected finite features, found NaN or infinity: the network's weights or pixels are not in order."
        )
