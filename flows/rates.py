"""The searches for learning rates that the trainings of a run went by, for its report."""

from collections.abc import Mapping, Sequence
from typing import Any

from artifacts.errors import StoreError
from artifacts.past import TRAININGS
from artifacts.refs import ref_from_json
from artifacts.store import Store


def found(store: Store, steps: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """Step → reference of the search, where there was one and it is still sound.

    Args:
        steps: the entries of the run's record; their executions know.
    """
    keys = {entry["step"]: entry["key"] for entry in steps if entry["step"] in TRAININGS and entry["key"]}
    return {step: ref for step, key in keys.items() if (ref := _of(store, key))}


def _of(store: Store, key: str) -> dict[str, str] | None:
    try:
        execution = store.execution(key)
        about = (execution.facts if execution else {}).get("rates")
        if about is None:
            return None
        ref = ref_from_json(about)
        store.check(ref)
    except (StoreError, ValueError):
        return None
    return ref.to_json()
