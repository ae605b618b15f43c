"""Any network of layers as one flat graph: the same layers under names of their own, the same answers to the bit."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure.bases.files.flattening import check_graph, flatten
from tasks.pure.errors import BadBase
from tasks.pure.layers import blocks
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("fresh_keras")
SHAPE = (8, 8, 3)
SEEN = np.random.default_rng(0).uniform(0, 255, (4, *SHAPE)).astype(np.float32)


def chain(*layers: Any, name: str = "net") -> "keras.Model":
    import keras

    return keras.Sequential([keras.Input(SHAPE), *layers], name=name)


def conv(name: str, **settings: Any) -> Any:
    import keras

    return keras.layers.Conv2D(3, 3, padding="same", name=name, **settings)


def names(model: "keras.Model") -> list[str]:
    return [layer.name for layer in model.layers[1:]]


def test_networks_at_any_depth_are_opened_in_order() -> None:
    import keras

    model = chain(conv("a"), chain(conv("b"), chain(conv("c"), name="inner"), name="middle"), conv("d"))
    flat = flatten(model)
    assert names(flat) == ["a", "b", "c", "d"]
    assert not any(isinstance(layer, keras.Model) for layer in flat.layers)
    np.testing.assert_array_equal(flat(SEEN), model(SEEN))


def test_nothing_is_shared_and_everything_trains() -> None:
    model = chain(conv("a", trainable=False), chain(conv("b"), name="inner"))
    model.layers[1].trainable = False
    flat = flatten(model)
    assert all(layer.trainable for layer in flat.layers)
    before = np.asarray(model(SEEN))
    for weight in flat.weights:
        weight.assign(weight * 0)
    np.testing.assert_array_equal(model(SEEN), before)


def test_a_network_that_is_used_twice_stays_one() -> None:
    import keras

    inner = chain(conv("c"), name="inner")
    image = keras.Input(SHAPE)
    model = keras.Model(image, keras.layers.Add(name="sum")([inner(inner(image)), inner(image)]))
    flat = flatten(model)
    assert [layer.name for layer in flat.layers if layer.weights] == ["c"]
    np.testing.assert_array_equal(flat(SEEN), model(SEEN))


def test_the_arithmetic_of_preprocess_input_stays_and_counts_as_scaling() -> None:
    """With arrays in the graph, the channels turned round, and a network that is called with `training=False`."""
    import keras

    from artifacts import codecs
    from tasks.pure.surgery import has_scale

    for family in ("resnet", "densenet", "mobilenet_v2"):
        prepare = getattr(keras.applications, family).preprocess_input
        image = keras.Input(SHAPE)
        model = keras.Model(image, chain(conv("c"), name="inner")(prepare(image), training=False))
        flat = flatten(model)
        np.testing.assert_array_equal(flat(SEEN), model(SEEN))
        assert has_scale(flat), family
        assert [block.name for block in blocks(flat)] == ["c"]
        assert codecs.model_digest(codecs.rebuild(flat)) == codecs.model_digest(flat)


def test_names_that_mean_something_to_graft_are_changed() -> None:
    model = chain(conv("scale"), conv("scale_conv"), conv("head"), conv("added_2"), conv("to_rgb"), conv("added_up"))
    flat = flatten(model)
    assert names(flat) == [
        "base_scale", "base_scale_conv", "head_of_base", "added_2_of_base", "to_rgb_of_base", "added_up",
    ]  # fmt: skip
    assert [block.name for block in blocks(flat)] == names(flat)


def test_names_that_clash_get_their_containers_and_then_numbers() -> None:
    model = chain(conv("c"), chain(conv("c"), name="in"), chain(conv("c"), name="in2"), conv("in_c"))
    assert names(flatten(model)) == ["c", "in_c", "in2_c", "in_c_2"]
    assert names(flatten(model)) == names(flatten(model))


def test_all_computes_in_float32() -> None:
    import keras

    model = chain(
        conv("half", dtype="mixed_float16"), keras.layers.PReLU(name="p", dtype="mixed_bfloat16"),
        conv("double", dtype="float64"),
    )  # fmt: skip
    flat = flatten(model)
    assert {layer.compute_dtype for layer in flat.layers} == {"float32"}
    assert {weight.dtype for weight in flat.weights} == {"float32"}
    np.testing.assert_allclose(flat(SEEN / 255), model(SEEN / 255), rtol=0, atol=0.05)


def test_a_quantised_network_is_refused() -> None:
    import keras

    model = chain(keras.layers.Flatten(), keras.layers.Dense(3, name="small"))
    model.quantize("int8")
    with pytest.raises(BadBase, match="`small` is quantised.*as it was before `quantize`"):
        flatten(model)


def test_dropout_inside_of_other_layers_goes_where_it_is_to_go() -> None:
    import keras

    of = keras.layers
    image = keras.Input(SHAPE)
    tokens = of.Reshape((64, 3))(image)
    model = keras.Model(image, of.MultiHeadAttention(1, 2, dropout=0.3, name="attention")(tokens, tokens))
    assert flatten(model).get_layer("attention").get_config()["dropout"] == 0.3
    without = flatten(model, dropout=False)
    assert without.get_layer("attention").get_config()["dropout"] == 0
    np.testing.assert_allclose(without(SEEN), model(SEEN), rtol=1e-4)  # attention without dropout has its own kernels
    assert all(layer["steady"] for layer in outline(without))


def test_statistics_that_were_given_instead_of_adapted_stay() -> None:
    import keras

    model = chain(keras.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]), conv("c"))
    np.testing.assert_array_equal(flatten(model)(SEEN), model(SEEN))


def test_weights_that_are_no_numbers_are_refused() -> None:
    model = chain(conv("fine"), conv("broken"))
    model.layers[1].bias.assign([0, np.nan, 0])
    with pytest.raises(BadBase, match="`broken`: `bias` holds NaN or infinity"):
        flatten(model)


def test_the_layer_that_does_not_take_another_size_is_named() -> None:
    import keras

    of = keras.layers
    tokens = chain(conv("c"), of.Reshape((64, 3), name="tokens"), of.Dense(2))
    with pytest.raises(BadBase, match="`tokens`.*does not take what comes to it"):
        flatten(tokens, size=(12, 12))
    assert flatten(chain(conv("c"), of.GlobalMaxPooling2D(), of.Dense(2)), size=(12, 9)).input_shape == (None, 12, 9, 3)


def test_outputs_with_names_are_outputs() -> None:
    import keras

    image = keras.Input(SHAPE)
    inner = keras.Model({"photo": image}, {"features": conv("c")(image)}, name="inner")
    outer = keras.Input(SHAPE)
    model = keras.Model(outer, inner({"photo": outer})["features"])
    np.testing.assert_array_equal(flatten(model)(SEEN), model(SEEN))


def test_what_is_no_graph_is_refused_with_what_to_do() -> None:
    import keras

    class Net(keras.Model):
        pass

    with pytest.raises(BadBase, match="mine: expected a functional or Sequential network, found the class Net"):
        check_graph(Net(), "mine")
    one, two = keras.Input(SHAPE, name="one"), keras.Input(SHAPE, name="two")
    with pytest.raises(BadBase, match="found 2: `one`, `two`"):
        check_graph(keras.Model([one, two], keras.layers.Add()([one, two])), "mine")
    both = keras.Model(one, [conv("a")(one), conv("b")(one)])
    with pytest.raises(BadBase, match=r"found 2: `a`, `b`.*`base.cut`"):
        check_graph(both, "mine")
    check_graph(both, "mine", several_outputs=True)
