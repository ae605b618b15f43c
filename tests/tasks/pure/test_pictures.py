"""Which pictures a report gets, and which mistakes are shown."""

import numpy as np
import pandas as pd
import pytest

from tasks.pure.metrics import evaluate
from tasks.pure.mistakes import MOST_MISTAKES, worst_mistakes
from tasks.pure.pictures import draw
from tests.tasks.pure.small_networks import images

NAMES = ("shirt", "coat", "bag")
PNG = b"\x89PNG"


def drawn(num_mistakes: int, right: bool = False, shape: tuple[int, int, int] = (8, 8, 1)) -> dict[str, bytes]:
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], 12).astype(np.float32)
    labels = probabilities.argmax(axis=1) if right else np.arange(12) % 3
    metrics = evaluate(probabilities, labels, NAMES, labels, bootstrap=20, confidence=0.9, seed=0)
    history = pd.DataFrame({"epoch": [0, 1], "loss": [1.0, 0.5], "accuracy": [0.5, 0.8]})
    histories = {"pretrain": history, "train_head": history, "fine_tune": history}
    worst = worst_mistakes(probabilities, labels, MOST_MISTAKES)
    kept = {"mistakes": worst, "mistake_images": images(12, shape)[worst]}
    predictions = {"probabilities": probabilities, "labels": labels, **kept}
    return draw(metrics, predictions, histories, NAMES, num_mistakes)


@pytest.mark.parametrize("shape", [(8, 8, 1), (8, 8, 3)])
def test_a_report_has_four_pictures(shape: tuple[int, int, int]):
    pictures = drawn(4, shape=shape)
    assert pictures.keys() == {"learning_curves", "confusion", "reliability", "mistakes"}
    assert all(picture.startswith(PNG) for picture in pictures.values())


def test_mistakes_are_left_out_where_none_are_wanted():
    assert drawn(0).keys() == {"learning_curves", "confusion", "reliability"}


def test_a_network_without_mistakes_has_its_pictures_too():
    assert drawn(4, right=True)["mistakes"].startswith(PNG)


def test_the_same_figures_are_the_same_bytes():
    assert drawn(4) == drawn(4)


def test_the_surest_mistakes_come_first():
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.05, 0.95], [0.4, 0.6], [0.8, 0.2]])
    labels = np.array([0, 0, 0, 0, 1])
    assert worst_mistakes(probabilities, labels, 10).tolist() == [2, 4, 1, 3]
    assert worst_mistakes(probabilities, labels, 2).tolist() == [2, 4]


def test_equally_sure_mistakes_stay_in_the_order_of_the_images():
    assert worst_mistakes(np.tile([0.8, 0.2], (20, 1)), np.ones(20, np.int64), 20).tolist() == list(range(20))


def test_right_answers_are_never_shown():
    assert worst_mistakes(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]), 10).size == 0
