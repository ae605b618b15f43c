"""What an earlier execution gave that is no step of the DAG: decoded pictures, activations, a learning rate."""

from collections.abc import Mapping
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import StoreError
from artifacts.refs import Ref
from artifacts.store import Store


def stored(store: Store, own: Mapping[str, Any], output: str) -> Ref | None:
    """What an execution of this identity left, if all of it is sound; held against a `graft gc` at this moment.

    Args:
        own: see `tasks/identity.py`.
        output: its name among what the execution left.
    """
    try:
        execution = store.sound_execution(digest_json(own))
    except StoreError:
        return None
    return execution.refs()[output] if store.use(execution) else None
