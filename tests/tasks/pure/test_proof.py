"""A file that is not the network is refused, and what it lost is named."""

import numpy as np
import pytest

from artifacts.codecs import rebuild
from tasks.pure.errors import ContractBroken
from tasks.pure.proof import check_digest, check_same
from tasks.pure.surgery import set_trainable
from tests.tasks.pure.small_networks import HEAD_ONLY, SHAPE, built, examples, grafted, network, reloaded, train

pytestmark = pytest.mark.usefixtures("fresh_keras")

FULL = network("cnn", (5, 4), batch_norm=True, dropout=0.3, l2=0.01)


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
@pytest.mark.parametrize("extras", [{}, {"batch_norm": True, "dropout": 0.3, "l2": 0.01}], ids=["plain", "full"])
def test_graft_s_own_networks_come_back_whole_from_their_file(architecture: str, extras: dict[str, object]):
    model = grafted(built(network(architecture, (5, 4), **extras)), (9, 6, 3))
    set_trainable(model, HEAD_ONLY)
    check_same(model, reloaded(model), seed=0)


def test_a_trained_network_comes_back_whole_too():
    model = built(FULL)
    train(model, examples(12))
    check_same(model, reloaded(model), seed=0)


@pytest.mark.parametrize("layer, index", [("conv_1", 0), ("conv_2_batch_norm", 3), ("head", 1)])
def test_one_bit_of_one_weight_is_noticed_and_its_layer_named(layer: str, index: int):
    model, other = built(FULL), built(FULL)
    values = other.get_layer(layer).get_weights()
    values[index].flat[-1] = np.nextafter(values[index].flat[-1], np.float32(9))
    other.get_layer(layer).set_weights(values)
    with pytest.raises(ContractBroken, match=f"different `weights of {layer}`\\."):
        check_same(model, other, seed=0)


def test_a_lost_flag_is_named():
    model, other = built(FULL), built(FULL)
    other.get_layer("conv_1").trainable = False
    with pytest.raises(ContractBroken, match="`trainable flag of conv_1`"):
        check_same(model, other, seed=0)


@pytest.mark.parametrize(
    "other",
    [
        network("cnn", (5, 4), batch_norm=True, dropout=0.2, l2=0.01),
        network("cnn", (5, 4), batch_norm=True, dropout=0.3, l2=0.02),
        network("cnn", (5, 4), batch_norm=True, batch_norm_momentum=0.99, dropout=0.3, l2=0.01),
    ],
    ids=["dropout", "l2", "momentum"],
)
def test_a_config_that_changed_is_named_though_it_predicts_the_same(other):
    model, changed = built(FULL), built(other)
    changed.set_weights(model.get_weights())
    with pytest.raises(ContractBroken, match="different `config`\\."):
        check_same(model, changed, seed=0)


def test_a_layer_that_is_missing_is_named():
    with pytest.raises(ContractBroken, match="`layers`"):
        check_same(built(network("dense", (5, 4))), built(network("dense", (5,))), seed=0)


def test_a_layer_that_does_not_save_itself_completely_shows_in_the_predictions():
    import keras

    class Forgetful(keras.layers.Layer):
        """Its factor is in neither its config nor its weights."""

        factor = 1.0

        def call(self, inputs):
            return inputs * self.factor

    image = keras.Input(SHAPE, name="image")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(image)
    forgetful = Forgetful(name="forgetful")
    forgetful.factor = 2.0
    model = keras.Model(image, keras.layers.Dense(3, name="head")(forgetful(pooled)), name="graft")
    model(np.ones((1, *SHAPE)))
    with keras.saving.custom_object_scope({"Forgetful": Forgetful}):
        again = rebuild(model)
    with pytest.raises(ContractBroken, match="`predictions on the probe batch`.*use Keras' built-in layers"):
        check_same(model, again, seed=0)


def test_an_adapted_normalization_comes_back_whole_from_its_file():
    """Keras computes its statistics for use when the file is read; `set_weights` on a clone does not."""
    import keras

    image = keras.Input(SHAPE, name="image")
    normal = keras.layers.Normalization(name="normal")
    normal.adapt(examples(12)[0].astype(np.float32))
    flat = keras.layers.Flatten(name="flatten")(normal(image))
    model = keras.Model(image, keras.layers.Dense(3, name="head")(flat), name="graft")
    check_same(model, reloaded(model), seed=0)


def test_two_digests_must_be_one():
    check_digest("sha256:a", "sha256:a", "the base")
    with pytest.raises(ContractBroken, match="Expected the base to have the digest sha256:a, found sha256:b"):
        check_digest("sha256:a", "sha256:b", "the base")
