"""A training that was interrupted goes on at its last saved epoch, and ends with the same bits.

The state is kept under the step's key, so it belongs to the very same code, data, parameters and machine kind. With
early stopping nothing is kept: what that remembers (the best epoch and its weights) does not lie in the network.
"""

import json
import time
from collections.abc import Callable

import numpy as np

from artifacts.checkpoints import Checkpoints
from artifacts.store import Store
from tasks.pure.training import State, Training

BETWEEN_SECONDS = 10.0  # what an interruption may cost, and one epoch more


def saver(store: Store, key: str, training: Training) -> Callable[[Callable[[], State]], None]:
    """A function for `Watch.save`: keeps the state of an epoch, at most every BETWEEN_SECONDS."""
    checkpoints, last = Checkpoints(store), time.monotonic()

    def save(state: Callable[[], State]) -> None:
        nonlocal last
        if training.early_stopping is None and time.monotonic() - last >= BETWEEN_SECONDS:
            checkpoints.save(key, _to_arrays(state()))
            last = time.monotonic()

    return save


def find(store: Store, key: str, training: Training) -> State | None:
    """The state that was kept of an execution of `key` that did not end."""
    arrays = Checkpoints(store).load(key) if training.early_stopping is None else None
    state = _from_arrays(arrays) if arrays else None
    return state if state and state.epoch <= training.epochs else None


def forget(store: Store, key: str) -> None:
    """The step has ended."""
    Checkpoints(store).drop(key)


def _to_arrays(state: State) -> dict[str, np.ndarray]:
    arrays = {f"weights_{place}": array for place, array in enumerate(state.weights)}
    arrays |= {f"optimizer_{place}": array for place, array in enumerate(state.optimizer)}
    arrays |= {f"best_{place}": array for place, array in enumerate(state.best)}
    about = json.dumps({"epoch": state.epoch, "rows": [dict(row) for row in state.rows]})
    return {**arrays, "about": np.frombuffer(about.encode(), np.uint8)}


def _from_arrays(arrays: dict[str, np.ndarray]) -> State:
    about = json.loads(arrays["about"].tobytes())
    weights, optimizer, best = (_row(arrays, name) for name in ("weights", "optimizer", "best"))
    return State(about["epoch"], weights, optimizer, tuple(about["rows"]), best)


def _row(arrays: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, ...]:
    count = sum(key.startswith(f"{name}_") for key in arrays)
    return tuple(arrays[f"{name}_{place}"] for place in range(count))
