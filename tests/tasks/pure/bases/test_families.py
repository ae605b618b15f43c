"""Every family of `keras.applications` once, its smallest network at its least size: beside Keras' own, and through all
that graft does to a base. One residual and one attention network are in `make test`, the rest in `make test-slow`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure import surgery
from tasks.pure.bases.applications import build
from tasks.pure.bases.base import Base
from tasks.pure.bases.files import own_file
from tasks.pure.bases.known_applications import APPLICATIONS, FAMILIES
from tasks.pure.layer_choice import Reuse
from tasks.pure.outline import ADAPTERS, HEAD, outlined_blocks
from tasks.pure.outlining import outline
from tests.tasks.pure.bases.keras_networks import built_in, farness, photos, unlike_any_beginning
from tests.tasks.pure.bases.plain_keras import PlainKeras
from tests.tasks.pure.bases.whole_surgery import ALL_FROZEN, Grown, awake, chosen_cut, pictures, through_the_surgery
from tests.tasks.pure.user_networks import attentive

if TYPE_CHECKING:
    import keras

SMALLEST = {
    "convnext": "ConvNeXtTiny",
    "densenet": "DenseNet121",
    "efficientnet": "EfficientNetB0",
    "efficientnet_v2": "EfficientNetV2B0",
    "inception_resnet_v2": "InceptionResNetV2",
    "inception_v3": "InceptionV3",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3": "MobileNetV3Small",
    "nasnet": "NASNetMobile",
    "resnet": "ResNet50",
    "resnet_v2": "ResNet50V2",
    "vgg16": "VGG16",
    "vgg19": "VGG19",
    "xception": "Xception",
}
# TensorFlow fuses GELU, swish and a scaling that is not followed by a convolution differently in a graph that ends
# elsewhere: the last bit differs.
LAST_BIT = {"convnext", "efficientnet", "efficientnet_v2"}
STOCHASTIC_DEPTH = {"efficientnet", "efficientnet_v2"}  # by Keras' own defaults


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainKeras]:
    with PlainKeras(tmp_path_factory.mktemp("plain")) as process:
        yield process


def keras_own(name: str, size: int) -> Any:
    import keras

    builder = getattr(keras.applications, name)
    return unlike_any_beginning(builder(include_top=False, weights=None, input_shape=(size, size, 3)))


def without_weights(name: str, size: int, **others: Any) -> "keras.Model":
    return build(Base("application", name, "none", (size, size), **others), None, seed=0).model


def check_promises(grown: Grown, last_bit: bool = False) -> None:
    """Nothing frozen moved, all that was declared did, stored activations made no difference, at the right cut."""
    assert grown.head_moved == {HEAD}
    for in_graph, on_stored in zip(grown.head_in_graph, grown.head_on_stored, strict=True):
        np.testing.assert_allclose(on_stored, in_graph, rtol=0, atol=5e-6 if last_bit else 0)
    assert grown.tuned_moved == {HEAD}.union(*grown.top_two())
    assert all(grown.top_two()), "each of the two layers holds weights of its own"
    assert grown.head_cut == grown.below[-1]["inputs"][0], "stored directly below the head"
    if len(outlined_blocks(grown.below)) == 2:  # then all of it trains
        assert grown.tuned_cut is None
    else:
        assert not any(layer["weights"] for layer in grown.above_the_third()), "stored directly below the two"


def test_every_family_has_a_member_here() -> None:
    assert {name: APPLICATIONS[name].family for name in SMALLEST.values()} == {v: k for k, v in SMALLEST.items()}
    assert set(SMALLEST) == set(FAMILIES)


def test_a_residual_network_goes_through_the_whole_surgery(plain: PlainKeras, fresh_keras: None) -> None:
    part = pictures((32, 32, 3))
    base = without_weights("MobileNetV2", 32, options=(("alpha", 0.35),))
    grown = through_the_surgery(awake(base, part[0]), part)
    check_promises(grown)
    plain.check_equal(grown.model, part[0])


def test_an_attention_network_of_a_users_file_does_too(plain: PlainKeras, tmp_path: Path, fresh_keras: None) -> None:
    attentive((32, 32, 3)).save(tmp_path / "vit.keras")
    base = own_file.read(tmp_path / "vit.keras", Base("file", scale="symmetric")).model
    part = pictures((32, 32, 3))
    grown = through_the_surgery(base, part)
    check_promises(grown)
    assert grown.top_two() == [{"norm_1", "attention"}, {"norm_2", "dense_a", "dense_b", "norm_top"}]
    plain.check_equal(grown.model, part[0])


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALLEST)
def test_answers_are_those_of_keras_and_weights_are_read_from_the_format_of_its_files(
    family: str, tmp_path: Path, fresh_keras: None
) -> None:
    """ImageNet's `.h5` files are in it; here a whole model is, which holds the same groups one level further down. No
    two weights are alike, so that one in the wrong place shows in the answers."""
    import keras

    name, size = SMALLEST[family], FAMILIES[family].minimum
    theirs = keras_own(name, size)
    theirs.save(tmp_path / "whole.h5")
    prepared = getattr(keras.applications, family).preprocess_input(photos(size))
    expected = np.asarray(theirs(prepared, training=False))
    assert np.isfinite(expected).all() and np.ptp(expected) > 0

    ours = build(Base("application", name, "file", (size, size)), tmp_path / "whole.h5", seed=0).model
    assert farness(np.asarray(ours(photos(size), training=False)), expected) <= 1e-5
    assert built_in(ours)
    assert [layer.name for layer in ours.layers][:2] == ["image", "scale"]
    assert not {layer.name for layer in ours.layers[1:]} & (ADAPTERS | {HEAD})


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALLEST)
def test_every_family_goes_through_the_whole_surgery(family: str, plain: PlainKeras, fresh_keras: None) -> None:
    size = FAMILIES[family].minimum
    part = pictures((size, size, 3))
    grown = through_the_surgery(awake(without_weights(SMALLEST[family], size), part[0]), part)
    assert all(layer["steady"] for layer in grown.below)
    check_promises(grown, family in LAST_BIT)
    plain.check_equal(grown.model, part[0])


@pytest.mark.slow
@pytest.mark.parametrize("family", sorted(STOCHASTIC_DEPTH))
def test_where_dropout_stays_activations_are_stored_below_the_lowest(family: str, fresh_keras: None) -> None:
    size = FAMILIES[family].minimum
    base = without_weights(SMALLEST[family], size, dropout=True)
    model = surgery.graft(base, Reuse("all", True, ()).resolved(outline(base)), (size, size, 3), 2, seed=5)
    surgery.set_trainable(model, ALL_FROZEN.resolved(outline(model)))
    found, cut = outline(model), chosen_cut(model)
    places = [layer["name"] for layer in found]
    unsteady = [layer["name"] for layer in found if not layer["steady"]]
    assert unsteady and {layer["kind"] for layer in found if not layer["steady"]} == {"Dropout"}
    assert cut is not None and places.index(cut) < places.index(unsteady[0])
