"""What counts as a layer, and what lies inside one."""

import pytest

from tasks.pure.architectures import build
from tasks.pure.layers import blocks, is_batch_norm, leaves, listed
from tests.tasks.pure.small_networks import SHAPE, built, grafted, network

pytestmark = pytest.mark.usefixtures("fresh_keras")


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
@pytest.mark.parametrize("widths", [(3,), (3, 2), (5, 4, 3, 2)])
@pytest.mark.parametrize("extras", [{}, {"batch_norm": True, "dropout": 0.1, "l2": 0.01}], ids=["plain", "full"])
def test_there_are_as_many_layers_as_widths(architecture: str, widths: tuple[int, ...], extras: dict[str, object]):
    kind = "conv" if architecture == "cnn" else "dense"
    names = [block.name for block in blocks(build(network(architecture, widths, **extras), SHAPE, 3, 0))]
    assert names == [f"{kind}_{number}" for number in range(1, len(widths) + 1)]


def test_the_notebooks_network_has_four():
    assert len(blocks(build(network("dense", (128, 64, 32, 16)), (28, 28, 1), 10, 0))) == 4


def test_a_layer_holds_its_batch_norm_activation_dropout_and_pooling():
    model = build(network("cnn", (3, 2), batch_norm=True, dropout=0.1), SHAPE, 3, 0)
    for block in blocks(model):
        kinds = ["", "_batch_norm", "_relu", "_dropout", "_pool"]
        assert [member.name for member in block.members] == [block.name + kind for kind in kinds]


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_adapters_scale_flatten_pooling_and_head_do_not_count(architecture: str):
    model = grafted(built(network(architecture, (3, 2))), (12, 9, 3))
    assert {"resize", "to_grey", "scale", "head"} <= {layer.name for layer in model.layers}
    assert [len(block.members) for block in blocks(model)] == ([1, 1] if architecture == "dense" else [2, 2])


def test_leaves_are_found_at_any_depth_with_their_path():
    import keras

    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, name="deep")], name="inner")
    outer = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(2, name="top")], name="outer")
    model = keras.Sequential([keras.Input((4,)), outer], name="model")
    found = dict(leaves(model))
    assert {"outer/inner/deep", "outer/top"} <= found.keys()
    assert found["outer/inner/deep"] is inner.get_layer("deep")
    assert not {"outer", "outer/inner"} & found.keys()


def test_batch_norms_are_told_from_other_layers():
    model = build(network("dense", (3,), batch_norm=True), SHAPE, 3, 0)
    assert [layer.name for layer in model.layers if is_batch_norm(layer)] == ["dense_1_batch_norm"]


def test_names_are_listed_for_a_message():
    assert listed(["a", "b"]) == "`a`, `b`"
    assert listed([]) == "none"
