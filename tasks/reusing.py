"""What an earlier execution gave that is no step of the DAG: decoded pictures, activations, a learning rate."""

from collections.abc import Callable, Mapping
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import StoreError
from artifacts.refs import Ref
from artifacts.store import Store
from tasks.computing import alone


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


def once(
    store: Store, own: Mapping[str, Any], output: str, say: Callable[[str], None], make: Callable[[], Ref]
) -> tuple[Ref, bool]:
    """What an execution of this identity left, or else what `make` makes; and whether it was there.

    Of several processes that want it at once one makes it, and the others wait. Their steps' keys may differ, and with
    them the steps' own locks: another rate of the new head, the same activations.

    Args:
        say: called once where another process makes it just now.
        make: computes, stores and records it.
    """
    found = stored(store, own, output)
    if found:
        return found, True
    with alone(store, digest_json(own), say):
        found = stored(store, own, output)
        return (found, True) if found else (make(), False)
