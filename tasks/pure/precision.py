"""Training with products in bfloat16 and weights in float32, by Keras' own mixed policy, for the time of the training.

Only how layers compute is switched, in place and back again: weights, their updates, the saved network and all that it
answers afterwards stay float32. What prepares pixels and the head, whose softmax feeds the loss, compute in float32
throughout, as Keras' guide to mixed precision advises.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tasks.pure.outline import ADAPTERS, HEAD

if TYPE_CHECKING:
    import keras

FLOAT32 = "float32"


@contextmanager
def computing_in(model: "keras.Model", precision: str) -> Iterator[None]:
    """Inside the block the layers of `model` compute in `precision`: `float32`, or Keras' policy `mixed_bfloat16`.

    Whatever was traced before goes on as it was: compile inside.
    """
    import keras

    parts = [] if precision == FLOAT32 else _switched(model)
    before = [part.dtype_policy for part in parts]
    try:
        for part in parts:
            part.dtype_policy = keras.DTypePolicy(precision)
        yield
    finally:
        for part, policy in zip(parts, before, strict=True):
            part.dtype_policy = policy


def _switched(model: "keras.Model") -> list["keras.Layer"]:
    """The layers that compute in lower precision, and what attention and the like are made of."""
    import keras

    prepares = (keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Normalization, keras.layers.Resizing)
    outer = [layer for layer in model.layers if layer.name not in {*ADAPTERS, HEAD} and not isinstance(layer, prepares)]
    return [part for layer in outer for part in layer._flatten_layers()]
