"""What is a head and goes, and what only looks like one and stays."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure.bases.files.flattening import flatten
from tasks.pure.bases.files.heads import without_head
from tasks.pure.errors import BadBase

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("fresh_keras")
SHAPE = (8, 8, 3)
SEEN = np.random.default_rng(0).uniform(0, 1, (2, *SHAPE)).astype(np.float32)


def network(*top: Any) -> "keras.Model":
    import keras

    return flatten(keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(4, 3, name="features"), *top]))


# Top of a network, by a function, since Keras is to be imported late → names of what goes, and its answers.
TOPS: dict[str, tuple[Callable[[Any], list[Any]], list[str], int | None]] = {
    "softmax in the Dense": (lambda of: [of.Flatten(), of.Dense(3, activation="softmax", name="o")], ["o"], 3),
    "one sigmoid": (lambda of: [of.GlobalMaxPooling2D(), of.Dense(1, activation="sigmoid", name="o")], ["o"], 1),
    "logits": (lambda of: [of.GlobalAveragePooling2D(), of.Dense(3, name="o")], ["o"], 3),
    "softmax above": (
        lambda of: [of.Flatten(), of.Dense(3, name="o"), of.Dropout(0.1, name="d"), of.Activation("softmax", name="s")],
        ["o", "d", "s"],
        3,
    ),
    "a convolution, pooled": (
        lambda of: [of.Conv2D(3, 1, name="o"), of.GlobalAveragePooling2D(name="p"), of.Softmax(name="s")],
        ["o", "p", "s"],
        3,
    ),
    "a convolution, reshaped": (
        lambda of: [
            of.GlobalAveragePooling2D(keepdims=True),
            of.Conv2D(3, 1, name="o"),
            of.Reshape((3,), name="r"),
            of.Activation("softmax", name="s"),
        ],
        ["o", "r", "s"],
        3,
    ),
    "a mask of every pixel": (lambda of: [of.Conv2D(2, 1, activation="softmax", name="o")], ["o"], 2),
    "features of a Dense": (lambda of: [of.Flatten(), of.Dense(3, activation="relu", name="f")], [], None),
    "a linear convolution": (lambda of: [of.Conv2D(3, 1), of.GlobalAveragePooling2D()], [], None),
    "pooled features": (lambda of: [of.GlobalAveragePooling2D()], [], None),
    "features in maps": (lambda of: [of.ReLU()], [], None),
    "a Dense of every pixel": (lambda of: [of.Dense(3)], [], None),
    "features in another shape": (lambda of: [of.Flatten(), of.Dense(6), of.Reshape((2, 3))], [], None),
    "normalised features": (lambda of: [of.Flatten(), of.Dense(3), of.BatchNormalization()], [], None),
}


@pytest.mark.parametrize("kind", TOPS)
def test_a_head_goes_and_features_stay(kind: str) -> None:
    import keras

    top, dropped, classes = TOPS[kind]
    model = network(*top(keras.layers))
    found = without_head(model, None)
    assert (list(found.dropped), found.classes) == (dropped, classes)
    if not dropped:
        assert found.model is model
    else:
        below = keras.Model(model.inputs[0], model.get_layer(dropped[0]).input)
        np.testing.assert_array_equal(found.model(SEEN), below(SEEN))


def test_a_cut_is_a_place_that_everything_passes() -> None:
    import keras

    of = keras.layers
    image = keras.Input(SHAPE)
    x = of.Conv2D(3, 3, padding="same", name="low")(image)
    x = of.Add(name="sum")([x, of.Conv2D(3, 3, padding="same", name="branch")(x)])
    model = flatten(keras.Model(image, of.Conv2D(2, 3, name="high")(x)))
    found = without_head(model, "sum")
    assert (found.dropped, found.classes, found.model.output_shape) == (("high",), None, (None, 8, 8, 3))
    with pytest.raises(BadBase, match="`branch`: not everything goes through it.*`low`"):
        without_head(model, "branch")
    with pytest.raises(BadBase, match="`hihg`: there is no such layer.*nearest names first: `high`"):
        without_head(model, "hihg")


def test_of_several_outputs_the_cut_chooses_any_layer() -> None:
    import keras

    of = keras.layers
    image = keras.Input(SHAPE)
    x = of.Conv2D(4, 3, name="trunk")(image)
    left = of.Conv2D(2, 3, name="left")(x)
    model = flatten(keras.Model(image, [of.ReLU(name="end")(left), of.Conv2D(3, 3, name="right")(x)]))
    found = without_head(model, "left")
    assert set(found.dropped) == {"end", "right"}
    np.testing.assert_array_equal(found.model(SEEN), keras.Model(model.inputs[0], model.get_layer("left").output)(SEEN))
    with pytest.raises(BadBase, match="`lefd`: there is no such layer.*nearest names first: `left`"):
        without_head(model, "lefd")


@pytest.mark.parametrize("cut", [None, "flat"])
def test_something_with_weights_has_to_be_left(cut: str | None) -> None:
    import keras

    of = keras.layers
    model = flatten(keras.Sequential([keras.Input(SHAPE), of.Flatten(name="flat"), of.Dense(3, name="o")]))
    with pytest.raises(BadBase, match="no layer with weights: nothing is left to reuse"):
        without_head(model, cut)
