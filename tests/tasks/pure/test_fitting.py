"""A training: what it returns, when it stops, how classes weigh, what it tells while it runs."""

import numpy as np
import pytest

from tasks.pure.compiling import compile_model
from tasks.pure.errors import BadData
from tasks.pure.order import balanced
from tests.tasks.pure.small_networks import built, examples, images, network, reloaded, train, weights

SMALL = network("dense", (4,))
CNN = network("cnn", (4,), batch_norm=True)

pytestmark = pytest.mark.usefixtures("fresh_keras")


def opposite(count: int = 12):
    """A validation part with wrong labels: the better the training goes, the worse its loss."""
    pictures, labels = examples(count)
    return pictures, (labels + 1) % 3


def test_the_history_has_a_row_an_epoch_from_0():
    history = train(built(SMALL), examples(12), epochs=3)
    assert list(history.columns) == ["epoch", "loss", "accuracy"]
    assert history["epoch"].tolist() == [0, 1, 2]
    assert np.isfinite(history.to_numpy()).all()
    assert history["accuracy"].between(0, 1).all()


def test_with_validation_its_figures_stand_beside():
    import keras

    model, validation = built(SMALL), examples(9, seed=5)
    history = train(model, examples(12), validation)
    assert list(history.columns) == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    compile_model(model, keras.optimizers.Adam(0.01))
    loss, accuracy = model.evaluate(*validation, verbose=0)
    np.testing.assert_allclose(history.iloc[-1][["val_loss", "val_accuracy"]], [loss, accuracy], rtol=1e-5)


def test_validation_trains_nothing():
    with_validation, without = built(CNN), built(CNN)
    train(with_validation, examples(12), examples(9, seed=5))
    train(without, examples(12))
    assert weights(with_validation) == weights(without)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_a_training_learns(num_classes: int):
    model = built(network("dense", (16,)), num_classes=num_classes)
    history = train(model, examples(24, num_classes), epochs=60, batch_size=8, learning_rate=0.02)
    assert history["accuracy"].iloc[-1] >= 0.9
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] / 2


@pytest.mark.parametrize("num_classes", [2, 3])
def test_the_loss_is_cross_entropy_in_nats(num_classes: int):
    model, part = built(SMALL, num_classes=num_classes), examples(12, num_classes)
    out = np.asarray(model(part[0]), np.float64)
    rows = np.hstack([1 - out, out]) if num_classes == 2 else out
    expected = -np.log(rows[np.arange(12), part[1]]).mean()
    history = train(model, part, learning_rate=0.0, epochs=1)
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-5)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_two_examples_in_batches_of_ten_are_enough(num_classes: int):
    model = built(CNN, num_classes=num_classes)
    before = weights(model)
    history = train(model, examples(2, num_classes), batch_size=10)
    assert len(history) == 2 and np.isfinite(history["loss"]).all()
    assert weights(model)["head"] != before["head"]


def test_early_stopping_ends_the_training_and_takes_the_best_weights_back():
    stopped, best = built(CNN), built(CNN)
    history = train(stopped, examples(12), opposite(), epochs=20, early_stopping=2, learning_rate=0.05)
    epochs = int(history["val_loss"].argmin()) + 1
    assert len(history) == epochs + 2 < 20
    train(best, examples(12), opposite(), epochs=epochs, learning_rate=0.05)
    assert weights(stopped) == weights(best), "batch-norm statistics included"


def test_the_best_weights_are_taken_back_also_where_the_epochs_run_out_first():
    model, once = built(SMALL), built(SMALL)
    history = train(model, examples(12), opposite(), epochs=25, early_stopping=30, learning_rate=0.05)
    best = int(history["val_loss"].argmin()) + 1
    assert best < len(history) == 25
    train(once, examples(12), epochs=best, learning_rate=0.05)
    assert weights(model) == weights(once)


def test_without_early_stopping_the_last_weights_stay():
    model, once = built(SMALL), built(SMALL)
    train(model, examples(12), opposite(), epochs=3, learning_rate=0.05)
    train(once, examples(12), epochs=1, learning_rate=0.05)
    assert weights(model) != weights(once)


def test_early_stopping_without_validation_is_refused_before_anything_is_trained():
    model = built(SMALL)
    before = weights(model)
    with pytest.raises(BadData, match="there is no validation part"):
        train(model, examples(12), epochs=30, early_stopping=2)
    assert weights(model) == before


@pytest.mark.parametrize("counts", [(2, 9), (1, 4, 7), (5, 5)])
def test_class_weights_are_scikit_learnsbalanced(counts: tuple[int, ...]):
    from sklearn.utils.class_weight import compute_sample_weight

    labels = np.repeat(np.arange(len(counts)), counts)
    np.testing.assert_allclose(balanced(labels, len(counts)), compute_sample_weight("balanced", labels), rtol=1e-6)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_class_weights_weigh_the_loss(num_classes: int):
    model = built(SMALL, num_classes=num_classes)
    labels = np.array([0] * 9 + [1] * 2 + [num_classes - 1])
    out = np.asarray(model(images(12)), np.float64)
    rows = np.hstack([1 - out, out]) if num_classes == 2 else out
    expected = (balanced(labels, num_classes) * -np.log(rows[np.arange(12), labels])).mean()
    history = train(model, (images(12), labels), learning_rate=0.0, epochs=1, class_weights=True)
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-5)


def test_class_weights_change_the_weights_where_classes_are_uneven():
    part = images(12), np.array([0] * 9 + [1, 2, 2])
    plain, weighed = built(SMALL), built(SMALL)
    train(plain, part)
    train(weighed, part, class_weights=True)
    assert weights(plain) != weights(weighed)


def test_progress_is_told_within_and_after_each_epoch():
    told: list[tuple[int, float, dict[str, float]]] = []
    train(built(SMALL), examples(12), epochs=3, batch_size=4, on_progress=lambda *seen: told.append(seen))
    places = [epochs + fraction for epochs, fraction, _ in told]
    assert places == sorted(places) and places[-1] == 3
    assert all(0 <= fraction <= 1 for _, fraction, _ in told)
    ends = [(epochs, logs.keys()) for epochs, _, logs in told if logs]
    assert ends == [(epoch, {"loss", "accuracy"}) for epoch in (1, 2, 3)]


def test_a_training_begins_with_a_new_optimizer():
    """An optimiser that was built on the frozen set fails on the unfrozen one, or goes on from its old state."""
    model, part = built(SMALL), examples(12)
    model.get_layer("dense_1").trainable = False
    train(model, part)
    model.get_layer("dense_1").trainable = True
    unused = reloaded(model)
    for each in (model, unused):
        train(each, part, epochs=3, learning_rate=0.002)
    assert weights(model) == weights(unused)
