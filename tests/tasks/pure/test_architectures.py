"""What `build` makes of a few numbers."""

import numpy as np
import pytest

from tasks.pure import session
from tasks.pure.architectures import build, check_scale
from tasks.pure.errors import BadData
from tests.tasks.pure.small_networks import SHAPE, built, images, network, weights

pytestmark = pytest.mark.usefixtures("fresh_keras")


def test_dense_is_the_notebooks_network():
    model = build(network("dense", (128, 64, 32, 16), scale="none"), (28, 28, 1), 10, 0)
    assert [layer.name for layer in model.layers] == [
        "image", "flatten", "dense_1", "dense_2", "dense_3", "dense_4", "head"
    ]  # fmt: skip
    kernels = [layer.kernel.shape for layer in model.layers[2:]]
    assert kernels == [(784, 128), (128, 64), (64, 32), (32, 16), (16, 10)]
    assert all(layer.use_bias for layer in model.layers[2:])
    assert [layer.activation.__name__ for layer in model.layers[2:]] == ["relu"] * 4 + ["softmax"]


def test_two_classes_share_one_sigmoid_unit():
    head = build(network(), SHAPE, 2, 0).get_layer("head")
    assert (head.units, head.activation.__name__) == (1, "sigmoid")


@pytest.mark.parametrize("num_classes", [3, 10])
def test_more_classes_have_a_softmax_unit_each(num_classes: int):
    model = build(network("cnn"), SHAPE, num_classes, 0)
    np.testing.assert_allclose(np.asarray(model(images(5))).sum(axis=1), 1, rtol=1e-6)
    assert model.output_shape == (None, num_classes)


def test_scale_unit_is_a_division_by_255_inside_the_model():
    scaled, raw = built(network(scale="unit")), built(network(scale="none"))
    assert weights(scaled) == weights(raw)
    np.testing.assert_allclose(scaled(images(5)), raw(images(5) / np.float32(255)), rtol=1e-5)


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_a_batch_norm_stands_between_the_weights_and_the_relu_and_takes_the_biass_place(architecture: str):
    model = build(network(architecture, (5,), batch_norm=True, batch_norm_momentum=0.77), SHAPE, 3, 0)
    first = next(place for place, layer in enumerate(model.layers) if layer.name.endswith("_1"))
    layer, norm, relu = model.layers[first : first + 3]
    assert not layer.use_bias and layer.activation.__name__ == "linear"
    assert norm.name == f"{layer.name}_batch_norm" and norm.momentum == 0.77
    assert relu.name == f"{layer.name}_relu"


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_dropout_and_l2_are_there_only_where_asked_for(architecture: str):
    plain = build(network(architecture), SHAPE, 3, 0)
    assert plain.losses == [] and not any("dropout" in layer.name for layer in plain.layers)
    both = build(network(architecture, (5, 4), dropout=0.25, l2=0.01), SHAPE, 3, 0)
    assert [layer.rate for layer in both.layers if layer.name.endswith("_dropout")] == [0.25, 0.25]
    kernels = [layer.kernel for layer in both.layers if hasattr(layer, "kernel") and layer.name != "head"]
    expected = [0.01 * float((np.asarray(kernel, np.float64) ** 2).sum()) for kernel in kernels]
    np.testing.assert_allclose([float(loss) for loss in both.losses], expected, rtol=1e-5)


def test_a_cnn_halves_its_maps_and_stops_where_no_pixels_are_left_to_pool():
    model = build(network("cnn", (2, 2, 2, 2, 2)), SHAPE, 3, 0)
    assert [layer.name for layer in model.layers if layer.name.endswith("_pool")] == [
        "conv_1_pool", "conv_2_pool", "conv_3_pool"
    ]  # fmt: skip
    assert model.get_layer("conv_5").output.shape == (None, 1, 1, 2)
    assert model.get_layer("global_average").output.shape == (None, 2)


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_what_the_process_made_before_does_not_show_in_the_config(architecture: str):
    full = network(architecture, (3, 2), batch_norm=True, dropout=0.1, l2=0.01)
    assert build(full, SHAPE, 3, 0).get_config() == build(full, SHAPE, 3, 0).get_config()


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_the_seed_alone_decides_the_initial_weights(architecture: str):
    like = network(architecture, batch_norm=True)
    first, again, other = built(like, 3), built(like, 3), built(like, 4)
    assert weights(first) == weights(again)
    assert weights(first)["head"] != weights(other)["head"]


def test_layers_of_one_shape_start_with_different_weights():
    session.fresh(0)
    model = build(network("dense", (4, 4, 4)), SHAPE, 4, 0)
    kernels = [model.get_layer(name).kernel.numpy().tobytes() for name in ("dense_2", "dense_3", "head")]
    assert len(set(kernels)) == 3


def test_floats_of_0_to_1_are_refused_where_the_network_divides_by_255():
    with pytest.raises(BadData, match=r"images of `target` are floats of at most 1\. Save them as bytes of 0–255"):
        check_scale(True, np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 2, 2, 1), "target")


@pytest.mark.parametrize(
    ("scaled", "pixels"),
    [(False, np.ones(4, np.float32)), (True, np.ones(4, np.uint8)), (True, np.full(4, 1.5, np.float32))],
)
def test_other_images_are_not_too_dark(scaled: bool, pixels: np.ndarray):
    check_scale(scaled, pixels.reshape(1, 2, 2, 1), "source")
