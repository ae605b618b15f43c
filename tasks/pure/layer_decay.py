"""Lower learning rates further down: the rate of the k-th layer below the head is rate · decay^k.

What lies low is general and should move little, what lies high is bound to the old task. Howard & Ruder (ULMFiT, 2018)
call it discriminative fine-tuning, with 1/2.6 a layer; ELECTRA and BEiT train with .65–.9 a layer.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.pure.layers import blocks

if TYPE_CHECKING:
    import keras

ADDED = "added_"


def factors(model: "keras.Model", decay: float) -> dict[str, float]:
    """Keras layer → by what its rate is multiplied, for the layers that a base gave; all others keep the whole rate.

    Layers are counted in graft's sense, from the top: the topmost has `decay`, the one below it decay², and so on, each
    with its norms. The head and the layers that were added below it are new, and count as 0.

    Args:
        model: the whole network, also where its training begins at a cut.
    """
    reused = [block for block in reversed(blocks(model)) if not block.name.startswith(ADDED)]
    return {member.name: decay**depth for depth, block in enumerate(reused, start=1) for member in block.members}


def slow_down(optimizer: "keras.Optimizer", model: "keras.Model", factors: Mapping[str, float]) -> None:
    """Let `optimizer`, a built-in one before its first update, train the layers of `model` at their own rates.

    The rate that it hands to its `update_step`, Keras' hook, is multiplied; whatever schedule it comes from. Decoupled
    weight decay, which goes with the rate, follows it, as with PyTorch's parameter groups (BEiT's way).
    """
    of_variable = {
        id(weight): factors[layer.name] for layer in model.layers if layer.name in factors for weight in layer.weights
    }
    plain_step, plain_decay = optimizer.update_step, optimizer._apply_weight_decay

    def factor(variable: Any) -> float:
        # Keras may pass TensorFlow's variable instead of its own: the optimiser knows both.
        own = optimizer._trainable_variables[optimizer._get_variable_index(variable)]
        return of_variable.get(id(own), 1.0)

    def update_step(gradient: Any, variable: Any, learning_rate: Any) -> None:
        by = factor(variable)
        plain_step(gradient, variable, learning_rate if by == 1 else learning_rate * by)

    def apply_weight_decay(variables: Any) -> None:
        whole = optimizer.weight_decay
        if whole is None:
            return
        for variable in variables:
            optimizer.weight_decay = whole * factor(variable)
            plain_decay([variable])
        optimizer.weight_decay = whole

    optimizer.update_step, optimizer._apply_weight_decay = update_step, apply_weight_decay
