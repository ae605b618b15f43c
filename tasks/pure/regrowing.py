"""A part of a network made anew on other images, with or without its weights, nothing shared."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tasks.pure.layers import output_of
from tasks.pure.outline import ADAPTERS

if TYPE_CHECKING:
    import keras

NO_NAMES: Mapping[str, str] = MappingProxyType({})


def above_adapters(model: "keras.Model", top: str) -> "keras.Model":
    """The network from what its adapters make of an image up to and with the layer called `top`, sharing its layers."""
    import keras

    adapters = [layer.name for layer in model.layers if layer.name in ADAPTERS]
    return keras.Model(output_of(model, adapters[-1]), output_of(model, top), name="above_adapters")


def regrow(part: "keras.Model", x: Any, keep: Collection[str], names: Mapping[str, str] = NO_NAMES) -> Any:
    """The layers of `part` made anew out of their configs, applied to the Keras tensor `x` of its input's shape.

    Args:
        keep: names of the layers whose weights are taken over; the others begin as their own initialisers say.
        names: what layers are called in the new network, where not as before.

    Returns:
        The Keras tensor of its top.
    """
    twins: dict[int, Any] = {}

    def twin(operation: Any) -> Any:
        if id(operation) not in twins:  # a layer that is used twice stays one layer
            name = names.get(operation.name, operation.name)
            twins[id(operation)] = operation.__class__.from_config({**operation.get_config(), "name": name})
        return twins[id(operation)]

    # What Keras itself calls a functional model with, and `clone_model` makes clones with.
    top = part._run_through_graph(
        x, operation_fn=twin, call_fn=lambda operation, *given, **named: operation(*given, **named)
    )
    for layer in part.layers:
        if id(layer) in twins:
            new = twins[id(layer)]
            if layer.name in keep:
                take_weights(new, layer)
            new.trainable = True
    return top[0] if isinstance(top, list | tuple) else top


def _call(operation: Any, *given: Any, **named: Any) -> Any:
    return operation(*given, **named)


def take_weights(new: "keras.Layer", old: "keras.Layer") -> None:
    """Copy the weights of a layer onto its twin. An adapted Normalization also has to work out what follows of them."""
    import keras

    new.set_weights(old.get_weights())
    for part in new._flatten_layers():
        if isinstance(part, keras.layers.Normalization):
            part.finalize_state()
