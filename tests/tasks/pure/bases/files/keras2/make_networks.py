"""Made the networks beside it with Keras 2: `pip install tf_keras==2.21.0`, then `python make_networks.py`.

Each `.h5` has beside it what the network gives below its head for `pixels()`: Keras 2's own numbers.
"""

from pathlib import Path

import numpy as np
import tf_keras as keras

FOLDER = Path(__file__).parent
SHAPE = (8, 8, 3)


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, *SHAPE)).astype(np.float32)


def keep(name: str, model: keras.Model, below_head: str) -> None:
    model.save(FOLDER / f"{name}.h5", include_optimizer=False)
    features = keras.Model(model.input, model.get_layer(below_head).output)
    np.save(FOLDER / f"{name}.npy", features(pixels(), training=False).numpy())


def as_in_the_tutorials() -> keras.Model:
    """`preprocess_input`, a network inside called with `training=False`, pooling, dropout, a Dense on top."""
    of = keras.layers
    inner_image = keras.Input(SHAPE)
    x = of.Conv2D(3, 3, name="conv", use_bias=False)(inner_image)
    x = of.BatchNormalization(name="conv_bn")(x)
    inner = keras.Model(inner_image, of.DepthwiseConv2D(3, name="depthwise")(x), name="inner")
    image = keras.Input(SHAPE, name="photo")
    x = inner(keras.applications.mobilenet_v2.preprocess_input(image), training=False)
    x = of.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, of.Dense(2, activation="softmax", name="answers")(of.Dropout(0.2)(x)))


def of_two_branches() -> keras.Model:
    """Adapted statistics in front, a Sequential inside that is used twice, mixed precision, a sum."""
    of = keras.layers
    norm = of.Normalization(name="norm")
    norm.adapt(pixels())
    inner = keras.Sequential([of.InputLayer(SHAPE), of.SeparableConv2D(3, 3, padding="same", name="both")], name="in")
    image = keras.Input(SHAPE)
    x = norm(image)
    x = of.Add(name="sum")([inner(x), inner(of.ReLU(name="relu")(x))])
    x = of.Conv2D(2, 3, dtype="mixed_float16", name="conv")(x)
    x = of.GlobalMaxPooling2D(dtype="float32", name="pool")(x)
    return keras.Model(image, of.Dense(2, name="answers")(x))


def nested() -> keras.Model:
    """A functional network as the first layer of a Sequential."""
    of = keras.layers
    image = keras.Input(SHAPE)
    inner = keras.Model(image, of.Conv2D(2, 3, activation="relu", name="conv")(of.Rescaling(1 / 255)(image)))
    model = keras.Sequential(
        [inner, of.Flatten(), of.Dense(3, activation="relu", name="hidden"), of.Dense(2, activation="softmax")]
    )
    model.build((None, *SHAPE))
    return model


if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    keep("as_in_the_tutorials", as_in_the_tutorials(), "pool")
    keep("of_two_branches", of_two_branches(), "pool")
    keep("nested", nested(), "hidden")
