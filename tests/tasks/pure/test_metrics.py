"""What the figures of an evaluation mean."""

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from tasks.pure.batch_norm import batch_norm_diagnosis, lags
from tasks.pure.errors import BadData
from tasks.pure.metrics import accuracy_interval, evaluate

SETTINGS = {"bootstrap": 2000, "confidence": 0.95, "seed": 3}


def predictions(num_classes: int, num_images: int, strength: float = 1.5) -> tuple[np.ndarray, np.ndarray]:
    draws = np.random.default_rng(0)
    labels = draws.integers(0, num_classes, num_images)
    scores = draws.normal(size=(num_images, num_classes))
    scores[np.arange(num_images), labels] += strength
    odds = np.exp(scores)
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32), labels


def measured(probabilities, labels, training_labels=None, **changed):
    names = [f"class {place}" for place in range(probabilities.shape[1])]
    training_labels = labels if training_labels is None else training_labels
    return evaluate(np.asarray(probabilities), np.asarray(labels), names, training_labels, **{**SETTINGS, **changed})


def one_hot(answers, num_classes: int) -> np.ndarray:
    return np.eye(num_classes, dtype=np.float32)[answers]


@pytest.mark.parametrize("num_classes", [2, 3, 10])
def test_the_figures_are_those_of_scikit_learn(num_classes):
    probabilities, labels = predictions(num_classes, 500)
    found, predicted = measured(probabilities, labels), probabilities.argmax(axis=1)
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, predicted))
    assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, predicted))
    assert found["macro_f1"] == pytest.approx(reference.f1_score(labels, predicted, average="macro"))
    exact = probabilities.astype(float) / probabilities.sum(axis=1, dtype=float, keepdims=True)
    assert found["log_loss"] == pytest.approx(reference.log_loss(labels, exact), abs=1e-5)
    assert found["confusion"] == reference.confusion_matrix(labels, predicted).tolist()
    by_class = reference.precision_recall_fscore_support(labels, predicted)
    columns = ["precision", "recall", "f1", "support"]
    for column, expected in zip(columns, by_class, strict=True):
        assert [row[column] for row in found["per_class"]] == pytest.approx(expected.tolist())


def test_areas_under_curves_are_for_two_classes_with_class_1_positive():
    probabilities, labels = predictions(2, 300)
    found = measured(probabilities, labels)
    assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(labels, probabilities[:, 1]))
    assert found["pr_auc"] == pytest.approx(reference.average_precision_score(labels, probabilities[:, 1]))
    assert found["positive"] == "class 1"
    three = measured(*predictions(3, 50))
    assert (three["roc_auc"], three["pr_auc"], three["positive"]) == (None, None, None)


