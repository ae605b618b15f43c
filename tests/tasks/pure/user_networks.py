"""Small networks as users bring them: with a residual block, with attention, depthwise, with squeeze and excitation."""

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.initialising import initialise

if TYPE_CHECKING:
    import keras

SHAPE = (8, 8, 1)


def residual(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> "keras.Model":
    """Layers `conv_stem`, `add_1` (a residual block), `conv_top`."""
    import keras

    of = keras.layers
    image = keras.Input(shape, name="image")
    x = of.Rescaling(1 / 255, name="scale")(image)
    x = _normed(of.Conv2D(4, 3, padding="same", use_bias=False, name="conv_stem")(x), "bn_stem")
    y = _normed(of.DepthwiseConv2D(3, padding="same", use_bias=False, name="conv_a")(x), "bn_a")
    y = of.BatchNormalization(name="bn_b")(of.Conv2D(4, 1, use_bias=False, name="conv_b")(y))
    x = of.Add(name="add_1")([x, y])
    x = _normed(of.SeparableConv2D(6, 3, name="conv_top")(x), "bn_top")
    return _made(image, x, seed)


def squeezing(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> "keras.Model":
    """Layers `conv_stem`, `excite` (a squeeze-and-excitation block), `conv_top`; swish, group norm."""
    import keras

    of = keras.layers
    image = keras.Input(shape, name="image")
    x = of.Conv2D(4, 3, activation="swish", name="conv_stem")(image)
    squeezed = of.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    squeezed = of.Conv2D(4, 1, activation="sigmoid", name="conv_squeezed")(squeezed)
    x = of.Multiply(name="excite")([x, squeezed])
    x = of.GroupNormalization(2, name="norm_top")(of.Conv2D(4, 3, name="conv_top")(x))
    return _made(image, x, seed)


def attentive(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> "keras.Model":
    """Layers `patches`, `add_1` (attention), `add_2` (GELU), as in a ViT; tokens on top."""
    import keras

    of = keras.layers
    image = keras.Input(shape, name="image")
    x = of.Reshape((-1, 6), name="tokens")(of.Conv2D(6, 4, 4, name="patches")(image))
    y = of.LayerNormalization(name="norm_1")(x)
    x = of.Add(name="add_1")([x, of.MultiHeadAttention(2, 3, name="attention")(y, y)])
    y = of.LayerNormalization(name="norm_2")(x)
    y = of.Dense(6, name="dense_b")(of.Dense(12, activation="gelu", name="dense_a")(y))
    x = of.LayerNormalization(name="norm_top")(of.Add(name="add_2")([x, y]))
    return _made(image, x, seed)


NETWORKS = {"residual": residual, "squeezing": squeezing, "attentive": attentive}


def _normed(x: Any, name: str) -> Any:
    import keras

    return keras.layers.ReLU(name=f"{name}_relu")(keras.layers.BatchNormalization(name=name)(x))


def _made(image: Any, x: Any, seed: int) -> "keras.Model":
    """Weights drawn from `seed`; batch norms have seen some images."""
    import keras

    model = keras.Model(image, x, name="user")
    initialise(model.layers, seed)
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = (4, int(layer.gamma.shape[0]))
            layer.set_weights(list(np.random.default_rng(number).uniform(0.5, 2, shape).astype(np.float32)))
    return model
