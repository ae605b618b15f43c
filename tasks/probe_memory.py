"""What a probe found before, so that nobody asks again: sealed JSON under the store's `cache/`, which may be lost."""

from collections.abc import Callable, Mapping
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged
from artifacts.sealed import seal, unseal, write_atomically
from artifacts.store import Store
from tasks.identity import identity

STEP = "probe"


def remembered(
    store: Store, arguments: Mapping[str, Any] | None, make: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """What `make` gives, plain JSON, and whether it was known already.

    Args:
        arguments: all that it depends on besides the code of `tasks/probe.py`, as `identity` takes it; None where that
            is not known: then nothing is remembered.
    """
    if arguments is None:
        return make(), False
    key = digest_json(identity(STEP, arguments, store)).removeprefix("sha256:")
    path = store.root / "cache" / STEP / f"{key}.json"
    try:
        return unseal(path.read_bytes(), path.name)["found"], True
    except (OSError, RecordDamaged, KeyError):  # lost, or worth no more than lost
        pass
    found = make()
    write_atomically(path, seal({"found": found}), store.scratch)
    return found, False
