"""A linear probe says how well given features tell classes apart, how sure that is, and where it cannot be said."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tasks.pure import logistic, probing
from tasks.pure.errors import BadData
from tasks.pure.probing import linear_probe, pooled


def clouds(rows: int, gap: float, classes: int = 2, width: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % classes
    features = generator.normal(size=(rows, width))
    features[:, 0] += gap * labels
    return features, labels


def test_iris_is_answered_as_well_as_by_scikit_learns_own_nested_cross_validation() -> None:
    iris = load_iris()
    inner = LogisticRegressionCV(Cs=list(logistic.STRENGTHS), cv=3, max_iter=300, use_legacy_attributes=False,
                                 scoring="neg_log_loss", l1_ratios=(0,))  # fmt: skip
    outer = StratifiedKFold(5, shuffle=True, random_state=0)
    theirs = cross_val_score(
        make_pipeline(StandardScaler(), inner), iris.data, iris.target, cv=outer, scoring="accuracy"
    ).mean()
    found = linear_probe(iris.data, iris.target, seed=0)
    assert found.accuracy == pytest.approx(theirs, abs=0.014)  # two of 150 flowers
    assert (found.num_rows, found.how) == (150, "5 folds")


def test_the_interval_is_wilson_s() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263 gives .2553 to .3662; 0 of 20 gives 0 to .1611."""
    some, none = np.arange(263) < 81, np.zeros(20, bool)
    found = [probing.judged(right, 0.95, "") for right in (some, none)]
    assert [(round(each.low, 4), round(each.high, 4)) for each in found] == [(0.2553, 0.3662), (0.0, 0.1611)]


def test_all_right_is_not_said_to_be_without_doubt() -> None:
    found = linear_probe(*clouds(20, gap=20), seed=0)
    assert found.accuracy == 1.0 and 0.8 < found.low < 0.9 and found.high == 1.0


def test_noise_is_answered_like_chance_since_no_row_is_asked_that_was_learnt() -> None:
    features, labels = clouds(100, gap=0, width=300)
    found = linear_probe(features, labels, seed=0)
    assert found.low < 0.5 < found.high


def test_rows_of_one_group_are_never_parted() -> None:
    """Twenty photographs of four tiles that are nearly equal, their labels drawn: knowing a tile's photograph helps."""
    generator = np.random.default_rng(0)
    photographs, labels = generator.normal(size=(20, 30)), np.arange(20) % 2
    tiles = np.repeat(photographs, 4, axis=0) + 0.01 * generator.normal(size=(80, 30))
    groups, told = np.repeat(np.arange(20), 4), np.repeat(labels, 4)
    parted, whole = linear_probe(tiles, told, seed=0), linear_probe(tiles, told, seed=0, groups=groups)
    assert parted.accuracy == 1.0
    assert whole.accuracy < 0.8


def test_two_labels_a_class_make_two_folds() -> None:
    features, labels = clouds(6, gap=8, classes=3)
    found = linear_probe(features, labels, seed=0)
    assert found.how == "2 folds" and found.num_rows == 6 and found.high - found.low > 0.2


def test_one_label_a_class_cannot_be_cross_validated_and_it_is_said() -> None:
    features, labels = clouds(3, gap=8, classes=3)
    found = linear_probe(features, labels, seed=0)
    assert (found.accuracy, found.low, found.high, found.right) == (None, None, None, None)
    assert found.how == "a class has one label only: there is nothing to hold out"
    in_groups = linear_probe(*clouds(8, gap=8), seed=0, groups=np.arange(8) % 2)
    assert in_groups.accuracy is None and "one group only" in in_groups.how


def test_one_label_a_class_is_asked_on_the_validation_part_where_there_is_one() -> None:
    features, labels = clouds(3, gap=8, classes=3, width=1)
    found = linear_probe(features, labels, seed=0, held_out=clouds(40, gap=8, classes=3, width=1, seed=1))
    assert found.num_rows == 40 and found.accuracy > 0.5 and "validation part" in found.how


def test_the_same_rows_give_the_same_answers_and_another_seed_other_folds() -> None:
    features, labels = clouds(60, gap=1)
    one, two, other = (linear_probe(features, labels, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.right, two.right)
    assert not np.array_equal(one.right, other.right)


def test_rows_are_bounded_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_ROWS", 40)
    found = linear_probe(*clouds(100, gap=5), seed=0)
    assert found.how == "5 folds, 40 of 100 rows" and found.num_rows == 40


def test_many_features_are_projected_and_still_tell_the_classes_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "MOST_FEATURES", 64)
    features, labels = clouds(60, gap=0, width=400)
    features += 1.5 * labels[:, np.newaxis]
    assert probing._narrow(features, seed=0).shape == (60, 64)
    assert linear_probe(features, labels, seed=0).accuracy > 0.9


def test_maps_and_tokens_are_averaged_over_their_places() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 4, 5, 6)).astype(np.float32)
    np.testing.assert_allclose(pooled(maps), maps.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(pooled(maps[:, 0]), maps[:, 0].mean(axis=1), rtol=1e-5, atol=1e-6)
    assert pooled(maps[:, 0, 0]).shape == (3, 6)


@pytest.mark.parametrize(
    ("features", "labels", "words"),
    [
        (np.ones((4, 2, 2)), np.array([0, 1, 0, 1]), "Average maps"),
        (np.ones((4, 2)), np.array([0, 1]), "as many labels"),
        (np.ones((4, 2)), np.zeros(4, int), "two classes"),
        (np.full((4, 2), np.inf), np.array([0, 1, 0, 1]), "finite"),
    ],
)
def test_what_cannot_be_probed_is_refused(features: np.ndarray, labels: np.ndarray, words: str) -> None:
    with pytest.raises(BadData, match=words):
        linear_probe(features, labels, seed=0)


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(BadData, match="A group for each|a group for each"):
        linear_probe(*clouds(10, gap=1), seed=0, groups=np.arange(3))


@pytest.mark.slow
def test_the_interval_holds_the_truth_somewhat_less_often_than_it_says() -> None:
    """The accuracy that 48 rows of training reach on average, on new rows, against intervals from 60 rows."""
    truth = []
    for seed in range(40):
        (features, labels), new = (clouds(rows, gap=1.5, seed=1000 * rows + seed) for rows in (48, 2000))
        truth.append(np.mean(logistic.fit(features, labels, seed).model.predict(new[0]) == new[1]))
    found = [linear_probe(*clouds(60, gap=1.5, seed=seed), seed=seed) for seed in range(60)]
    assert 0.8 <= np.mean([each.low <= np.mean(truth) <= each.high for each in found]) <= 0.99


def test_one_label_a_class_is_probed_on_features_as_they_are() -> None:
    """Standardised, hundreds of columns of small noise would drown the one that tells; the unit does not matter."""
    draws = np.random.default_rng(0)
    labels = np.arange(63) % 3
    features = np.hstack([3.0 * labels[:, np.newaxis], np.zeros((63, 300))]) + draws.normal(0, 0.1, (63, 301))
    for unit in (1.0, 1000.0):
        rows = (unit * features).astype(np.float32)
        found = linear_probe(rows[:3], labels[:3], 0, held_out=(rows[3:], labels[3:]))
        assert found.accuracy is not None and found.accuracy > 0.95 and "unstandardised" in found.how
