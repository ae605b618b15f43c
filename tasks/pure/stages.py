"""One training of a grafted network under contract: what `train_head` and `fine_tune` have in common."""

from typing import TYPE_CHECKING

from tasks.pure import contracts, fitting
from tasks.pure.surgery import Trainable

if TYPE_CHECKING:
    import keras
    import pandas as pd


def train_under_contract(
    model: "keras.Model",
    train: fitting.Part,
    validation: fitting.Part,
    trainable: Trainable,
    training: fitting.Training,
    seed: int,
    on_progress: fitting.OnProgress,
) -> "pd.DataFrame":
    """Train `model` in place and check that only what is declared has changed. Returns the history.

    Raises:
        ContractBroken: other variables train than the declared ones, or a frozen layer moved.
    """
    contracts.check_declared(model, trainable)
    before = contracts.frozen_state(model)
    history = fitting.fit(model, train, validation, training, seed, on_progress)
    contracts.check_unmoved(before, model)
    return history
