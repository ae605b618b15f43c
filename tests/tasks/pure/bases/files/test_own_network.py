"""What is left out of a user's network, what is said of it, and which of its outputs is taken."""

from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.base import Base
from tasks.pure.bases.files.own_network import OwnPixels, brought_in
from tasks.pure.errors import BadBase
from tasks.pure.layers import blocks

pytestmark = pytest.mark.usefixtures("fresh_keras")
SHAPE = (8, 8, 3)
UNIT = Base("file", scale="unit")
SEEN = np.random.default_rng(0).uniform(0, 255, (2, *SHAPE)).astype(np.float32)


def network(*layers: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input(SHAPE), *layers, keras.layers.Conv2D(2, 3, name="conv")])


def test_augmentation_of_every_kind_is_left_out_and_named() -> None:
    import keras

    of = keras.layers
    inner = keras.Sequential([of.RandomFlip(name="flip"), of.RandomRotation(0.1, name="turn")], name="augment")
    both = of.Pipeline([of.RandomZoom(0.1), of.RandomContrast(0.1)], name="both")
    taken, about = brought_in(network(inner, of.RandAugment((0, 255), name="many"), both), UNIT, "mine")
    assert about["left_out"] == ["flip", "turn", "many", "both"]
    assert [layer.name for layer in taken.layers] == ["image", "scale", "conv"]


def test_a_pipeline_that_does_more_than_augment_stays() -> None:
    import keras

    of = keras.layers
    pipeline = of.Pipeline([of.RandomFlip(), of.Rescaling(1 / 255)], name="prepare")
    taken, about = brought_in(network(pipeline), UNIT, "mine")
    assert "prepare" in [layer.name for layer in taken.layers]
    assert about["left_out"] == []


def test_dropout_is_left_out_unless_it_is_to_stay() -> None:
    import keras

    of = keras.layers
    model = network(
        of.Dropout(0.1, name="one"), of.SpatialDropout2D(0.1, name="maps"), of.GaussianNoise(1, name="noise")
    )
    assert brought_in(model, UNIT, "mine")[1]["left_out"] == ["one", "maps", "noise"]
    assert brought_in(model, Base("file", scale="unit", dropout=True), "mine")[1]["left_out"] == []


def test_of_several_outputs_the_cut_chooses() -> None:
    import keras

    of = keras.layers
    image = keras.Input(SHAPE)
    x = of.Conv2D(3, 3, name="trunk")(image)
    model = keras.Model(image, [of.Conv2D(2, 3, name="a")(x), of.Conv2D(2, 3, name="b")(x)])
    taken, about = brought_in(model, Base("file", scale="none", cut="a"), "mine")
    assert [block.name for block in blocks(taken)] == ["trunk", "a"]
    assert about["head"] == ["b"]
    np.testing.assert_array_equal(taken(SEEN), model(SEEN)[0])
    with pytest.raises(BadBase, match="mine: expected one output"):
        brought_in(model, UNIT, "mine")


def test_what_is_known_beside_the_network_scales_and_sizes_it() -> None:
    import keras

    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3, name="conv")])
    taken, about = brought_in(model, Base("kerashub"), "mine", OwnPixels((0.5, [1.0, 2.0, 3.0]), (8, 9)))
    assert about["input_size"] == [8, 9]
    expected = model(SEEN * np.float32(0.5) + np.float32([1, 2, 3]))
    np.testing.assert_allclose(taken(np.pad(SEEN, ((0, 0), (0, 0), (0, 1), (0, 0))))[:, :, :6], expected, rtol=1e-5)
    with pytest.raises(BadBase, match="as its preset says"):
        brought_in(model, Base("kerashub", scale="unit"), "mine", OwnPixels((0.5, 0.0), (8, 9)))


def test_four_channels_are_refused() -> None:
    import keras

    model = keras.Sequential([keras.Input((8, 8, 4)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(BadBase, match=r"expected a network for pictures, .* found one for inputs of \(8, 8, 4\)"):
        brought_in(model, UNIT, "mine")
