"""The same seed trains the same bits, whatever the process did before (how it is computed: `test_epochs.py`)."""

import numpy as np
import pytest

from artifacts.codecs import model_digest
from tasks.pure.callbacks import seed_dropouts
from tests.tasks.pure.small_networks import built, examples, network, reloaded, train, weights

FULL_DENSE = network("dense", (5, 4), dropout=0.3, l2=0.01)
FULL_CNN = network("cnn", (5, 4), batch_norm=True, dropout=0.3)
BOTH = pytest.mark.parametrize("like", [FULL_DENSE, FULL_CNN], ids=["dense", "cnn"])

pytestmark = pytest.mark.usefixtures("fresh_keras")


@BOTH
def test_the_same_seed_gives_the_same_bits_whatever_was_made_in_between(like):
    def run():
        model = built(like)
        return train(model, examples(11), examples(5, seed=3), batch_size=4), model_digest(model)

    history, digest = run()
    built(network("cnn", (2,), dropout=0.1), seed=5)(examples(6)[0], training=True)
    again, same = run()
    assert same == digest
    assert again.equals(history)


@pytest.mark.parametrize("dropout, size", [(0.0, 4), (0.3, 64)], ids=["by the order", "by the dropout masks"])
def test_another_seed_gives_other_bits(dropout: float, size: int):
    like = network("dense", (4,), dropout=dropout)
    first, other = built(like), built(like)
    train(first, examples(11), seed=1, batch_size=size)
    train(other, examples(11), seed=2, batch_size=size)
    assert weights(first) != weights(other)


def masks(model) -> list[list[int]]:
    generators = [layer.seed_generator for layer in model.layers if hasattr(layer, "seed_generator")]
    return [np.asarray(generator.state).tolist() for generator in generators]


def test_dropout_masks_follow_from_seed_and_epoch_alone():
    """Files do not keep a Dropout's state: a network that was loaded would draw other masks."""
    model = built(FULL_CNN)
    train(model, examples(11), batch_size=4)
    again = reloaded(model)
    assert masks(model) != masks(again)
    for network_ in (model, again):
        seed_dropouts(network_, 7, 2)
    assert masks(model) == masks(again)
    np.testing.assert_array_equal(
        model(examples(6)[0], training=True), again(examples(6)[0], training=True), "the same masks"
    )


def test_each_dropout_each_epoch_and_each_seed_has_masks_of_its_own():
    model, seen = built(FULL_CNN), []
    for seed, epoch in ((7, 0), (7, 1), (8, 0)):
        seed_dropouts(model, seed, epoch)
        seen += [tuple(state) for state in masks(model)]
    assert len(set(seen)) == 6


def attentive():
    """A network with dropouts inside other layers: in an attention, in a recurrent cell, in one that goes both ways."""
    import keras

    image = keras.Input((4, 8))
    seen = keras.layers.MultiHeadAttention(2, 4, dropout=0.5, name="attention")(image, image)
    read = keras.layers.Bidirectional(keras.layers.GRU(3, dropout=0.5), name="both_ways")(seen)
    return keras.Model(image, keras.layers.Dense(2, name="head")(keras.layers.Dropout(0.5, name="above")(read)))


def test_dropouts_inside_other_layers_have_masks_by_seed_and_epoch_too():
    shown = np.random.default_rng(0).random((3, 4, 8)).astype(np.float32)
    model = attentive()
    model(shown, training=True)  # the generators have moved on
    again = reloaded(model)
    seed_dropouts(model, 7, 2)
    seed_dropouts(again, 7, 2)
    first = np.asarray(model(shown, training=True))
    np.testing.assert_array_equal(first, np.asarray(again(shown, training=True)))
    seed_dropouts(model, 7, 3)
    assert not np.array_equal(first, np.asarray(model(shown, training=True)))


def test_each_dropout_inside_another_layer_has_a_state_of_its_own():
    model = attentive()
    seed_dropouts(model, 7, 2)
    parts = [each for layer in model.layers for each in layer._flatten_layers()]
    states = [tuple(np.asarray(each.seed_generator.state)) for each in parts if getattr(each, "seed_generator", None)]
    assert len(states) == len(set(states)) == 4


def test_a_network_out_of_its_file_trains_to_the_same_bits():
    """The cache-hit path: whether a step had its input in hand or read it, the training ends the same."""
    inside = built(FULL_CNN)
    outside = reloaded(inside)
    train(inside, examples(11), batch_size=4)
    train(outside, examples(11), batch_size=4)
    assert model_digest(inside) == model_digest(outside)
