"""What `evaluate` computes: a network's figures on its test split, and whether its batch norms explain a bad one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import inference, metrics
from tasks.pure.batch_norm import batch_norm_diagnosis
from tasks.pure.data import rows
from tasks.pure.mistakes import MOST_MISTAKES, worst_mistakes

if TYPE_CHECKING:
    import keras

DIAGNOSED_IMAGES = 2048  # enough to tell .9 from chance, and a second's work
DIAGNOSED_BATCH = 64
MIXING_SEED = 0


@dataclass(frozen=True)
class JudgedTask:
    """The task that a network is judged on.

    Attributes:
        training_labels: (n,) int, all of them.
        sample: training images and their labels, at most `DIAGNOSED_IMAGES`, of a file read when they are asked for.
        test: images and labels of the test part.
        class_names: in the order of the labels.
    """

    training_labels: np.ndarray
    sample: tuple[rows.Images, np.ndarray]
    test: tuple[rows.Images, np.ndarray]
    class_names: tuple[str, ...]


def judged_task(
    train: tuple[rows.Images, np.ndarray], test: tuple[rows.Images, np.ndarray], class_names: tuple[str, ...]
) -> JudgedTask:
    """A task of training and test parts (images, labels).

    The sample is spread evenly over the training images, and mixed: in a file sorted by class, batches of one class
    would have batch-norm statistics that no training saw.
    """
    images, labels = train
    places = np.unique(np.linspace(0, len(labels) - 1, min(len(labels), DIAGNOSED_IMAGES)).astype(int))
    places = np.random.Generator(np.random.PCG64(MIXING_SEED)).permutation(places)
    return JudgedTask(labels, (rows.chosen(images, places), labels[places]), test, class_names)


@dataclass(frozen=True)
class Bounds:
    """The intervals: coverage (0.5…1) of all; number of bootstrap resamples and their seed of those of differences."""

    bootstrap: int
    confidence: float
    seed: int


def judge(model: "keras.Model", task: JudgedTask, bounds: Bounds) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """All figures of `model` on the test part, with the batch-norm diagnosis, and the predictions behind them.

    Returns:
        Plain JSON values as `metrics.evaluate` gives them plus `batch_norm`; arrays `probabilities` (n, k) float32,
        `labels` (n,) int64, `mistakes` (m,) int64 with the indices of the surest mistakes, and `mistake_images`, so
        that nobody else needs the test images.
    """
    images, labels = task.test
    probabilities = inference.probabilities(model, images)
    figures = metrics.evaluate(probabilities, labels, task.class_names, task.training_labels, **asdict(bounds))
    mistakes = worst_mistakes(probabilities, labels, MOST_MISTAKES)
    shown = {"mistakes": mistakes, "mistake_images": images[mistakes]}
    predictions = {"probabilities": probabilities, "labels": labels, **shown}
    return {**figures, "batch_norm": diagnose(model, task)}, predictions


def without(predictions: Mapping[str, np.ndarray], trained_on: Sequence[int], bounds: Bounds) -> dict[str, Any] | None:
    """The accuracy without the test images that were trained on.

    Args:
        predictions: as `judge` gives them.
        trained_on: places of those images in the test part.

    Returns:
        `accuracy`, `accuracy_low`, `accuracy_high` (None where no image is left), `num_test` (those that are left) and
        `trained_on` (how many are not); None where none were trained on.
    """
    if not len(trained_on):
        return None
    right = predictions["probabilities"].argmax(axis=1) == predictions["labels"]
    left = np.delete(right, np.asarray(trained_on, np.int64))
    none = dict.fromkeys(("accuracy", "accuracy_low", "accuracy_high"))
    figures = metrics.accuracy_interval(left, bounds.confidence) if len(left) else none
    return {**figures, "num_test": len(left), "trained_on": len(right) - len(left)}


def accuracy_only(model: "keras.Model", task: JudgedTask, bounds: Bounds) -> tuple[dict[str, float], np.ndarray]:
    """`accuracy`, `accuracy_low`, `accuracy_high` on the test part; and (n,) bool, which answers were right."""
    right = inference.probabilities(model, task.test[0]).argmax(axis=1) == task.test[1]
    return metrics.accuracy_interval(right, bounds.confidence), right


def base_figures(model: "keras.Model", task: JudgedTask, bounds: Bounds) -> dict[str, Any]:
    """Where the base stands on its own task: accuracy, interval, the constant answer beside it, its batch norms."""
    figures, _ = judge(model, task, bounds)
    wanted = ("accuracy", "accuracy_low", "accuracy_high", "majority", "num_test", "batch_norm")
    return {**{name: figures[name] for name in wanted}, "class_names": list(task.class_names)}


def diagnose(model: "keras.Model", task: JudgedTask) -> dict[str, Any] | None:
    """Whether the moving statistics explain a bad result, from training images; None without batch norm."""
    if not inference.has_batch_norm(model):
        return None
    images, labels = task.sample
    batch = min(DIAGNOSED_BATCH, inference.batch_size(images))
    training_mode = inference.batch_statistics_accuracy(model, images, labels, batch)
    plain = inference.accuracy(inference.probabilities(model, images), labels)
    majority = float(np.bincount(labels).max() / len(labels))
    return batch_norm_diagnosis(training_mode, plain, len(task.class_names), majority)
