"""Augmentation by Keras' own layers, before the network and never part of it.

The layers stand beside the network that trains, so what is saved knows nothing of them. Their draws follow from
(step seed, epoch, layer, batch of the epoch): each layer has a seed state that an epoch sets anew when it begins and
that moves on by itself from batch to batch. A training that goes on at epoch 7 draws what one draws that never stopped.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.data.rows import Images, blocks
from tasks.pure.session import derive
from tasks.pure.training import Augmentation

if TYPE_CHECKING:
    import keras


class Augmenter:
    """The layers of one `Augmentation`, and their draws.

    Args:
        how: what is done.
        brightest: the value of white: 255.0, or 1.0 for floats of 0–1.
        outputs: of the network; 1 for two classes.
    """

    def __init__(self, how: Augmentation, brightest: float, outputs: int) -> None:
        import keras

        self.outputs, self.mixes = outputs, how.mixes
        self.layers = _changing(how, brightest)
        self.mixers = _mixing(how)
        self.choice = keras.random.SeedGenerator(0, name="augment_choice")

    def begin(self, *place: int | str) -> None:
        """Set every layer's draws to those of `place`, such as (step seed, epoch)."""
        generators = {name: layer.generator for name, layer in (self.layers | self.mixers).items()}
        for name, generator in {**generators, "choice": self.choice}.items():
            generator.state.assign(np.array([derive("augment", *place, name), 0]))

    def batch(self, images: Any, labels: Any, *weights: Any) -> tuple[Any, ...]:
        """A batch as the network gets it; each call draws on.

        Args:
            images: (b, height, width, channels) of any dtype; they become float32 within the range of their pixels.
            labels: (b,) int64; where labels are mixed they become `targets`.
            weights: (b,), as they are.
        """
        images = self.changed(images)
        if not self.mixes:
            return (images, labels, *weights)
        return (*self._mixed(images, self.targets(labels)), *weights)

    def changed(self, images: Any) -> Any:
        """float32 (b, height, width, channels): the pictures, each for itself."""
        import tensorflow as tf

        images = tf.cast(images, tf.float32)  # bytes would wrap
        for layer in self.layers.values():
            images = layer(images, training=True)
        return images

    def targets(self, labels: Any) -> Any:
        """float32 (b, outputs): labels (b,) as the shares that can be mixed; one column, the second class's, for two
        classes."""
        import tensorflow as tf

        if self.outputs == 1:
            return tf.cast(labels, tf.float32)[:, None]
        return tf.one_hot(labels, self.outputs, dtype=tf.float32)

    def _mixed(self, images: Any, targets: Any) -> tuple[Any, Any]:
        import keras
        import tensorflow as tf

        mixed = [_mix(layer, images, targets) for layer in self.mixers.values()]
        if len(mixed) == 1:
            return mixed[0]
        first = keras.random.uniform((), seed=self.choice) < 0.5
        (images, targets), (cut, cut_targets) = mixed
        return tf.where(first, images, cut), tf.where(first, targets, cut_targets)


def augmenter(how: Augmentation, images: Images, outputs: int) -> Augmenter | None:
    """What augments `images` (n, height, width, channels) in a training; None where nothing is to be done."""
    return Augmenter(how, brightest(images), outputs) if how.active else None


def brightest(images: Images) -> float:
    """The value of white: 255, or 1 where the pixels are floats of 0–1."""
    bytes_of_pixels = images.dtype.kind != "f" or any(float(block.max(initial=0.0)) > 1.0 for block in blocks(images))
    return 255.0 if bytes_of_pixels else 1.0


def _changing(how: Augmentation, white: float) -> "dict[str, keras.Layer]":
    """Name → layer of all that changes a picture by itself, in order: first where its pixels are, then their values."""
    import keras

    range_of = {"value_range": (0.0, white)}
    values = {"black": 0.0, "white": white}
    fill = {"fill_mode": "constant" if how.fill in values else how.fill, "fill_value": values.get(str(how.fill), 0.0)}
    made: dict[str, Callable[..., keras.Layer]] = {}
    # Two layers for `both`: Keras' own mode for it turns both ways at once or not at all.
    for way in ("horizontal", "vertical"):
        if how.flip in (way, "both"):
            made[f"flip_{way}"] = _layer(keras.layers.RandomFlip, mode=way)
    if how.rotate:
        made["rotate"] = _layer(keras.layers.RandomRotation, factor=how.rotate / 360, **fill)
    if how.shift:
        made["shift"] = _layer(keras.layers.RandomTranslation, height_factor=how.shift, width_factor=how.shift, **fill)
    if how.zoom:
        made["zoom"] = _layer(keras.layers.RandomZoom, height_factor=how.zoom, **fill)
    if how.brightness:
        made["brightness"] = _layer(keras.layers.RandomBrightness, factor=how.brightness, **range_of)
    if how.contrast:  # twice: of a single number Keras 3.15 makes a contrast that only ever grows
        made["contrast"] = _layer(keras.layers.RandomContrast, factor=(how.contrast, how.contrast), **range_of)
    return {name: make(name=f"augment_{name}") for name, make in made.items()}


def _layer(kind: Any, **options: Any) -> Callable[..., Any]:
    return lambda name: kind(**options, seed=0, dtype="float32", name=name)


def _mixing(how: Augmentation) -> "dict[str, keras.Layer]":
    import keras

    made = {}
    if how.mixup:
        made["mixup"] = keras.layers.MixUp(how.mixup, seed=0, dtype="float32", name="augment_mixup")
    if how.cutmix:  # twice: of a single number Keras makes an upper bound, and draws the α of each batch below it
        both = (how.cutmix, how.cutmix)
        made["cutmix"] = keras.layers.CutMix(both, seed=0, dtype="float32", name="augment_cutmix")
    return made


def _mix(layer: "keras.Layer", images: Any, targets: Any) -> tuple[Any, Any]:
    """The batch and its targets, each with a share of another picture of the batch."""
    import tensorflow as tf

    drawn = layer.get_random_transformation(images, training=True)
    if "batch_masks" in drawn:
        # Keras goes by the rectangle's exact sides, of which a small picture shows a pixel more or less.
        drawn["mix_weight"] = 1.0 - tf.reduce_mean(tf.cast(drawn["batch_masks"], tf.float32), axis=[1, 2, 3])
    return layer.transform_images(images, drawn), layer.transform_labels(targets, drawn)
