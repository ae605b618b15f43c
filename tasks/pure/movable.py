"""What a training can move of a network: the weights of the layers that train, batch-norm statistics included."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.layers import leaves

if TYPE_CHECKING:
    import keras


def trained_leaves(model: "keras.Model") -> list["keras.Layer"]:
    """Every leaf of which anything trains, in the network's order."""
    effective = {id(variable) for variable in model.trainable_variables}
    return [leaf for _, leaf in leaves(model) if any(id(variable) in effective for variable in leaf.weights)]


def movable(model: "keras.Model") -> list["keras.Variable"]:
    """All weights of every leaf of which anything trains, in the network's order; the contracts hold the others."""
    return [weight for leaf in trained_leaves(model) for weight in leaf.weights]


def values(variables: Sequence["keras.Variable"]) -> tuple[np.ndarray, ...]:
    """Copies of what they hold now."""
    return tuple(np.array(variable) for variable in variables)


def put(variables: Sequence["keras.Variable"], values: Sequence[np.ndarray]) -> None:
    """Give each its value back."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
