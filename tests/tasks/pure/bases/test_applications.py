"""`base: {application: …}`: what Keras answers to pixels that its own function prepared, we answer to the pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.applications import build
from tasks.pure.bases.base import Base
from tasks.pure.errors import BadBase
from tests.tasks.pure.bases.keras_networks import built_in, farness, photos, unlike_any_beginning

NARROW = (("alpha", 0.35),)
SMALL = Base("application", "MobileNet", "none", (32, 32), options=(("alpha", 0.25),))


@pytest.fixture(scope="module")
def keras_own(tensorflow: None) -> Any:
    """MobileNetV2 as Keras builds it, with weights."""
    import keras

    return unlike_any_beginning(
        keras.applications.MobileNetV2(alpha=0.35, weights=None, include_top=False, input_shape=(32, 32, 3))
    )


@pytest.fixture(scope="module")
def weights(keras_own: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "mine.weights.h5"
    keras_own.save_weights(file)
    return file


def test_a_residual_network_answers_as_keras_does(keras_own: Any, weights: Path, fresh_keras: None) -> None:
    import keras

    taken = build(Base("application", "MobileNetV2", "imagenet", (32, 32), options=NARROW), weights, seed=0)
    prepared = keras.applications.mobilenet_v2.preprocess_input(photos(32))
    found = taken.model.predict(photos(32), verbose=0)
    assert farness(found, keras_own.predict(prepared, verbose=0)) <= 1e-5
    assert built_in(taken.model) and taken.model.output_shape == (None, 1, 1, 1280)
    assert dict(taken.about) == {
        "kind": "application",
        "name": "MobileNetV2",
        "weights": "imagenet",
        "options": {"alpha": 0.35},
        "input_size": [32, 32],
        "parameters": 410_208,
        "origin": "https://keras.io/api/applications/",
        "code_licence": "Apache-2.0",
        "licence": "Apache-2.0",
    }


def test_random_weights_come_from_the_seed_alone(fresh_keras: None) -> None:
    import random

    taken = build(SMALL, None, seed=5)
    first = taken.model
    random.random()  # another library draws, and a longer-lived process has made other layers
    again, other = build(SMALL, None, seed=5).model, build(SMALL, None, seed=6).model
    assert first.get_config() == again.get_config()
    assert all(np.array_equal(*pair) for pair in zip(first.get_weights(), again.get_weights(), strict=True))
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])
    assert "licence" not in taken.about


@pytest.mark.parametrize(
    ("base", "said"),
    [
        (Base("application", "MobileNetV5", "none"), "Nearest: `MobileNetV2`"),
        (Base("application", "MobileNetV2", "none", (16, 32)), "at least 32 x 32 pixels; found 16 x 32"),
        (Base("application", "MobileNetV2", "none", options=(("classes", 5),)), "no option of MobileNetV2"),
        (
            Base("application", "MobileNet", "none", options=(("alpha", 1e-6),)),
            "Keras cannot build MobileNet (alpha 1e-06",
        ),
        (Base("application", "MobileNetV2", "imagenet"), "`base.weights: imagenet`: found the file none"),
        (Base("application", "MobileNetV2", "ImageNet"), "expected `imagenet`, `none` or a file, found `ImageNet`"),
    ],
)
def test_what_cannot_be_built_is_refused(base: Base, said: str, fresh_keras: None) -> None:
    with pytest.raises(BadBase) as caught:
        build(base, None, seed=0)
    assert said in str(caught.value)


def test_weights_of_another_width_are_refused_with_both_names(weights: Path, fresh_keras: None) -> None:
    wider = Base("application", "MobileNetV2", "file", (32, 32), options=(("alpha", 0.5),))
    with pytest.raises(BadBase, match=r"mine\.weights\.h5: expected the weights of MobileNetV2 \(alpha 0\.5\)"):
        build(wider, weights, seed=0)
