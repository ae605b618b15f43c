"""The weights that a new network begins with, from a stream of numbers that nothing else draws from.

Keras seeds an initialiser that has no seed with Python's global `random`. So do other libraries in other threads
(Prefect's waits between retries, for one), and a number drawn in between moves the weights of all later layers.
"""

from collections.abc import Collection, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Any

from tasks.pure.errors import SurgeryError

if TYPE_CHECKING:
    import keras

# Where a variable's initialiser has another name than `<variable>_initializer`.
OTHER_NAMES = {
    "kernel": ("depthwise_initializer",),
    "depthwise_kernel": ("depthwise_initializer",),
    "pointwise_kernel": ("pointwise_initializer",),
}
# Variables that no initialiser of a layer's config makes; what they begin with is fixed.
FIXED = frozenset({"mean", "variance", "count", "moving_mean", "moving_variance", "scale"})


def initialise(layers: "Iterable[keras.Layer]", seed: int, keep: Collection[str] = ()) -> None:
    """Draw every weight that begins at random anew, by the initialiser of its own layer.

    Args:
        layers: flat layers, each applied already, in the order in which they draw.
        seed: the step's own.
        keep: names of layers whose weights stay. They take their numbers from the stream all the same, so that the
            layers above begin alike with and without copied weights.

    Raises:
        SurgeryError: nobody knows how a layer's weights begin, and they are not to stay.
    """
    import keras

    # The numbers that Keras would draw by itself after `set_random_seed(seed)`, were it alone; a dropout draws too.
    stream = Random(seed)
    for layer in layers:
        kept = layer.name in keep
        if isinstance(layer, keras.layers.Dropout):
            stream.randint(1, 10**9)
        for part in layer._flatten_layers():
            for variable, initialiser in _initialisers(part, kept):
                drawn = {**initialiser.get_config(), "seed": stream.randint(1, 10**9)}
                if not kept:
                    variable.assign(initialiser.__class__.from_config(drawn)(variable.shape, variable.dtype))


def _initialisers(layer: "keras.Layer", kept: bool) -> Iterator[tuple[Any, Any]]:
    """The layer's own variables that begin at random, with what draws them; those of layers inside it are left out."""
    for variable in [*layer._trainable_variables, *layer._non_trainable_variables]:
        initialiser = _initialiser(layer, variable.name)
        if initialiser is None and variable.name not in FIXED and not kept:
            raise SurgeryError(
                f"Nobody knows how weight `{variable.name}` of layer `{layer.name}` ({type(layer).__name__}) begins, "
                "so a random base cannot be made of this network. Set `clone_with_weights.copy_weights: true`."
            )
        if initialiser is not None and "seed" in initialiser.get_config():
            yield variable, initialiser


def _initialiser(layer: "keras.Layer", variable: str) -> Any:
    names = [f"{variable}_initializer", *OTHER_NAMES.get(variable, ())]
    return next((found for name in names if (found := getattr(layer, name, None)) is not None), None)
