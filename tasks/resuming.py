"""A training that was interrupted goes on at its last saved epoch, and ends with the same bits.

The state is kept under the step's key, so it belongs to the very same code, data, parameters and machine kind. It holds
weights, optimiser (updates done, moments, averaged weights), history, and what early stopping remembers.
"""

import json
import time
from collections.abc import Callable, Sequence

import numpy as np

from artifacts.checkpoints import Checkpoints
from artifacts.store import Store
from tasks.pure.training import Best, State, Training

BETWEEN_SECONDS = 10.0  # what an interruption may cost, and one epoch more


def saver(store: Store, key: str) -> Callable[[Callable[[], State]], None]:
    """A function for `Watch.save`: keeps the state of an epoch, at most every BETWEEN_SECONDS."""
    checkpoints, last = Checkpoints(store), time.monotonic()

    def save(state: Callable[[], State]) -> None:
        nonlocal last
        if time.monotonic() - last >= BETWEEN_SECONDS:
            checkpoints.save(key, _to_arrays(state()))
            last = time.monotonic()

    return save


def find(store: Store, key: str, training: Training) -> State | None:
    """The state that was kept of an execution of `key` that did not end."""
    arrays = Checkpoints(store).load(key)
    state = _from_arrays(arrays) if arrays else None
    return state if state and state.epoch <= training.epochs else None


def forget(store: Store, key: str) -> None:
    """The step has ended."""
    Checkpoints(store).drop(key)


def _to_arrays(state: State) -> dict[str, np.ndarray]:
    stopping = state.stopping
    about = {
        "epoch": state.epoch,
        "rows": [dict(row) for row in state.rows],
        "stopping": {"epoch": stopping.epoch, "value": stopping.value, "wait": stopping.wait} if stopping else None,
    }
    return {
        **_numbered("weights", state.weights),
        **_numbered("optimizer", state.optimizer),
        **_numbered("best", state.best),
        **_numbered("stopping", stopping.weights if stopping else ()),
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
    }


def _from_arrays(arrays: dict[str, np.ndarray]) -> State:
    about = json.loads(arrays["about"].tobytes())
    weights, optimizer, best = (_row(arrays, name) for name in ("weights", "optimizer", "best"))
    kept = about["stopping"]
    stopping = Best(**kept, weights=_row(arrays, "stopping")) if kept else None
    return State(about["epoch"], weights, optimizer, tuple(about["rows"]), best, stopping)


def _numbered(name: str, row: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}_{place}": array for place, array in enumerate(row)}


def _row(arrays: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, ...]:
    count = sum(key.startswith(f"{name}_") for key in arrays)
    return tuple(arrays[f"{name}_{place}"] for place in range(count))
