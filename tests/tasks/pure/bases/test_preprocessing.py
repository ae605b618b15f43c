"""The scaling inside the network beside Keras' own `preprocess_input`, for every family."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.files.rewriting import rewritten
from tasks.pure.bases.known_applications import CAFFE, FAMILIES, OWN
from tasks.pure.bases.preprocessing import (
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    SCALINGS,
    UNCHANGED,
    is_affine,
    mend_deviation,
    scaled,
)
from tests.tasks.pure.bases.keras_networks import farness, photos, unlike_any_beginning

FAR = 1e-5  # of the range of what comes out


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """(4, 8, 9, 3) float32 in 0 … 255, the ends included."""
    drawn = np.random.default_rng(0).uniform(0, 255, (4, 8, 9, 3)).astype(np.float32)
    drawn[0, 0, 0], drawn[0, 0, 1] = 0, 255
    return drawn


def scaling_network(family: str) -> Any:
    import keras

    traits = FAMILIES[family]
    image = keras.Input((8, 9, 3), name="image")
    return keras.Model(image, scaled(image, SCALINGS[traits.scaling], traits.scaling == CAFFE))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_sees_what_keras_gives_it(
    family: str, pixels: np.ndarray, tmp_path: Path, fresh_keras: None
) -> None:
    import keras

    expected = getattr(keras.applications, family).preprocess_input(pixels.copy())
    network = scaling_network(family)
    network.save(tmp_path / "scaling.keras")
    reloaded = keras.saving.load_model(tmp_path / "scaling.keras", safe_mode=True)
    for found in (network.predict(pixels, verbose=0), reloaded.predict(pixels, verbose=0)):
        assert np.abs(found - expected).max() <= FAR * np.ptp(expected)
    assert network.count_params() == 0  # nothing there that could be trained


def test_red_and_blue_change_places_for_caffe_alone(fresh_keras: None) -> None:
    red = np.zeros((1, 8, 9, 3), np.float32)
    red[..., 0] = 255
    answers = {family: scaling_network(family).predict(red, verbose=0)[0, 0, 0] for family in FAMILIES}
    last = {family for family, answer in answers.items() if np.argmax(answer) == 2}
    assert last == {"resnet", "vgg16", "vgg19"}


def test_layers_in_a_row_are_one(fresh_keras: None) -> None:
    import keras

    row = [
        keras.layers.Rescaling(1 / 255),
        keras.layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.04, 0.09, 0.16]),
        keras.layers.Rescaling([2.0, 3.0, 4.0], 1.0),
    ]
    joined = UNCHANGED
    x = pixel = np.array([[[[0.0, 128.0, 255.0]]]], np.float32)
    for layer in row:
        assert is_affine(layer)
        x = np.asarray(layer(x))
        joined = joined.then(layer)
    np.testing.assert_allclose(joined.scale * pixel + joined.offset, x, rtol=1e-5)


def test_families_that_scale_by_themselves_are_those_whose_function_does_nothing(
    pixels: np.ndarray, fresh_keras: None
) -> None:
    import keras

    idle = {
        family
        for family in FAMILIES
        if np.array_equal(getattr(keras.applications, family).preprocess_input(pixels.copy()), pixels)
    }
    assert idle == {family for family, traits in FAMILIES.items() if traits.scaling == OWN}


@pytest.mark.parametrize("certain", [True, False])
def test_efficientnets_deviation_is_mended_as_keras_does(
    certain: bool, tmp_path: Path, fresh_keras: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras
    from keras.src.applications.efficientnet import DEFAULT_BLOCKS_ARGS, EfficientNet
    from keras.src.utils import file_utils

    def small(weights: str | None) -> Any:
        shape, one = (32, 32, 3), DEFAULT_BLOCKS_ARGS[:1]
        return EfficientNet(
            0.1, 1.0, 32, blocks_args=one, weights=weights, include_top=False, input_shape=shape, weights_name="b0"
        )

    made = unlike_any_beginning(small(None))
    normalisation = next(layer for layer in made.layers if isinstance(layer, keras.layers.Normalization))
    normalisation.set_weights([np.array(IMAGENET_MEAN), np.array(IMAGENET_DEVIATION), np.array(0)])
    normalisation.finalize_state()
    made.save_weights(tmp_path / "b0.weights.h5")
    monkeypatch.setattr(file_utils, "get_file", lambda *_, **__: str(tmp_path / "b0.weights.h5"))
    theirs = small("imagenet")

    mend_deviation(made, certain)
    ours = rewritten(made, UNCHANGED, blue_first=False, dropout=False)
    found, expected = (network.predict(photos(32), verbose=0) for network in (ours, theirs))
    assert farness(found, expected) <= 1e-5


def test_a_variance_that_is_one_is_left_alone(fresh_keras: None) -> None:
    import keras

    layer = keras.layers.Normalization(mean=IMAGENET_MEAN.tolist(), variance=(IMAGENET_DEVIATION**2).tolist())
    network = keras.Sequential([keras.Input((4, 4, 3)), layer])
    before = np.asarray(layer.variance)
    mend_deviation(network, certain=False)
    assert np.array_equal(layer.variance, before)
