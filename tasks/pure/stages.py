"""One training of a grafted network under contract: what `train_head` and `fine_tune` have in common."""

from typing import TYPE_CHECKING

from tasks.pure import contracts, fitting
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.layer_choice import Trainable
from tasks.pure.training import Part, State, Training, Watch

if TYPE_CHECKING:
    import keras


def train_under_contract(
    model: "keras.Model",
    parts: tuple[Part, Part],
    trainable: Trainable,
    training: Training,
    seed: int,
    watch: Watch,
    path: ExecutionPath = ExecutionPath(),  # noqa: B008 - frozen
    state: State | None = None,
) -> fitting.Fitted:
    """Train `model` in place and check, on the whole of it, that only what is declared has changed.

    Args:
        parts: training and validation part; with `path.cut` of activations instead of images.

    Raises:
        ContractBroken: other variables train than the declared ones, or a frozen layer moved.
    """
    contracts.check_declared(model, trainable)
    before = contracts.frozen_state(model)
    fitted = fitting.fit(model, *parts, training, seed, watch, path, state)
    contracts.check_unmoved(before, model)
    return fitted
