"""Freezing by name, and what becomes of batch norms: their statistics move only where the recipe says so."""

import pytest

from tasks.pure.errors import SurgeryError
from tasks.pure.layer_choice import Trainable
from tasks.pure.layers import blocks
from tasks.pure.surgery import set_trainable
from tests.tasks.pure.small_networks import HEAD_ONLY, built, examples, moved, network, reloaded, train, weights

pytestmark = pytest.mark.usefixtures("fresh_keras")


def trained(trainable: Trainable, architecture: str = "cnn") -> set[str]:
    """Names of the layers that move in a training of a base whose batch norms have seen other images."""
    model = built(network(architecture, (5, 4), batch_norm=True, dropout=0.2))
    set_trainable(model, trainable)
    before = weights(model)
    train(model, examples(12))
    return moved(before, model)


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_a_frozen_base_does_not_move_nor_do_its_statistics(architecture: str):
    assert trained(HEAD_ONLY, architecture) == {"head"}


def test_an_unfrozen_layers_batch_norm_stays_in_inference_mode():
    assert trained(Trainable(("conv_1", "conv_2", "head"), ())) == {"conv_1", "conv_2", "head"}


def test_a_declared_batch_norm_trains_with_its_statistics():
    model = built(network("cnn", (5, 4), batch_norm=True))
    set_trainable(model, Trainable(("conv_2", "head"), ("conv_2",)))
    before = model.get_layer("conv_2_batch_norm").get_weights()
    below = weights(model)["conv_1_batch_norm"]
    train(model, examples(12))
    after = model.get_layer("conv_2_batch_norm").get_weights()
    assert all((one != two).any() for one, two in zip(before, after, strict=True)), "gamma, beta, mean, variance"
    assert weights(model)["conv_1_batch_norm"] == below


def test_layers_are_chosen_by_name_not_only_from_the_top():
    assert trained(Trainable(("conv_1", "head"), ())) == {"conv_1", "head"}


def test_without_the_head_the_head_is_frozen_too():
    assert trained(Trainable(("conv_2",), ())) == {"conv_2"}


def test_each_leaf_has_a_flag_of_its_own_and_the_file_keeps_it():
    model = built(network("cnn", (5, 4), batch_norm=True, dropout=0.2))
    set_trainable(model, Trainable(("conv_2", "head"), ("conv_2",)))
    on = {layer.name for layer in model.layers if layer.trainable and layer.weights}
    assert on == {"conv_2", "conv_2_batch_norm", "head"}
    kept = {layer.name for layer in reloaded(model).layers if layer.trainable and layer.weights}
    assert kept == on


def test_unfreezing_takes_back_a_freezing():
    model = built(network("cnn", (5, 4)))
    set_trainable(model, HEAD_ONLY)
    set_trainable(model, Trainable(("conv_1", "conv_2", "head"), ()))
    assert len(model.trainable_variables) == 6


def test_an_unknown_name_is_refused_with_the_names_that_there_are():
    model = built(network("dense", (5, 4)))
    with pytest.raises(SurgeryError) as refusal:
        set_trainable(model, Trainable(("haed", "dense_2"), ("dense_7",)))
    assert str(refusal.value) == (
        "No layer named `dense_7`, `haed` in the network. Its layers: `dense_1`, `dense_2`, `head`."
    )


def test_a_refused_name_changes_no_flag():
    model = built(network("dense", (5, 4)))
    with pytest.raises(SurgeryError):
        set_trainable(model, Trainable(("haed",), ()))
    assert all(layer.trainable for layer in model.layers)
    assert [block.name for block in blocks(model)] == ["dense_1", "dense_2"]
