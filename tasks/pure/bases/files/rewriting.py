"""A network of `keras.applications` made anew from built-in layers alone, in one flat graph.

Keras builds some of them with layers that it registers nowhere (ConvNeXt's LayerScale, InceptionResNetV2's scaled
sum): a file with these is refused in safe mode. Others hold small networks inside, or sums that are no layers.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.bases.preprocessing import Affine, is_affine, scaled
from tasks.pure.outline import IMAGE

if TYPE_CHECKING:
    import keras


def rewritten(model: "keras.Model", pixels: Affine, blue_first: bool, dropout: bool) -> "keras.Model":
    """`model` with the same weights and answers, its input named `image`, its scaling in front.

    Args:
        model: as `keras.applications` builds it without head.
        pixels: what is done to pixels before what the network's own first Rescaling and Normalization layers do, which
            are joined to it: one layer `scale` does it all.
        blue_first: whether it wants the channels in Caffe's order.
        dropout: whether Dropout layers stay.
    """
    import keras

    image = keras.Input(model.input_shape[1:], name=IMAGE)
    rewriting = Rewriting(image, pixels, blue_first, dropout)
    made = keras.models.clone_model(
        model,
        input_tensors=keras.tree.map_structure(lambda _: image, model.input),
        clone_function=lambda layer: layer,
        call_function=rewriting.call,
    )
    return keras.Model(image, made.output, name=model.name)


class Rewriting:
    """What becomes of each layer, called in the graph's order."""

    def __init__(self, image: Any, pixels: Affine, blue_first: bool, dropout: bool) -> None:
        self.image = image
        self.pixels = pixels
        self.blue_first = blue_first
        self.dropout = dropout
        self.ready: Any = None  # the scaled image, once all that scales it is known

    def call(self, layer: Any, *inputs: Any, **options: Any) -> Any:
        """The symbolic output of what takes the place of `layer`, applied to its inputs (Keras' `call_function`)."""
        import keras

        if inputs[0] is self.image:
            if is_affine(layer):
                self.pixels = self.pixels.then(layer)
                return self.image
            self.ready = scaled(self.image, self.pixels, self.blue_first) if self.ready is None else self.ready
            inputs = (self.ready, *inputs[1:])
        if isinstance(layer, keras.Sequential):
            return self._opened(layer, inputs[0])
        if isinstance(layer, keras.layers.Dropout) and not self.dropout:
            return inputs[0]
        if not isinstance(layer, keras.Layer):
            return _sum_or_product(layer, inputs)
        replace = REPLACED.get(type(layer).__name__, _same)
        return replace(layer, *inputs, **options)

    def _opened(self, inner: "keras.Sequential", x: Any) -> Any:
        for layer in inner.layers:
            x = self.call(layer, x)
        return x


def _same(layer: "keras.Layer", *inputs: Any, **options: Any) -> Any:
    twin = type(layer).from_config(layer.get_config())
    output = twin(*inputs, **options)
    twin.set_weights(layer.get_weights())
    return output


def _layer_scale(layer: Any, x: Any) -> Any:
    """ConvNeXt's factor for each channel (arXiv 2103.17239) as a depthwise convolution of 1 × 1: it can be trained."""
    import keras

    begin = keras.initializers.Constant(layer.init_values)
    twin = keras.layers.DepthwiseConv2D(1, use_bias=False, depthwise_initializer=begin, name=layer.name)
    output = twin(x)
    twin.set_weights([np.reshape(layer.get_weights()[0], (1, 1, -1, 1))])
    return output


def _scaled_sum(layer: Any, inputs: Sequence[Any]) -> Any:
    """InceptionResNetV2's `x + scale × branch`."""
    import keras

    branch = keras.layers.Rescaling(layer.scale, name=f"{layer.name}_branch")(inputs[1])
    return keras.layers.Add(name=layer.name)([inputs[0], branch])


REPLACED = {"LayerScale": _layer_scale, "CustomScaleLayer": _scaled_sum}


def _sum_or_product(operation: Any, inputs: Sequence[Any]) -> Any:
    """An operator in Keras' source (`x + 3.0`) as a layer: what is no layer has no place in a network's outline."""
    import keras

    kind, (x, other) = type(operation).__name__, inputs
    if kind == "Add" and isinstance(other, int | float):
        return keras.layers.Rescaling(1.0, other, name=operation.name)(x)
    if kind == "Multiply" and isinstance(other, int | float):
        return keras.layers.Rescaling(other, name=operation.name)(x)
    if kind == "Add":
        return keras.layers.Add(name=_name_of_sum(operation.name, other))([x, other])
    raise NotImplementedError(f"keras.applications uses an operation that graft has no layer for: {kind}.")


def _name_of_sum(numbered: str, branch: Any) -> str:
    """A name that says something in a recipe: ConvNeXt's `…_stage_0_block_0_add`, where Keras would say `add_7`."""
    below = str(branch._keras_history.operation.name)
    return f"{below.removesuffix('_identity')}_add" if below.endswith("_identity") else numbered
