"""The weights that a new network begins with, from a stream of numbers that nothing else draws from.

Keras seeds an initialiser that has no seed with Python's global `random`. So do other libraries in other threads
(Prefect's waits between retries, for one), and a number drawn in between moves the weights of all later layers.
"""

from collections.abc import Collection, Iterable
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def initialise(layers: "Iterable[keras.Layer]", seed: int, keep: Collection[str] = ()) -> None:
    """Draw the kernels of the Dense and convolution layers anew, from each layer's own initialiser.

    Args:
        layers: flat layers, each applied already, in the order in which they draw.
        seed: the step's own.
        keep: names of layers whose kernels stay. They take their number from the stream all the same, so that the
            layers above begin alike with and without copied weights.
    """
    import keras

    # The numbers that Keras would draw by itself after `set_random_seed(seed)`, were it alone; a dropout draws too.
    stream = Random(seed)
    for layer in layers:
        if isinstance(layer, keras.layers.Dropout):
            stream.randint(1, 10**9)
        elif isinstance(layer, keras.layers.Dense | keras.layers.Conv2D):
            initialiser = layer.kernel_initializer
            seeded = initialiser.__class__.from_config({**initialiser.get_config(), "seed": stream.randint(1, 10**9)})
            if layer.name not in keep:
                layer.kernel.assign(seeded(layer.kernel.shape, layer.kernel.dtype))
