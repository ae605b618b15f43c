"""LogME is the largest evidence per row: held to another library's figure and to a direct search for the maximum."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris

from tasks.pure.errors import BadData
from tasks.pure.logme import logme


def draws(rows: int, width: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features of which some know the class."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    features = generator.normal(size=(rows, width)) * generator.uniform(0.1, 3, width)
    features[:, 0] += 2 * labels
    return features, labels


def searched(features: np.ndarray, labels: np.ndarray) -> float:
    """The definition: the density of y under N(0, 1/β + F Fᵀ/α), and the α and β that SciPy finds for it."""
    kernel, number = features @ features.T, len(labels)

    def minus_evidence(logs: np.ndarray, y: np.ndarray) -> float:
        alpha, beta = np.exp(logs)
        return -multivariate_normal(np.zeros(number), np.eye(number) / beta + kernel / alpha).logpdf(y) / number

    def best(y: np.ndarray) -> float:
        starts = [minimize(minus_evidence, [a, 1.0], (y,), method="Nelder-Mead", tol=1e-9).fun for a in (-2.0, 3.0)]
        return -min(starts)

    return float(np.mean([best((labels == each).astype(float)) for each in np.unique(labels)]))


def test_iris_scores_as_the_library_transformer_ranker_says() -> None:
    """flairNLP/transformer-ranker, tests/estimators/test_logme.py, which stops at a relative change of .001."""
    iris = load_iris()
    assert logme(iris.data, iris.target) == pytest.approx(-0.16006022033609904, rel=1e-5)


@pytest.mark.parametrize(("rows", "width", "classes"), [(40, 6, 2), (30, 10, 3), (15, 40, 3)])
def test_it_is_the_maximum_that_a_direct_search_finds(rows: int, width: int, classes: int) -> None:
    features, labels = draws(rows, width, classes)
    assert logme(features, labels) == pytest.approx(searched(features, labels), rel=1e-4)


def test_features_that_know_the_class_score_above_noise_and_noise_adds_nothing() -> None:
    features, labels = draws(60, 5, 3)
    noise = np.random.default_rng(1).normal(size=(60, 20))
    assert logme(features, labels) > logme(noise, labels)
    assert logme(np.hstack([features, 0.5 * noise]), labels) < logme(features, labels)


def test_neither_the_order_of_rows_and_features_nor_a_common_scale_matters() -> None:
    features, labels = draws(50, 8, 2)
    score = logme(features, labels)
    mixed = np.random.default_rng(0).permutation(50)
    assert logme(features[mixed], labels[mixed]) == pytest.approx(score, rel=1e-9)
    assert logme(features[:, ::-1], labels) == pytest.approx(score, rel=1e-9)
    assert logme(1000 * features, labels) == pytest.approx(score, rel=1e-4)


def test_a_feature_without_content_changes_nothing() -> None:
    features, labels = draws(50, 4, 2)
    padded = np.hstack([features, np.zeros((50, 3))])
    assert logme(padded, labels) == pytest.approx(logme(features, labels), rel=1e-9)


def test_no_content_at_all_is_the_evidence_of_noise() -> None:
    labels = np.arange(20) % 2
    expected = -0.5 * (np.log(2 * np.pi * 0.5) + 1)
    assert logme(np.zeros((20, 3)), labels) == pytest.approx(expected)


def test_features_that_are_the_answer_score_high_and_finite() -> None:
    labels = np.arange(30) % 3
    told = logme(np.eye(3)[labels], labels)
    assert np.isfinite(told) and told > 5


def test_float32_and_more_columns_than_rows_are_no_difficulty() -> None:
    features, labels = draws(6, 1280, 3)
    assert np.isfinite(logme(features.astype(np.float32), labels))


@pytest.mark.parametrize(
    ("features", "labels", "words"),
    [
        (np.ones((4, 2, 2)), np.array([0, 1, 0, 1]), "Average maps"),
        (np.ones((4, 2)), np.array([0, 1]), "as many labels"),
        (np.ones((4, 2)), np.zeros(4, int), "two classes"),
        (np.full((4, 2), np.nan), np.array([0, 1, 0, 1]), "finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(features: np.ndarray, labels: np.ndarray, words: str) -> None:
    with pytest.raises(BadData, match=words):
        logme(features, labels)
