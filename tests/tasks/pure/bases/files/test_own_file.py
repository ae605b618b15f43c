"""A user's own network from its file: what is taken in, what is refused and why, and what is done to what is taken."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure.bases.base import Base
from tasks.pure.bases.files.own_file import input_shape, read
from tasks.pure.errors import BadBase
from tasks.pure.layers import blocks, output_of
from tests.tasks.pure.small_networks import images
from tests.tasks.pure.user_networks import NETWORKS

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("fresh_keras")
SHAPE = (8, 8, 1)
UNIT = Base("file", scale="unit")
SEEN = images(4).astype(np.float32)


def saved(model: "keras.Model", folder: Path, name: str = "mine.keras") -> Path:
    model.save(folder / name)
    return folder / name


def sequential(*top: Any, scaled: bool = False) -> "keras.Model":
    import keras

    of = keras.layers
    first = [of.Rescaling(1 / 255)] if scaled else []
    below = [
        of.Conv2D(3, 3, activation="relu", name="conv_1"),
        of.MaxPooling2D(),
        of.Flatten(),
        of.Dense(5, name="hidden"),
    ]
    return keras.Sequential([keras.Input(SHAPE), *first, *below, of.ReLU(), *top])


def answers(count: int = 4) -> Any:
    import keras

    return keras.layers.Dense(count, activation="softmax", name="answers")


def names(model: "keras.Model") -> list[str]:
    return [block.name for block in blocks(model)]


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_sequential_network_loses_its_head_and_keeps_every_bit_below(tmp_path: Path, suffix: str) -> None:
    import keras

    model = sequential(answers())
    taken = read(saved(model, tmp_path, f"mine{suffix}"), UNIT)
    assert names(taken.model) == ["conv_1", "hidden"]
    assert taken.about["head"] == ["answers"]
    assert taken.about["classes_of_head"] == 4
    below = keras.Model(model.inputs[0], model.get_layer("answers").input)
    np.testing.assert_array_equal(taken.model(SEEN), below(keras.layers.Rescaling(1 / 255)(SEEN)))


def test_nested_networks_are_opened_and_names_that_clash_get_their_containers(tmp_path: Path) -> None:
    import keras

    of = keras.layers
    left = keras.Sequential([keras.Input((8, 8, 3)), of.Conv2D(3, 3, padding="same", name="conv")], name="left")
    image = keras.Input((8, 8, 3), name="photo")
    x = of.Conv2D(3, 1, name="conv")(image)
    right = keras.Model(image, of.Add(name="sum")([x, left(x)]), name="right")
    model = keras.Sequential(
        [keras.Input(SHAPE), of.Conv2D(3, 1, name="conv"), right, of.GlobalAveragePooling2D(), answers()]
    )
    taken = read(saved(model, tmp_path), UNIT)
    assert {layer.name for layer in taken.model.layers if layer.weights} == {"conv", "right_conv", "right_left_conv"}
    assert names(taken.model) == ["conv", "right_conv", "sum"]
    expected = keras.Model(model.inputs[0], model.get_layer("answers").input)(SEEN / np.float32(255))
    np.testing.assert_allclose(taken.model(SEEN), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", sorted(NETWORKS))
def test_a_network_without_a_head_is_taken_whole(tmp_path: Path, kind: str) -> None:
    model = NETWORKS[kind]()
    base = Base("file") if kind == "residual" else Base("file", scale="none")
    taken = read(saved(model, tmp_path), base)
    assert taken.about["head"] == []
    np.testing.assert_array_equal(taken.model(SEEN), model(SEEN))
    assert names(taken.model) == [block.name for block in blocks(model)]


def test_two_branches_are_one_layer(tmp_path: Path) -> None:
    import keras

    of = keras.layers
    image = keras.Input(SHAPE)
    one, other = of.Conv2D(2, 3, name="one")(image), of.Conv2D(2, 3, name="other")(image)
    x = of.GlobalAveragePooling2D()(of.Concatenate(name="both")([one, other]))
    taken = read(saved(keras.Model(image, of.Dense(1, activation="sigmoid", name="yes")(x)), tmp_path), UNIT)
    assert names(taken.model) == ["both"]
    assert taken.about["head"] == ["yes"]


def test_logits_with_a_softmax_above_are_a_head_too_and_features_are_none(tmp_path: Path) -> None:
    import keras

    of = keras.layers
    logits = sequential(of.Dense(3, name="logits"), of.Softmax(name="softmax"))
    assert read(saved(logits, tmp_path), UNIT).about["head"] == ["logits", "softmax"]
    features = sequential(of.Dense(3, activation="relu", name="features"))
    assert read(saved(features, tmp_path, "f.keras"), UNIT).about["head"] == []


def test_a_cut_names_the_top_of_what_is_taken(tmp_path: Path) -> None:
    path = saved(sequential(answers()), tmp_path)
    assert names(read(path, Base("file", scale="unit", cut="conv_1")).model) == ["conv_1"]
    with pytest.raises(BadBase, match=r"`base.cut`: `con_1`: there is no such layer.*nearest names first: `conv_1`"):
        read(path, Base("file", scale="unit", cut="con_1"))
    inside = saved(NETWORKS["residual"](), tmp_path, "r.keras")
    with pytest.raises(BadBase, match="`conv_a`: not everything goes through it"):
        read(inside, Base("file", cut="conv_a"))


def test_an_adapted_normalisation_scales_as_it_was_adapted(tmp_path: Path) -> None:
    import keras

    norm = keras.layers.Normalization(name="norm")
    norm.adapt(images(40).astype(np.float32))
    model = keras.Sequential([keras.Input(SHAPE), norm, keras.layers.Conv2D(2, 3, name="conv")])
    taken = read(saved(model, tmp_path), Base("file"))
    np.testing.assert_array_equal(taken.model(SEEN), model(SEEN))
    with pytest.raises(BadBase, match="the network scales pixels itself"):
        read(tmp_path / "mine.keras", UNIT)


def test_who_does_not_scale_has_to_say_what_pixels_it_was_trained_on(tmp_path: Path) -> None:
    path = saved(sequential(answers()), tmp_path)
    with pytest.raises(BadBase, match=r"`base.scale: unit`: pixels divided by 255; `symmetric`.*`none`"):
        read(path, Base("file"))
    for scale, seen in (("none", SEEN), ("symmetric", SEEN / np.float32(127.5) - 1), ("unit", SEEN / np.float32(255))):
        one = read(path, Base("file", scale=scale)).model(SEEN)
        other = read(path, Base("file", scale="none")).model(seen)
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


def test_dropout_and_augmentation_go_and_dropout_stays_if_asked(tmp_path: Path) -> None:
    import keras

    of = keras.layers
    model = keras.Sequential(
        [keras.Input(SHAPE), of.RandomFlip(name="flip"), of.Conv2D(2, 3, name="conv"), of.Dropout(0.5, name="drop")]
    )
    path = saved(model, tmp_path)
    assert not {"flip", "drop"} & {layer.name for layer in read(path, UNIT).model.layers}
    kept = read(path, Base("file", scale="unit", dropout=True)).model
    assert {"flip", "drop"} & {layer.name for layer in kept.layers} == {"drop"}


def test_names_that_graft_uses_itself_are_changed(tmp_path: Path) -> None:
    import keras

    of = keras.layers
    chain = [of.Conv2D(2, 3, name="head"), of.Flatten(name="resize"), of.Dense(3, activation="relu", name="added_1")]
    taken = read(saved(keras.Sequential([keras.Input(SHAPE), *chain]), tmp_path), UNIT)
    assert names(taken.model) == ["head_of_base", "added_1_of_base"]
    assert taken.model.inputs[0].name == "image"


def test_other_sizes_are_taken_where_the_layers_allow_it(tmp_path: Path) -> None:
    path = saved(NETWORKS["residual"](), tmp_path)
    assert read(path, Base("file", input_size=(12, 10))).model.input_shape == (None, 12, 10, 1)
    flat = saved(sequential(answers()), tmp_path, "flat.keras")
    with pytest.raises(BadBase, match="`hidden` has weights of the shapes.*Leave `base.input_size` out"):
        read(flat, Base("file", scale="unit", input_size=(12, 12)))


def test_any_size_needs_one_named(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3, name="conv")])
    path = saved(model, tmp_path)
    with pytest.raises(BadBase, match="`base.input_size`, such as 96"):
        read(path, UNIT)
    assert read(path, Base("file", scale="unit", input_size=(9, 9))).model.input_shape == (None, 9, 9, 3)
    assert input_shape(path) is None


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_size_of_its_pictures_is_known_without_keras(tmp_path: Path, suffix: str) -> None:
    assert input_shape(saved(sequential(answers()), tmp_path, f"mine{suffix}")) == SHAPE
    assert input_shape(tmp_path / "nothing.keras") is None


def test_what_is_taken_shares_nothing_and_can_be_grafted(tmp_path: Path) -> None:
    from artifacts import codecs
    from tasks.pure.layer_choice import Reuse
    from tasks.pure.outlining import outline
    from tasks.pure.surgery import graft

    taken = read(saved(sequential(answers(), scaled=True), tmp_path), Base("file")).model
    model = graft(taken, Reuse("all", True, ()).resolved(outline(taken)), (16, 16, 3), 3, 0)
    content = codecs.encode_model(model, outline(model))
    content.write(tmp_path)
    assert codecs.model_digest(codecs.read_model(tmp_path)) == content.digest
    assert output_of(model, "hidden").shape == (None, 5)
