"""Every family of `keras.applications` once, its smallest network at its least size, beside Keras' own."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.applications import build
from tasks.pure.bases.base import Base
from tasks.pure.bases.files.weight_files import load
from tasks.pure.bases.known_applications import APPLICATIONS, FAMILIES
from tasks.pure.outline import ADAPTERS, HEAD
from tests.tasks.pure.bases.keras_networks import built_in, farness, photos, unlike_any_beginning

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
# Plain Keras, without a line of graft: what it makes of a file.
PLAIN = """
import sys, keras, numpy as np
model = keras.saving.load_model(sys.argv[1] + "/ours.keras", safe_mode=True)
np.save(sys.argv[1] + "/answers.npy", model.predict(np.load(sys.argv[1] + "/photos.npy"), verbose=0))
"""


def keras_own(name: str, size: int) -> Any:
    import keras

    builder = getattr(keras.applications, name)
    return unlike_any_beginning(builder(include_top=False, weights=None, input_shape=(size, size, 3)))


def test_every_family_has_a_member_here() -> None:
    assert {name: APPLICATIONS[name].family for name in SMALLEST.values()} == {v: k for k, v in SMALLEST.items()}
    assert set(SMALLEST) == set(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALLEST)
def test_answers_are_those_of_keras_in_plain_keras_too(family: str, tmp_path: Path, fresh_keras: None) -> None:
    import keras

    name, size = SMALLEST[family], FAMILIES[family].minimum
    theirs = keras_own(name, size)
    theirs.save_weights(tmp_path / "own.weights.h5")
    prepared = getattr(keras.applications, family).preprocess_input(photos(size))
    expected = theirs.predict(prepared, verbose=0)
    assert np.isfinite(expected).all() and np.ptp(expected) > 0

    ours = build(Base("application", name, "file", (size, size)), tmp_path / "own.weights.h5", seed=0).model
    answers = ours.predict(photos(size), verbose=0)
    assert farness(answers, expected) <= 1e-5
    assert built_in(ours)
    assert [layer.name for layer in ours.layers][:2] == ["image", "scale"]
    assert not {layer.name for layer in ours.layers[1:]} & (ADAPTERS | {HEAD})

    ours.save(tmp_path / "ours.keras")
    np.save(tmp_path / "photos.npy", photos(size))
    subprocess.run([sys.executable, "-c", PLAIN, str(tmp_path)], check=True, cwd=tmp_path, env={"PATH": "/usr/bin"})
    assert np.array_equal(np.load(tmp_path / "answers.npy"), answers)


@pytest.mark.slow
@pytest.mark.parametrize("family", SMALLEST)
def test_weights_in_the_older_format_of_keras_files_are_read(family: str, tmp_path: Path, fresh_keras: None) -> None:
    """ImageNet's files are in it; here a whole model is, which holds the same groups one level further down."""
    name, size = SMALLEST[family], FAMILIES[family].minimum
    theirs = keras_own(name, size)
    theirs.save(tmp_path / "whole.h5")
    expected = theirs.get_weights()
    load(unlike_any_beginning(theirs, seed=1), tmp_path / "whole.h5", name)
    assert all(np.array_equal(*pair) for pair in zip(expected, theirs.get_weights(), strict=True))
