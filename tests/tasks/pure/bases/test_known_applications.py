"""The table of applications beside `keras.applications` itself, so that a new Keras shows here."""

import inspect
import subprocess
import sys
from typing import Any

import pytest

from tasks.pure.bases.known_applications import (
    APPLICATIONS,
    FAMILIES,
    application,
    application_names,
    checked_options,
    checked_size,
    trained_size,
    weights_file,
)
from tasks.pure.errors import BadBase

# What a builder takes besides the options that shape the network below its head.
NOT_OURS = {
    "include_top", "weights", "input_tensor", "input_shape", "pooling", "classes", "classifier_activation", "name",
    "include_preprocessing", "dropout", "dropout_rate",
}  # fmt: skip


class Sizes(Exception):
    """What a builder says of its sizes, before it builds anything."""


def sizes_of(name: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """(default size, minimum) as the builder gives them to `imagenet_utils`."""
    import keras
    from keras.src.applications import imagenet_utils

    def stop(*_: Any, default_size: int, min_size: int, **__: Any) -> None:
        raise Sizes(default_size, min_size)

    monkeypatch.setattr(imagenet_utils, "obtain_input_shape", stop)
    with pytest.raises(Sizes) as caught:
        getattr(keras.applications, name)(weights=None)
    return caught.value.args


def test_the_table_holds_every_network_of_keras(fresh_keras: None) -> None:
    import keras

    builders = {name: found for name, found in vars(keras.applications).items() if inspect.isfunction(found)}
    assert application_names() == sorted(builders)
    assert {name: APPLICATIONS[name].family for name in builders} == {
        name: builder.__module__.rpartition(".")[2] for name, builder in builders.items()
    }
    assert {known.family for known in APPLICATIONS.values()} == set(FAMILIES)


@pytest.mark.parametrize("name", application_names())
def test_options_are_those_of_the_builder_and_its_defaults(name: str, fresh_keras: None) -> None:
    import keras

    parameters = inspect.signature(getattr(keras.applications, name)).parameters
    theirs = {key: parameter.default for key, parameter in parameters.items() if key not in NOT_OURS}
    assert checked_options(name, {}, imagenet=False) == theirs


@pytest.mark.parametrize("name", [name for name in application_names() if "MobileNetV3" not in name])
def test_sizes_are_those_of_the_builder(name: str, fresh_keras: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes_of(name, monkeypatch) == (APPLICATIONS[name].size, APPLICATIONS[name].traits.minimum)


@pytest.mark.parametrize("name", ["MobileNetV3Small", "MobileNetV3Large"])
def test_mobilenet_v3_checks_its_least_size_by_itself(name: str, fresh_keras: None) -> None:
    import keras

    with pytest.raises(ValueError, match="at least 32x32"):
        getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(31, 31, 3))
    assert APPLICATIONS[name].traits.minimum == 32


def test_the_table_needs_no_keras() -> None:
    code = "import sys, tasks.pure.bases.known_applications; sys.exit('keras' in sys.modules or 'h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_an_unknown_network_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(BadBase, match=r"found `mobilenetv2_`\. Nearest: `MobileNetV2`.*All: ConvNeXtBase, "):
        application("mobilenetv2_")
    with pytest.raises(BadBase, match=r"found `zzz`\. All: "):
        application("zzz")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("ResNet50", {"alpha": 0.5}, "no option of ResNet50. Its options: it has none"),
        ("MobileNetV2", {"alfa": 0.5}, "no option of MobileNetV2. Its options: `alpha`"),
        ("MobileNet", {"pooling": "avg"}, "no option of MobileNet. Its options: `alpha`, `depth_multiplier`"),
        ("MobileNetV2", {"alpha": "wide"}, "expected a number above 0, at most 4, found 'wide'"),
        ("MobileNetV2", {"alpha": True}, "expected a number above 0, at most 4, found True"),
        ("MobileNetV2", {"alpha": float("nan")}, "expected a number above 0, at most 4, found nan"),
        ("MobileNetV2", {"alpha": 0}, "expected a number above 0"),
        ("MobileNetV2", {"alpha": 4.1}, "expected a number above 0"),
        ("MobileNet", {"depth_multiplier": 1.5}, "expected a whole number from 1 to 4, found 1.5"),
        ("MobileNetV3Small", {"minimalistic": 1}, "expected true or false, found 1"),
    ],
)
def test_options_that_cannot_be_are_refused_with_what_can(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadBase) as caught:
        checked_options(name, options, imagenet=False)
    assert said in str(caught.value)


def test_a_width_without_weights_is_refused_only_where_weights_are_wanted() -> None:
    assert checked_options("MobileNetV2", {"alpha": 0.1}, imagenet=False) == {"alpha": 0.1}
    with pytest.raises(BadBase, match=r"for 0\.35, 0\.5, 0\.75, 1\.0, 1\.3, 1\.4; found 0\.1\. .*weights: none"):
        checked_options("MobileNetV2", {"alpha": 0.1}, imagenet=True)
    with pytest.raises(BadBase, match=r"minimalistic MobileNetV3Small for alpha 1\.0 alone, found 0\.75"):
        checked_options("MobileNetV3Small", {"alpha": 0.75, "minimalistic": True}, imagenet=True)


def test_one_and_one_point_zero_are_the_same_width() -> None:
    assert repr(checked_options("MobileNetV2", {"alpha": 1}, imagenet=True)) == "{'alpha': 1.0}"


def test_the_size_is_the_networks_own_unless_the_recipe_gives_one_that_can_be_built() -> None:
    assert checked_size("Xception", None) == (299, 299)
    assert checked_size("Xception", (71, 96)) == (71, 96)
    with pytest.raises(BadBase, match="Xception takes pictures of at least 71 x 71 pixels; found 70 x 96"):
        checked_size("Xception", (70, 96))


def test_weights_of_their_own_size_are_taken_for_square_pictures_that_have_them() -> None:
    assert trained_size("MobileNetV2", (96, 96)) == 96
    assert [trained_size("MobileNetV2", size) for size in (None, (64, 64), (96, 128))] == [224, 224, 224]
    assert trained_size("MobileNet", (96, 96)) == 224  # there are none of 96 for the first MobileNet
    assert trained_size("ResNet50", (96, 96)) == 224


def test_files_are_named_as_keras_names_them() -> None:
    begin = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"
    assert weights_file("MobileNetV2", {"alpha": 0.35}, (96, 96)) == f"{begin}0.35_96_no_top.h5"
    assert weights_file("MobileNetV2", {}, None) == f"{begin}1.0_224_no_top.h5"
    assert weights_file("MobileNet", {"alpha": 0.75}, None) == "mobilenet_7_5_224_tf_no_top.h5"
    minimal = weights_file("MobileNetV3Small", {"minimalistic": True}, None)
    assert minimal == "weights_mobilenet_v3_small_minimalistic_224_1.0_float_no_top_v2.h5"
    assert weights_file("EfficientNetV2B0", {}, None) == "efficientnetv2-b0_notop.h5"
