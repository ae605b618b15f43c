"""The outline of a real network, and which of its layers are the same in every epoch while they are frozen."""

from typing import TYPE_CHECKING, Any

import pytest

from tasks.pure.outline import cut_points
from tasks.pure.outlining import outline, steady
from tests.tasks.pure.small_networks import built, network
from tests.tasks.pure.user_networks import attentive, residual

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("fresh_keras")


def test_an_outline_names_every_layer_with_what_it_reads() -> None:
    found = {layer["name"]: layer for layer in outline(residual())}
    assert found["add_1"]["inputs"] == ["bn_stem_relu", "bn_b"]
    assert found["conv_stem"] == {
        "name": "conv_stem", "kind": "Conv2D", "inputs": ["scale"], "output_shape": [8, 8, 4], "weights": 36,
        "trains": True, "steady": True,
    }  # fmt: skip


def test_it_does_not_change_when_another_network_is_grown_from_the_same_layers() -> None:
    import keras

    model = residual()
    before = outline(model)
    model(keras.Input((8, 8, 1)))
    keras.Model(model.input, model.get_layer("add_1").output)
    assert outline(model) == before


def test_a_sequential_network_has_one_too() -> None:
    import keras

    chain = keras.Sequential(
        [keras.Input((4,), name="in"), keras.layers.Dense(3, name="a"), keras.layers.Dense(2, name="b")]
    )
    assert [(layer["name"], layer["inputs"]) for layer in outline(chain)] == [("in", []), ("a", ["in"]), ("b", ["a"])]


def test_operations_that_are_no_layers_are_in_it() -> None:
    import keras

    image = keras.Input((4,), name="image")
    model = keras.Model(image, keras.layers.Dense(2, name="top")(image * 2.0))
    assert [layer["kind"] for layer in outline(model)] == ["InputLayer", "Multiply", "Dense"]
    assert cut_points(outline(model)) == [0, 1, 2]


def layers() -> dict[str, "keras.Layer"]:
    import keras

    of = keras.layers
    return {
        "steady": [
            of.Dense(3), of.Conv2D(3, 3), of.DepthwiseConv2D(3), of.SeparableConv2D(3, 3), of.BatchNormalization(),
            of.LayerNormalization(), of.GroupNormalization(1), of.Rescaling(2), of.Activation("gelu"), of.PReLU(),
            of.Dropout(0.0), of.MultiHeadAttention(1, 2), of.Resizing(3, 3), of.UpSampling2D(),
            of.GlobalAveragePooling1D(),
            of.Multiply(), of.Concatenate(), of.Embedding(3, 2), of.CenterCrop(3, 3), of.GaussianNoise(0.0),
        ],
        "not": [
            of.Dropout(0.1), of.SpatialDropout2D(0.1), of.GaussianNoise(0.1), of.GaussianDropout(0.1), of.RandomFlip(),
            of.RandomRotation(0.1), of.MultiHeadAttention(1, 2, dropout=0.1), of.RandomCrop(3, 3),
            of.SpectralNormalization(of.Dense(2)),
            of.AlphaDropout(0.1), of.LSTM(2, stateful=True),
        ],
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["steady", "not"])
def test_what_draws_numbers_or_minds_training_is_not_steady(kind: str) -> None:
    wrong = [type(layer).__name__ for layer in layers()[kind] if steady(layer) != (kind == "steady")]
    assert wrong == []


def test_what_nobody_knows_is_not_steady() -> None:
    import keras

    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    assert not steady(Own())
    assert not steady(keras.layers.TimeDistributed(Own()))


def test_all_of_grafts_own_networks_but_dropout_is_steady() -> None:
    found = outline(built(network("cnn", batch_norm=True, dropout=0.2)))
    assert {layer["kind"] for layer in found if not layer["steady"]} == {"Dropout"}


def test_attention_without_dropout_is_steady() -> None:
    assert all(layer["steady"] for layer in outline(attentive()))