def test_everything_is_plain_json_without_nan():
    found = measured(one_hot([0, 0, 1], 4), np.array([0, 1, 1]))
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_is_undefined_is_none_and_left_out_of_the_means():
    found = measured(one_hot([0, 0], 3), np.array([0, 1]))
    never_answered, never_seen = found["per_class"][1], found["per_class"][2]
    assert (never_answered["precision"], never_answered["recall"], never_answered["f1"]) == (None, 0.0, 0.0)
    assert never_seen == {"class": "class 2", "precision": None, "recall": None, "f1": None, "support": 0}
    assert found["balanced_accuracy"] == pytest.approx(0.5)
    assert found["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_one_class_in_the_test_split_has_no_area_under_a_curve():
    found = measured(one_hot([0, 1], 2), np.array([0, 0]))
    assert found["roc_auc"] is None and found["pr_auc"] is None and found["positive"] == "class 1"


def test_the_constant_answer_is_chosen_by_the_training_labels():
    labels = np.array([1] * 8 + [0] * 2)
    found = measured(one_hot(labels, 2), labels, training_labels=np.array([0, 0, 0, 1]))
    assert found["majority"] == {"class": "class 0", "accuracy": 0.2}
    assert found["accuracy_gain"] == pytest.approx(0.8)


def test_a_constant_network_gains_nothing_on_the_constant_answer():
    labels = np.array([0] * 99 + [1])
    found = measured(one_hot(np.zeros(100, int), 2), labels)
    assert found["accuracy"] == 0.99 == found["majority"]["accuracy"]
    assert (found["accuracy_gain"], found["accuracy_gain_low"], found["accuracy_gain_high"]) == (0, 0, 0)
    assert found["balanced_accuracy"] == 0.5


def test_the_interval_of_the_accuracy_is_wilsons():
    right = np.arange(263) < 81
    found = measured(one_hot((~right).astype(int), 2), np.zeros(263, int))
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@pytest.mark.parametrize(("right", "low", "high"), [(True, 0.9812, 1.0), (False, 0.0, 0.0188)])
def test_all_right_and_all_wrong_have_an_interval_too(right, low, high):
    labels = np.zeros(200, int)
    found = measured(one_hot(labels + (not right), 2), labels)
    assert found["accuracy"] == right
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((low, high), abs=5e-5)


def test_the_accuracys_interval_covers_a_true_share_as_often_as_it_says():
    generator = np.random.default_rng(5)
    for share in (0.8, 0.95, 0.99):
        counts = generator.binomial(200, share, 400)
        bounds = [accuracy_interval(np.arange(200) < count, 0.95) for count in counts]
        covered = np.mean([each["accuracy_low"] <= share <= each["accuracy_high"] for each in bounds])
        assert 0.92 <= covered <= 0.99, share


def test_the_interval_of_the_gain_keeps_both_answers_to_an_image_together():
    labels = np.array([0] * 100 + [1] * 100)
    # Right wherever the constant answer is, and 10 times more: it can never be seen to lose.
    answers = np.where(np.arange(200) < 110, labels, 0)
    found = measured(one_hot(answers, 2), labels, training_labels=np.zeros(1, int))
    assert found["accuracy_gain"] == pytest.approx(0.05)
    assert found["accuracy_gain_low"] > 0
    assert found["accuracy_low"] < found["majority"]["accuracy"]


def test_the_interval_of_the_gain_counts_wins_and_losses():
    probabilities, labels = predictions(3, 200, strength=0.3)
    found = measured(probabilities, labels, training_labels=np.zeros(1, int), bootstrap=20_000)
    gained = (probabilities.argmax(axis=1) == labels).astype(int) - (labels == 0)
    draws = np.random.default_rng(2).integers(0, 200, size=(20_000, 200))
    expected = np.quantile(gained[draws].mean(axis=1), [0.025, 0.975])
    assert (found["accuracy_gain_low"], found["accuracy_gain_high"]) == pytest.approx(tuple(expected), abs=0.011)


def test_more_images_and_less_coverage_make_a_narrower_interval():
    def width(found):
        return found["accuracy_high"] - found["accuracy_low"]

    few, many = measured(*predictions(3, 100)), measured(*predictions(3, 10_000))
    assert width(many) < width(few) / 5
    assert width(measured(*predictions(3, 100), confidence=0.5)) < width(few)


def test_the_seed_decides_the_interval_and_nothing_else():
    probabilities, labels = predictions(3, 200)
    assert measured(probabilities, labels) == measured(probabilities, labels)
    other = measured(probabilities, labels, seed=4)
    changed = {key for key, value in measured(probabilities, labels).items() if other[key] != value}
    assert changed and changed <= {"accuracy_gain_low", "accuracy_gain_high"}


def test_calibration_error_of_a_network_that_is_90_percent_sure_and_half_right():
    probabilities = np.tile([0.9, 0.1], (10, 1))
    found = measured(probabilities, np.array([0, 1] * 5))
    assert found["calibration_error"] == pytest.approx(0.4)
    full = [entry for entry in found["reliability"] if entry["count"]]
    assert len(found["reliability"]) == 15 and len(full) == 1
    assert full[0]["confidence"] == pytest.approx(0.9) and full[0]["accuracy"] == 0.5 and full[0]["count"] == 10


def test_every_prediction_lies_in_one_bin_certainty_included():
    probabilities, labels = predictions(3, 500, strength=6)
    probabilities[0] = [1.0000001, 0, 0]
    found = measured(probabilities, labels)
    assert sum(entry["count"] for entry in found["reliability"]) == 500
    assert found["reliability"][-1]["count"] > 0


def test_a_sure_mistake_costs_much_but_not_infinitely_much():
    found = measured(one_hot([1], 2), np.array([0]))
    assert found["log_loss"] == pytest.approx(-np.log(1e-7))


@pytest.mark.parametrize(
    ("probabilities", "labels", "said"),
    [
        (np.full((3, 2), np.nan), [0, 1, 0], "diverged"),
        (np.array([[2.0, -1.0]]), [0], "softmax"),
        (np.array([[0.2, 0.2]]), [0], "softmax"),
        (np.array([[0.5, 0.5]]), [2], "labels in 0…1, found 2…2"),
        (np.array([[0.5, 0.5]]), [0, 1], r"\(2, 2\)"),
        (np.array([[1.0]]), [0], "two columns"),
        (np.zeros((0, 2)), [], "at least one image"),
    ],
)
def test_what_is_no_prediction_is_refused_and_said(probabilities, labels, said):
    with pytest.raises(BadData, match=said):
        measured(probabilities, np.array(labels, int))


def test_settings_that_make_no_interval_are_refused():
    for changed in ({"bootstrap": 0}, {"confidence": 1.0}, {"confidence": float("nan")}):
        with pytest.raises(BadData, match="bootstrap"):
            measured(*predictions(2, 10), **changed)


@pytest.mark.parametrize(
    ("training_mode", "inference", "num_classes", "majority", "converged"),
    [
        (0.95, 0.52, 2, 0.5, False),  # figures.md: momentum .99, 40 labels
        (0.98, 0.12, 10, 0.1, False),
        (0.98, 0.94, 2, 0.5, True),
        (0.98, 0.85, 10, 0.1, True),
        (0.60, 0.50, 2, 0.5, True),  # it has not learnt: another trouble
        (1.00, 0.30, 2, 0.5, False),  # below chance is no better
        (0.99, 0.97, 2, 0.97, True),  # too small a fall to explain anything
        (1.00, 0.90, 2, 0.90, False),  # the constant answer, in inference mode alone
    ],
)
def test_batch_norm_statistics_have_converged_unless_only_inference_is_near_chance(
    training_mode, inference, num_classes, majority, converged
):
    found = batch_norm_diagnosis(training_mode, inference, num_classes, majority)
    assert found["converged"] is converged
    assert (found["message"] is None) is converged


@pytest.mark.parametrize(
    ("training_mode", "inference", "lagging"),
    [(0.95, 0.52, True), (1.0, 0.78, True), (0.96, 0.92, False), (0.8, 0.5, False), (0.9, 0.85, True)],
)
def test_moving_statistics_that_lag_cost_a_network_what_its_weights_can_do(training_mode, inference, lagging):
    """Farther from chance than the diagnosis asks, too: .78 with 200 labels and momentum .99 (figures.md)."""
    assert lags(batch_norm_diagnosis(training_mode, inference, 2, 0.5)) is lagging
    assert lags(None) is False


def test_the_diagnosis_says_how_to_mend_it():
    message = batch_norm_diagnosis(0.95, 0.52, 2, 0.5)["message"]
    assert "not converged" in message and "`batch_norm_momentum`" in message and "more updates" in message
