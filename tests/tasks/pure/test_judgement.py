"""A network's figures are plain JSON, and a bad result that only its batch norms explain is said to be one."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from artifacts.codecs import model_digest
from tasks.pure import judgement, session
from tasks.pure.architectures import build
from tasks.pure.judgement import Bounds, JudgedTask, judged_task
from tests.tasks.pure.small_networks import built, examples, images, network, none_of, train

pytestmark = pytest.mark.usefixtures("fresh_keras")

BOUNDS = Bounds(bootstrap=50, confidence=0.95, seed=0)
SAMPLE = Path(judgement.__file__).parent / "data" / "fashion_mnist_sample.npz"
NAMES = ("T-shirt/top", "Pullover")


def task(num_classes: int) -> JudgedTask:
    names = tuple(f"class {number}" for number in range(num_classes))
    return judged_task(examples(12, num_classes), examples(9, num_classes, seed=4), names)


@cache
def shirts_and_pullovers_parts() -> list[tuple[np.ndarray, np.ndarray]]:
    """320 training and 100 test images of the shipped sample, with labels."""
    with np.load(SAMPLE, allow_pickle=False) as sample:
        parts = [(sample[f"x_{part}"], sample[f"y_{part}"], count) for part, count in (("train", 320), ("test", 100))]
    chosen = [(x[np.isin(y, (0, 2))][:count, ..., None], y[np.isin(y, (0, 2))][:count]) for x, y, count in parts]
    return [(x, (y == 2).astype(np.int64)) for x, y in chosen]


def shirts_and_pullovers() -> JudgedTask:
    return judged_task(*shirts_and_pullovers_parts(), NAMES)


@cache
def trained(momentum: float):
    """A CNN after 40 updates: it has learnt its images, whatever the momentum."""
    like = network("cnn", (8, 16, 16), batch_norm=True, batch_norm_momentum=momentum)
    session.fresh(0)
    model = build(like, (28, 28, 1), 2, 0)
    train(model, shirts_and_pullovers_parts()[0], epochs=4, batch_size=32, learning_rate=0.003)
    return model


def test_the_accuracy_without_what_was_trained_on_is_that_of_the_rest():
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.4, 0.6]], np.float32)
    predictions = {"probabilities": probabilities, "labels": np.array([0, 1, 1, 0])}
    assert judgement.without(predictions, [], BOUNDS) is None
    found = judgement.without(predictions, [0, 1], BOUNDS)
    assert found is not None and (found["accuracy"], found["num_test"], found["trained_on"]) == (0.0, 2, 2)
    assert found["accuracy_low"] == 0.0 and found["accuracy_high"] == pytest.approx(0.658, abs=5e-4)  # Wilson, 0 of 2
    none_left = judgement.without(predictions, [0, 1, 2, 3], BOUNDS)
    assert none_left == dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high")) | {"num_test": 0, "trained_on": 4}


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_figures_are_json_without_nan(num_classes: int, batch_norm: bool):
    model = built(network("cnn", batch_norm=batch_norm), num_classes=num_classes)
    figures, predictions = judgement.judge(model, task(num_classes), BOUNDS)
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    assert (figures["batch_norm"] is not None) == batch_norm
    assert (figures["roc_auc"] is not None) == (num_classes == 2)
    assert predictions["probabilities"].shape == (9, num_classes)
    assert predictions["probabilities"].dtype == np.float32
    np.testing.assert_array_equal(predictions["labels"], task(num_classes).test[1])


def test_the_surest_mistakes_are_kept_with_their_images():
    judged = task(3)
    _, predictions = judgement.judge(built(network()), judged, BOUNDS)
    wrong = np.flatnonzero(predictions["probabilities"].argmax(axis=1) != judged.test[1])
    assert len(wrong) and sorted(predictions["mistakes"].tolist()) == wrong.tolist()
    np.testing.assert_array_equal(predictions["mistake_images"], judged.test[0][predictions["mistakes"]])


def test_the_accuracy_is_that_of_the_predictions_beside_it():
    model = built(network())
    figures, predictions = judgement.judge(model, task(3), BOUNDS)
    right = predictions["probabilities"].argmax(axis=1) == predictions["labels"]
    assert figures["accuracy"] == right.mean()
    alone, _ = judgement.accuracy_only(model, task(3), BOUNDS)
    assert alone == {name: figures[name] for name in ("accuracy", "accuracy_low", "accuracy_high")}


def test_the_base_is_shown_beside_the_constant_answer():
    figures = judgement.base_figures(built(network()), task(3), BOUNDS)
    assert figures.keys() == {
        "accuracy", "accuracy_low", "accuracy_high", "majority", "num_test", "batch_norm", "class_names"
    }  # fmt: skip
    assert figures["num_test"] == 9 and figures["class_names"] == ["class 0", "class 1", "class 2"]
    json.dumps(figures, allow_nan=False)


def test_judging_changes_nothing():
    model = built(network("cnn", batch_norm=True, dropout=0.3))
    before = model_digest(model)
    judgement.judge(model, task(3), BOUNDS)
    assert model_digest(model) == before


def test_without_batch_norm_there_is_nothing_to_diagnose():
    assert judgement.diagnose(built(network("cnn")), task(3)) is None


def test_keras_own_momentum_and_few_updates_are_diagnosed():
    found = judgement.diagnose(trained(0.99), shirts_and_pullovers())
    assert not found["converged"]
    assert found["training_mode_accuracy"] >= 0.9 and found["inference_accuracy"] < 0.75
    assert found["message"].startswith("Batch-norm statistics not converged")


def test_the_same_training_with_a_momentum_of_point_nine_is_in_order():
    found = judgement.diagnose(trained(0.9), shirts_and_pullovers())
    assert found["converged"] and found["message"] is None
    assert found["inference_accuracy"] >= 0.85


def test_the_two_differ_in_their_moving_statistics_only():
    def without_statistics(momentum: float) -> list[bytes]:
        layers = trained(momentum).layers
        kept = [layer.get_weights()[: 2 if "batch_norm" in layer.name else None] for layer in layers]
        return [array.tobytes() for arrays in kept for array in arrays]

    assert without_statistics(0.99) == without_statistics(0.9)


def test_mixedsorted_by_class_are_diagnosed_like_mixed_ones():
    """A batch of one class alone has statistics that no training saw."""
    (mixed, labels), test = shirts_and_pullovers_parts()
    by_class = np.argsort(labels, kind="stable")
    ordered = judged_task((mixed[by_class], labels[by_class]), test, NAMES)
    found = judgement.diagnose(trained(0.99), ordered)
    assert found["training_mode_accuracy"] >= 0.9 and not found["converged"]
    assert judgement.diagnose(trained(0.9), ordered)["converged"]


def test_a_poor_network_is_not_excused_by_its_batch_norms():
    found = judgement.diagnose(
        built(network("cnn", batch_norm=True), shape=(28, 28, 1), num_classes=2), shirts_and_pullovers()
    )
    assert found["training_mode_accuracy"] < 0.9 and found["converged"]


def test_large_training_sets_are_sampled_evenly(monkeypatch: pytest.MonkeyPatch):
    """Of 200 images, the first half of one class and the second of another, 20 are taken: ten of each."""
    monkeypatch.setattr(judgement, "DIAGNOSED_IMAGES", 20)
    train_part = images(200), np.repeat([0, 1], 100)
    model = built(network("cnn", (4,), batch_norm=True), num_classes=2)
    found = judgement.diagnose(model, judged_task(train_part, none_of(train_part), ("a", "b")))
    assert found["chance"] == 0.5
