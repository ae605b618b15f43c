"""What a network says about images, and what it would say with each batch's own statistics."""

import numpy as np
import pytest

from artifacts.codecs import model_digest
from tasks.pure.inference import (
    BATCH_SIZE,
    accuracy,
    batch_statistics_accuracy,
    has_batch_norm,
    probabilities,
    two_columns,
)
from tasks.pure.surgery import set_trainable
from tests.tasks.pure.small_networks import HEAD_ONLY, SHAPE, built, examples, images, network, train

pytestmark = pytest.mark.usefixtures("fresh_keras")

NORMED = network("cnn", (5, 4), batch_norm=True)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_row_an_image_a_column_a_class(num_classes: int):
    rows = probabilities(built(NORMED, num_classes=num_classes), images(7))
    assert rows.shape == (7, num_classes) and rows.dtype == np.float32
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)


def test_a_sigmoid_head_says_the_probability_of_class_1():
    model = built(network(), num_classes=2)
    np.testing.assert_array_equal(probabilities(model, images(7))[:, 1], np.asarray(model(images(7)))[:, 0])
    np.testing.assert_allclose(two_columns(np.array([[0.25], [1.0]])), [[0.75, 0.25], [0.0, 1.0]])


def test_softmax_rows_stay_as_they_are():
    rows = np.array([[0.2, 0.3, 0.5]])
    assert two_columns(rows) is rows


def test_more_images_than_a_batch_keep_their_order():
    model, pictures = built(NORMED), images(BATCH_SIZE + 3)
    rows = probabilities(model, pictures)
    assert len(rows) == BATCH_SIZE + 3
    np.testing.assert_allclose(rows[-5:], probabilities(model, pictures[-5:]), rtol=1e-5)


def test_dropout_is_off():
    model = built(network(dropout=0.9))
    np.testing.assert_array_equal(probabilities(model, images(7)), probabilities(model, images(7)))


def test_accuracy_is_the_share_of_right_answers_and_ties_go_to_the_lower_class():
    rows = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5], [0.5, 0.5]])
    assert accuracy(rows, np.array([0, 0, 0, 1])) == 0.5
    assert accuracy(np.array([[0.2, 0.4, 0.4]]), np.array([1])) == 1


def test_a_batch_norm_is_found_where_there_is_one():
    assert has_batch_norm(built(NORMED))
    assert not has_batch_norm(built(network("cnn")))


def by_batch(model, pictures: np.ndarray) -> np.ndarray:
    """Outputs of a one-layer dense network whose batch norm uses the batch's mean and variance, in NumPy."""
    dense, norm, head = (model.get_layer(name) for name in ("dense_1", "dense_1_batch_norm", "head"))
    inner = pictures.reshape(len(pictures), -1) / 255 @ dense.kernel.numpy()
    normal = (inner - inner.mean(axis=0)) / np.sqrt(inner.var(axis=0) + norm.epsilon)
    logits = np.maximum(normal * norm.gamma.numpy() + norm.beta.numpy(), 0) @ head.kernel.numpy() + head.bias.numpy()
    return logits.argmax(axis=1)


@pytest.mark.parametrize("frozen", [False, True])
def test_each_batch_is_normalised_by_itself_also_where_the_norm_is_frozen(frozen: bool):
    model = built(network("dense", (6,), batch_norm=True, dropout=0.9), seed=3)
    if frozen:
        set_trainable(model, HEAD_ONLY)
    pictures = images(48)
    answers = np.concatenate([by_batch(model, pictures[start : start + 16]) for start in (0, 16, 32)])
    assert len(set(answers)) > 1
    assert batch_statistics_accuracy(model, pictures, answers, 16) == 1
    assert accuracy(probabilities(model, pictures), answers) < 1


def test_it_leaves_the_network_as_it_was():
    model = built(network("cnn", (5, 4), batch_norm=True, dropout=0.3))
    set_trainable(model, HEAD_ONLY)
    before, rows = model_digest(model), probabilities(model, images(7))
    batch_statistics_accuracy(model, *examples(12), 4)
    assert model_digest(model) == before
    assert model.get_layer("conv_1_dropout").rate == 0.3
    np.testing.assert_array_equal(probabilities(model, images(7)), rows)


def test_a_trained_network_is_judged_by_what_its_training_saw():
    model, part = built(network("dense", (6,), batch_norm=True), shape=SHAPE), examples(24)
    train(model, part, epochs=40, learning_rate=0.02)
    assert batch_statistics_accuracy(model, *part, 24) >= 0.9
