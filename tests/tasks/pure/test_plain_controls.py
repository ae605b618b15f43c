"""Beside each network stand logistic regression on raw pixels and the constant answer."""

import json
import tracemalloc

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tasks.pure import logistic, plain_controls
from tasks.pure.judgement import Bounds

BOUNDS = Bounds(bootstrap=200, confidence=0.95, seed=0)
NAMES = tuple(str(digit) for digit in range(10))


def digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 images of 8 × 8."""
    found = load_digits()
    return (found.images * 15).astype(np.uint8)[..., np.newaxis], found.target


def parts(labels_a_class: int | None = None):
    images, labels = digits()
    train, test = (images[:1000], labels[:1000]), (images[1000:], labels[1000:])
    if labels_a_class:
        few = np.concatenate([np.flatnonzero(train[1] == each)[:labels_a_class] for each in range(10)])
        train = train[0][few], train[1][few]
    return train, test


def right(test, share: float) -> np.ndarray:
    """Answers of which the first `share` is right."""
    return np.arange(len(test[1])) < share * len(test[1])


def test_the_answers_are_those_of_scikit_learn_with_the_strength_that_was_chosen():
    train, test = parts()
    answers, trained = plain_controls.raw_pixels(train, test[0], seed=0)
    plain = make_pipeline(StandardScaler(), LogisticRegression(C=trained["strength"], max_iter=5000))
    plain.fit(train[0].reshape(1000, -1).astype(float), train[1])
    theirs = plain.predict(test[0].reshape(len(test[0]), -1).astype(float))
    assert np.mean(answers == theirs) > 0.99  # those were not stopped after 50 steps
    assert np.mean(answers == test[1]) > 0.88
    assert trained["chosen"] and (trained["num_train"], trained["of"]) == (1000, 1000)
    assert (trained["height"], trained["width"]) == (8, 8)


def test_the_chosen_strength_is_not_the_worst():
    """Twenty noisy rows of two classes in 200 dimensions want more regularisation than 1,500 clear ones in two."""
    generator = np.random.default_rng(0)
    labels = np.arange(1500) % 2
    clear = generator.normal(size=(1500, 2)) + 3 * labels[:, np.newaxis]
    assert logistic.fit(clear, labels, seed=0).strength >= 0.1
    noise = generator.normal(size=(20, 200))
    assert logistic.fit(noise, labels[:20], seed=0).strength <= 1e-2


def test_one_label_a_class_leaves_nothing_to_choose_by_and_says_so():
    train, test = parts(labels_a_class=1)
    answers, trained = plain_controls.raw_pixels(train, test[0], seed=0)
    assert (trained["chosen"], trained["strength"]) == (False, logistic.FIXED_STRENGTH)
    assert 0.4 < np.mean(answers == test[1]) < 0.8
    assert plain_controls.raw_pixels(parts(labels_a_class=2)[0], test[0], seed=0)[1]["chosen"]


def test_a_training_part_of_one_class_gives_that_class():
    train, test = parts()
    threes = train[0][train[1] == 3], train[1][train[1] == 3]
    answers, trained = plain_controls.raw_pixels(threes, test[0], seed=0)
    assert set(answers) == {3} and len(answers) == len(test[1]) and trained["strength"] is None


def test_the_figures_are_json_and_the_differences_are_those_of_the_accuracies():
    train, test = parts()
    found, _ = plain_controls.beside(right(test, 0.5), train, test, NAMES, BOUNDS)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for control in found.values():
        assert control["difference"]["difference"] == pytest.approx(0.5 - control["accuracy"], abs=1e-3)
        assert control["accuracy_low"] <= control["accuracy"] <= control["accuracy_high"]
    assert found["raw_pixels"]["difference"]["high"] < 0 < found["constant"]["difference"]["low"]


def test_the_constant_answer_is_the_training_part_s_most_frequent_class():
    train, test = parts()
    without = train[1] != np.bincount(train[1]).argmax()
    fours = np.flatnonzero(train[1] == 4)
    rows = np.concatenate([np.flatnonzero(without), fours])
    found, _ = plain_controls.beside(right(test, 0.5), (train[0][rows], train[1][rows]), test, NAMES, BOUNDS)
    assert found["constant"]["class"] == "4"
    assert found["constant"]["accuracy"] == np.mean(test[1] == 4)


def test_the_test_part_does_not_reach_the_training():
    train, test = parts()
    whole, trained = plain_controls.raw_pixels(train, test[0], seed=0)
    half, again = plain_controls.raw_pixels(train, test[0][:100], seed=0)
    np.testing.assert_array_equal(whole[:100], half)
    assert trained == again


def test_the_same_rows_give_the_same_bits():
    train, test = parts()
    one, two = (plain_controls.beside(right(test, 0.5), train, test, NAMES, BOUNDS)[0] for _ in range(2))
    assert one == two


def test_rows_are_bounded_and_this_is_said(monkeypatch: pytest.MonkeyPatch):
    train, test = parts()
    monkeypatch.setattr(plain_controls, "MOST_ROWS", 200)
    answers, trained = plain_controls.raw_pixels(train, test[0], seed=0)
    assert 180 <= trained["num_train"] <= 200 and trained["of"] == 1000
    assert np.mean(answers == test[1]) > 0.8  # each with its own label
    monkeypatch.setattr(plain_controls, "MOST_VALUES", 64 * 100)
    assert 80 <= plain_controls.raw_pixels(train, test[0], seed=0)[1]["num_train"] <= 100


def test_a_rare_class_is_not_lost_where_rows_are_bounded():
    labels = np.repeat([0, 1, 2], [900, 97, 3])
    drawn = logistic.bounded(labels, 100, seed=0)
    assert np.bincount(labels[drawn]).tolist() == [90, 9, 2]
    assert len(set(drawn.tolist())) == len(drawn) and (np.diff(drawn) > 0).all()
    assert logistic.bounded(labels, 100, seed=1).tolist() != drawn.tolist()
    assert logistic.bounded(labels, 1000, seed=0).tolist() == list(range(1000))


def test_large_pictures_are_averaged_over_areas():
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3)).astype(np.uint8)
    small = plain_controls.shrunk(images)
    expected = images.reshape(3, 32, 2, 32, 3, 3).mean(axis=(2, 4))
    assert small.dtype == np.float32
    np.testing.assert_allclose(small.reshape(3, 32, 32, 3), expected, rtol=1e-5)


def test_large_pictures_are_averaged_a_few_at_a_time():
    """In sixteen megabytes at a time a run on six gigabytes took 190 MB more."""
    images = np.zeros((100, 224, 224, 3), np.uint8)  # 15 MB; 60 MB as float32
    tracemalloc.start()
    plain_controls.shrunk(images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 45e6


def test_sizes_that_do_not_divide_keep_the_mean_and_small_ones_are_left_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (2, 45, 20, 1)).astype(np.uint8)
    small = plain_controls.shrunk(images).reshape(2, 32, 20, 1)
    np.testing.assert_allclose(small.mean(axis=(1, 2)), images.mean(axis=(1, 2)), rtol=1e-5)
    flat = np.full((1, 45, 20, 1), 7, np.uint8)
    np.testing.assert_allclose(plain_controls.shrunk(flat), 7, rtol=1e-6)
    np.testing.assert_array_equal(plain_controls.shrunk(images[:, :20]), images[:, :20].reshape(2, -1))
