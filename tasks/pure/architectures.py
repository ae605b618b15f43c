"""The networks that `pretrain` can build: `dense` and `cnn`, from a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.data.rows import Images, blocks
from tasks.pure.errors import BadData
from tasks.pure.initialising import initialise
from tasks.pure.outline import FLATTEN, GLOBAL_AVERAGE, HEAD, IMAGE, SCALE

if TYPE_CHECKING:
    import keras

MODEL_NAME = "graft"


@dataclass(frozen=True)
class Network:
    """What to build.

    Attributes:
        architecture: `dense` (Flatten, then Dense layers) or `cnn` (3×3 convolutions, pooled; global average on top).
        widths: units or filters of each layer, from the bottom up.
        scale: `none` (raw pixels) or `unit` (divided by 255 inside the model).
        batch_norm: whether each layer has a batch norm (and then no bias).
        batch_norm_momentum: of the moving statistics; Keras' own .99 needs several hundred updates, .9 does not.
        dropout: rate after each layer's activation; 0 for none.
        l2: weight penalty on kernels; 0 for none.
    """

    architecture: str
    widths: tuple[int, ...]
    scale: str
    batch_norm: bool
    batch_norm_momentum: float
    dropout: float
    l2: float


def build(network: Network, image_shape: Sequence[int], num_classes: int, seed: int) -> "keras.Model":
    """A new network for images of `image_shape` (height, width, channels), its weights drawn from `seed` alone."""
    import keras

    image = keras.Input(tuple(image_shape), name=IMAGE)
    x = keras.layers.Rescaling(1 / 255, name=SCALE)(image) if network.scale == "unit" else image
    grow = _grow_cnn if network.architecture == "cnn" else _grow_dense
    top = head(num_classes)
    model = keras.Model(image, top(grow(network, x)), name=MODEL_NAME)
    # The head draws first: its start does not change with the number of layers below.
    initialise([top, *(layer for layer in model.layers if layer is not top)], seed)
    return model


def check_scale(scaled: bool, images: Images, what: str) -> None:
    """Refuse images (n, height, width, channels) that the network would see 255 times too dark.

    Args:
        scaled: whether the network divides by 255.
        what: whose images, for the message: `source` or `target`.

    Raises:
        BadData: it does, and they are floats within -1 … 1 already.
    """
    if not scaled or images.dtype.kind != "f":
        return
    brightest = max((float(np.abs(block).max(initial=0.0)) for block in blocks(images)), default=0.0)
    if brightest <= 1.0:
        raise BadData(
            f"`scale: unit` divides pixels by 255 and expects them to be 0–255; the images of `{what}` are floats of "
            f"at most {brightest:.3g}. Save them as bytes of 0–255, or use a base "
            "that takes them as they are: `pretrain.scale: none`, or `base.scale: none` of a file that is taken in."
        )


def head(num_classes: int) -> "keras.Layer":
    """The output layer: one sigmoid unit for two classes (probability of class 1), else a softmax unit a class."""
    import keras

    units, activation = (1, "sigmoid") if num_classes == 2 else (num_classes, "softmax")
    return keras.layers.Dense(units, activation=activation, name=HEAD)


def _grow_dense(network: Network, x: Any) -> Any:
    import keras

    x = keras.layers.Flatten(name=FLATTEN)(x)
    for number, width in enumerate(network.widths, start=1):
        name = f"dense_{number}"
        # Without a batch norm the activation sits in the Dense layer itself, as in the notebook.
        inner = None if network.batch_norm else "relu"
        dense = keras.layers.Dense(
            width, activation=inner, use_bias=not network.batch_norm, kernel_regularizer=_l2(network), name=name
        )
        x = _finish(network, dense(x), name)
    return x


def _grow_cnn(network: Network, x: Any) -> Any:
    import keras

    for number, width in enumerate(network.widths, start=1):
        name = f"conv_{number}"
        inner = None if network.batch_norm else "relu"
        convolution = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            activation=inner,
            use_bias=not network.batch_norm,
            kernel_regularizer=_l2(network),
            name=name,
        )
        x = _finish(network, convolution(x), name)
        if min(x.shape[1:3]) >= 2:  # deep networks on small images run out of pixels to pool
            x = keras.layers.MaxPooling2D(name=f"{name}_pool")(x)
    return keras.layers.GlobalAveragePooling2D(name=GLOBAL_AVERAGE)(x)


def _finish(network: Network, x: Any, name: str) -> Any:
    """Batch norm, activation and dropout of one layer, where the network has them."""
    import keras

    if network.batch_norm:
        x = keras.layers.BatchNormalization(momentum=network.batch_norm_momentum, name=f"{name}_batch_norm")(x)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    if network.dropout:
        x = keras.layers.Dropout(network.dropout, name=f"{name}_dropout")(x)
    return x


def _l2(network: Network) -> "keras.Regularizer | None":
    import keras

    return keras.regularizers.L2(network.l2) if network.l2 else None
