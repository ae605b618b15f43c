"""What `keras.applications` does to pixels before its networks see them, as built-in layers that hold no weights.

The numbers are those of `keras.applications.imagenet_utils`; a test holds every family to its `preprocess_input`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.bases.known_applications import CAFFE, CHANNELS, OWN, TF, TORCH
from tasks.pure.outline import SCALE

if TYPE_CHECKING:
    import keras

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])  # of pixels from 0 to 1, in the order red, green, blue
IMAGENET_DEVIATION = np.array([0.229, 0.224, 0.225])
CAFFE_MEAN = np.array([123.68, 116.779, 103.939])  # of pixels from 0 to 255
COLOURS = ("red", "green", "blue")


@dataclass(frozen=True)
class Affine:
    """scale × pixel + offset, channel by channel, in float64.

    Attributes:
        scale, offset: (3,).
    """

    scale: np.ndarray
    offset: np.ndarray

    def then(self, layer: "keras.Layer") -> "Affine":
        """This, followed by a Rescaling or Normalization layer over the channels."""
        scale, offset = _of_layer(layer)
        return Affine(self.scale * scale, self.offset * scale + offset)


UNCHANGED = Affine(np.ones(CHANNELS), np.zeros(CHANNELS))
SCALINGS = {
    CAFFE: Affine(np.ones(CHANNELS), -CAFFE_MEAN),
    TORCH: Affine(1 / (255 * IMAGENET_DEVIATION), -IMAGENET_MEAN / IMAGENET_DEVIATION),
    TF: Affine(np.full(CHANNELS, 1 / 127.5), np.full(CHANNELS, -1.0)),
    OWN: UNCHANGED,
}


def is_affine(layer: Any) -> bool:
    """Whether a layer does to each channel of its own what one Rescaling can do."""
    import keras

    return isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)


def scaled(image: Any, pixels: Affine, blue_first: bool) -> Any:
    """`image` as a network wants it: a Rescaling `scale`, and where Caffe's order is wanted, the channels turned round.

    Args:
        image: symbolic tensor (n, height, width, 3) of pixels from 0 to 255, red first.
    """
    import keras

    x = keras.layers.Rescaling(_short(pixels.scale), _short(pixels.offset), name=SCALE)(image)
    if not blue_first:
        return x
    # Read as (channels, height, width), the last axis of pixels is one that Cropping2D crops: a slice without a Lambda,
    # and without a convolution whose weights could be trained.
    slices = [
        keras.layers.Cropping2D(
            ((0, 0), (index, CHANNELS - 1 - index)), data_format="channels_first", name=f"{SCALE}_{COLOURS[index]}"
        )(x)
        for index in reversed(range(CHANNELS))
    ]
    return keras.layers.Concatenate(name=f"{SCALE}_blue_first")(slices)


def mend_deviation(network: "keras.Model", certain: bool) -> None:
    """Let EfficientNet divide by the deviation of ImageNet's pixels, as it was trained to.

    The files that Keras has of it hold the deviation where the variance belongs. Keras puts this right with one more
    Rescaling, but only for `weights="imagenet"`; the same file, given to it by its path, sees wrongly scaled pixels.

    Args:
        network: EfficientNet (not V2) with the weights of a file.
        certain: whether the file is Keras' own; else its numbers tell.
    """
    import keras

    layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))
    if certain or np.allclose(np.ravel(layer.variance), IMAGENET_DEVIATION, atol=1e-3):
        layer.variance = layer.variance * np.reshape(IMAGENET_DEVIATION, layer.variance.shape).astype(np.float32)


def _short(values: np.ndarray) -> float | list[float]:
    """One number where all channels have the same."""
    return float(values[0]) if np.ptp(values) == 0 else [float(value) for value in values]


def _of_layer(layer: "keras.Layer") -> tuple[Any, Any]:
    import keras

    if isinstance(layer, keras.layers.Rescaling):
        return np.asarray(layer.scale, np.float64), np.asarray(layer.offset, np.float64)
    mean, deviation = (np.asarray(value, np.float64).reshape(-1) for value in (layer.mean, layer.variance**0.5))
    deviation = np.maximum(deviation, keras.backend.epsilon())
    return 1 / deviation, -mean / deviation
