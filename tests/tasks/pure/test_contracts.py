"""What a training step promises is checked in the step: a broken promise names the layers."""

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.pure.contracts import check_declared, check_unmoved, frozen_state
from tasks.pure.errors import ContractBroken
from tasks.pure.layer_choice import Trainable
from tasks.pure.stages import train_under_contract
from tasks.pure.surgery import set_trainable
from tasks.pure.training import Training, Watch
from tests.tasks.pure.small_networks import HEAD_ONLY, SHAPE, built, examples, moved, network, none_of, train, weights

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("fresh_keras")

TWO_EPOCHS = Training(epochs=2, batch_size=64, learning_rate=0.01, early_stopping=None, class_weights=False)
TOP_AND_HEAD = Trainable(("conv_2", "head"), ("conv_2",))


def small_cnn(trainable: Trainable) -> "keras.Model":
    model = built(network("cnn", (5, 4), batch_norm=True, dropout=0.2))
    set_trainable(model, trainable)
    return model


def nested() -> "keras.Model":
    """A base as one layer of the outer network, frozen; its `dense_2` was enabled again."""
    import keras

    layers = [keras.Input(SHAPE), keras.layers.Flatten(name="flatten")]
    base = keras.Sequential([*layers, *(keras.layers.Dense(3, name=f"dense_{n}") for n in (1, 2))], name="base")
    image = keras.Input(SHAPE, name="image")
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="head")(base(image)), name="graft")
    base.trainable = False
    base.get_layer("dense_2").trainable = True
    return model


@pytest.mark.parametrize(
    "trainable",
    [HEAD_ONLY, TOP_AND_HEAD, Trainable(("conv_1", "conv_2", "head"), ()), Trainable(("head",), ("conv_1",))],
)
def test_what_set_trainable_does_is_what_is_declared(trainable: Trainable):
    check_declared(small_cnn(trainable), trainable)


def test_a_child_enabled_again_under_a_frozen_parent_is_caught_and_named():
    model = nested()
    assert model.get_layer("base").trainable_variables == [], "the parent's own word, not to be trusted"
    with pytest.raises(ContractBroken, match="Train without being declared: `base/dense_2`; .* do not train: none"):
        check_declared(model, HEAD_ONLY)


def test_keras_does_train_such_a_child():
    model = nested()
    kernels = {leaf.name: leaf.kernel.numpy() for leaf in model.get_layer("base").layers if leaf.weights}
    train(model, examples(12))
    same = {
        name: np.array_equal(kernel, model.get_layer("base").get_layer(name).kernel) for name, kernel in kernels.items()
    }
    assert same == {"dense_1": True, "dense_2": False}


def test_a_frozen_nested_base_is_in_order():
    model = nested()
    model.get_layer("base").get_layer("dense_2").trainable = False
    check_declared(model, HEAD_ONLY)
    assert frozen_state(model).keys() == {"base/dense_1", "base/dense_2"}


def test_a_layer_that_trains_undeclared_is_named():
    model = small_cnn(HEAD_ONLY)
    model.get_layer("conv_1").trainable = True
    with pytest.raises(ContractBroken, match="Train without being declared: `conv_1`; .*Declared: `head`"):
        check_declared(model, HEAD_ONLY)


def test_a_batch_norm_that_trains_undeclared_is_named():
    declared = Trainable(("conv_1", "conv_2", "head"), ())
    model = small_cnn(declared)
    model.get_layer("conv_1_batch_norm").trainable = True
    with pytest.raises(ContractBroken, match="Train without being declared: `conv_1_batch_norm`"):
        check_declared(model, declared)


@pytest.mark.parametrize("idle", ["conv_2", "conv_2_batch_norm", "head"])
def test_a_declared_layer_that_does_not_train_is_named(idle: str):
    model = small_cnn(TOP_AND_HEAD)
    model.get_layer(idle).trainable = False
    with pytest.raises(ContractBroken, match=f"declared, but do not train: `{idle}`"):
        check_declared(model, TOP_AND_HEAD)


def test_a_network_frozen_as_a_whole_does_not_train_its_head():
    model = small_cnn(HEAD_ONLY)
    model.trainable = False
    with pytest.raises(ContractBroken, match="declared, but do not train: `head`"):
        check_declared(model, HEAD_ONLY)


def test_all_that_does_not_train_is_watched():
    assert frozen_state(small_cnn(TOP_AND_HEAD)).keys() == {"conv_1", "conv_1_batch_norm"}
    assert frozen_state(small_cnn(HEAD_ONLY)).keys() == {
        "conv_1", "conv_1_batch_norm", "conv_2", "conv_2_batch_norm"
    }  # fmt: skip


@pytest.mark.parametrize("index", range(4), ids=["gamma", "beta", "moving_mean", "moving_variance"])
def test_batch_norm_statistics_that_moved_by_one_bit_are_named(index: int):
    model = small_cnn(HEAD_ONLY)
    before, norm = frozen_state(model), model.get_layer("conv_2_batch_norm")
    values = norm.get_weights()
    values[index][-1] = np.nextafter(values[index][-1], np.float32(9))
    norm.set_weights(values)
    with pytest.raises(ContractBroken, match=r"Frozen layers moved .*: `conv_2_batch_norm \(batch norm\)`\."):
        check_unmoved(before, model)


def test_a_training_that_keeps_its_promise_passes_and_returns_its_history():
    model = small_cnn(TOP_AND_HEAD)
    before, part = weights(model), examples(12)
    fitted = train_under_contract(model, (part, none_of(part)), TOP_AND_HEAD, TWO_EPOCHS, 7, Watch())
    assert len(fitted.history) == 2
    assert moved(before, model) == {"conv_2", "conv_2_batch_norm", "head"}


def test_a_frozen_weight_that_moves_during_the_training_fails_the_step():
    model, part = small_cnn(HEAD_ONLY), examples(12)

    def tamper(epochs: int, fraction: float, logs: dict[str, float]) -> None:
        model.get_layer("conv_1").kernel.assign_add(1e-3 * np.ones((3, 3, 1, 5)))

    with pytest.raises(ContractBroken, match="Frozen layers moved during training: `conv_1`"):
        train_under_contract(model, (part, none_of(part)), HEAD_ONLY, TWO_EPOCHS, 7, Watch(tamper))


def test_a_wrong_set_of_variables_is_refused_before_anything_trains():
    model, part = small_cnn(TOP_AND_HEAD), examples(12)
    before = weights(model)
    with pytest.raises(ContractBroken):
        train_under_contract(model, (part, none_of(part)), HEAD_ONLY, TWO_EPOCHS, 7, Watch())
    assert moved(before, model) == set()
