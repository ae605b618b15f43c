"""What a training step promises, checked in the step itself: only the declared variables train, nothing frozen moves.

Container flags are not trusted: a child that was re-enabled under a frozen parent is trained by Keras although the
parent says otherwise. So the *effective* set of variables is compared, leaf by leaf.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.errors import ContractBroken
from tasks.pure.layer_choice import Trainable
from tasks.pure.layers import is_batch_norm, leaves, listed, owners
from tasks.pure.surgery import trains

if TYPE_CHECKING:
    import keras


def check_declared(model: "keras.Model", trainable: Trainable) -> None:
    """The variables that Keras would train are those of the declared layers.

    Raises:
        ContractBroken: names the layers that train without being declared, or are declared and do not train.
    """
    belongs = owners(model)
    effective = {id(variable) for variable in model.trainable_variables}
    undeclared, idle = [], []
    for path, leaf in leaves(model):
        weights = [weight for weight in leaf.weights if id(weight) in effective]
        owner = belongs.get(path, "")
        declared = bool(owner) and trains(leaf, owner, trainable)
        if weights and not declared:
            undeclared.append(path)
        if declared and not weights and leaf.weights:
            idle.append(path)
    if undeclared or idle:
        raise ContractBroken(
            f"The variables that would train are not the declared ones. Train without being declared: "
            f"{listed(undeclared)}; declared, but do not train: {listed(idle)}. Declared: "
            f"{listed(list(trainable.trainable_layers))}; batch norms of {listed(list(trainable.trained_batch_norms))}."
        )


def frozen_state(model: "keras.Model") -> dict[str, str]:
    """Path → hash of all weights, batch-norm statistics included, of each leaf that does not train.

    A leaf counts as frozen when none of its variables is in the model's effective trainable set.
    """
    effective = {id(variable) for variable in model.trainable_variables}
    return {
        path: _hash(leaf)
        for path, leaf in leaves(model)
        if leaf.weights and not any(id(weight) in effective for weight in leaf.weights)
    }


def check_unmoved(before: Mapping[str, str], model: "keras.Model") -> None:
    """Frozen leaves hold the same bits as `before`.

    Raises:
        ContractBroken: names the layers whose weights or statistics moved.
    """
    by_path = dict(leaves(model))
    moved = [path for path, state in before.items() if _hash(by_path[path]) != state]
    if moved:
        kinds = [f"{path} (batch norm)" if is_batch_norm(by_path[path]) else path for path in moved]
        raise ContractBroken(f"Frozen layers moved during training: {listed(kinds)}. Their weights must not change.")


def _hash(layer: "keras.Layer") -> str:
    sha = hashlib.sha256()
    for array in layer.get_weights():
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()
