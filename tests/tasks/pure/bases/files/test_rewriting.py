"""Networks of Keras made anew from built-in layers: the same answers, no layer that safe mode refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.files.rewriting import rewritten
from tasks.pure.bases.preprocessing import UNCHANGED
from tests.tasks.pure.bases.keras_networks import built_in, farness, photos, unlike_any_beginning

SAME = 1e-6


def convnext() -> Any:
    from keras.src.applications.convnext import ConvNeXt

    return ConvNeXt([1, 1, 2, 1], [8, 16, 24, 32], include_top=False, input_shape=(32, 32, 3), name="small")


def efficientnet() -> Any:
    from keras.src.applications.efficientnet import DEFAULT_BLOCKS_ARGS, EfficientNet

    two = DEFAULT_BLOCKS_ARGS[:2]  # the second with a residual, so with a dropout
    return EfficientNet(0.1, 1.0, 32, blocks_args=two, weights=None, include_top=False, input_shape=(32, 32, 3))


def inception_resnet() -> Any:
    import keras
    from keras.src.applications.inception_resnet_v2 import inception_resnet_block

    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 8, 8, name="stem")(image)
    for number in range(2):
        x = inception_resnet_block(x, 0.17, "block35", number)
    return keras.Model(image, x, name="small")


def mobilenet_v3() -> Any:
    import keras
    from keras.src.applications.mobilenet_v3 import _se_block

    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, 2, name="stem")(image)
    return keras.Model(image, _se_block(_se_block(x, 8, 0.25, "one_"), 8, 0.25, "two_"), name="small")


SMALL = {builder.__name__: builder for builder in (convnext, efficientnet, inception_resnet, mobilenet_v3)}


def of(model: Any, dropout: bool = False) -> Any:
    return rewritten(model, UNCHANGED, blue_first=False, dropout=dropout)


@pytest.mark.parametrize("name", SMALL)
def test_the_answers_stay_and_a_file_of_it_is_read_in_safe_mode(name: str, tmp_path: Path, fresh_keras: None) -> None:
    import keras

    theirs = unlike_any_beginning(SMALL[name]())
    ours = of(theirs)
    answers = ours.predict(photos(32), verbose=0)
    assert farness(answers, theirs.predict(photos(32), verbose=0)) <= SAME
    assert built_in(ours)
    assert ours.input.name == ours.layers[0].name == "image"
    ours.save(tmp_path / "ours.keras")
    reloaded = keras.saving.load_model(tmp_path / "ours.keras", safe_mode=True)
    assert np.array_equal(reloaded.predict(photos(32), verbose=0), answers)


def test_convnexts_factors_can_still_be_trained(fresh_keras: None) -> None:
    theirs = convnext()
    ours = of(theirs)
    factors = [layer for layer in ours.layers if layer.name.endswith("_layer_scale")]
    assert len(factors) == 5 and all(layer.trainable_weights for layer in factors)
    assert [np.unique(layer.get_weights()[0]).tolist() for layer in factors] == [[np.float32(1e-6)]] * 5
    assert [layer.depthwise_initializer.value for layer in factors] == [1e-6] * 5  # where a random base begins
    count = sum(np.size(weight) for weight in theirs.trainable_weights)
    assert sum(np.size(weight) for weight in ours.trainable_weights) == count


def test_convnexts_blocks_have_names_that_say_where_they_are(fresh_keras: None) -> None:
    import keras

    sums = [layer.name for layer in of(convnext()).layers if isinstance(layer, keras.layers.Add)]
    blocks = [(0, 0), (1, 0), (2, 0), (2, 1), (3, 0)]
    assert sums == [f"small_stage_{stage}_block_{block}_add" for stage, block in blocks]


def test_no_layer_is_shared_with_the_network_it_came_from(fresh_keras: None) -> None:
    theirs = efficientnet()
    ours = of(theirs)
    assert not {id(weight) for weight in theirs.weights} & {id(weight) for weight in ours.weights}


def test_scaling_is_one_layer_without_weights(fresh_keras: None) -> None:
    import keras

    ours = of(unlike_any_beginning(efficientnet()))
    assert [layer.name for layer in ours.layers[:3]] == ["image", "scale", "stem_conv_pad"]
    assert not [layer for layer in ours.layers if isinstance(layer, keras.layers.Normalization)]


def test_dropout_is_left_out_unless_it_is_wanted(fresh_keras: None) -> None:
    import keras

    theirs = unlike_any_beginning(efficientnet())

    def dropouts(model: Any) -> list[str]:
        return [layer.name for layer in model.layers if isinstance(layer, keras.layers.Dropout)]

    assert dropouts(theirs) and dropouts(of(theirs)) == []
    assert dropouts(of(theirs, dropout=True)) == dropouts(theirs)
