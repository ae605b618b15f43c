"""One process at a time computes a key: whoever comes second waits, and then finds what the first has made.

The lock is one of the operating system's on a file under the store's `cache/`: it ends with its holder, `kill -9`
included, and whoever waits then takes over. The file stays, and is swept a day later (`Store.sweep`) unless it is held.
Two machines that share a folder may not see each other's locks; both compute the same bits then, and the first one
wins (`artifacts/store.py`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from artifacts.store import Store

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOOK_SECONDS = 0.2


@contextmanager
def alone(store: Store, key: str, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the right to compute `key` for as long as the block lasts.

    Args:
        say: called once where another process has it just now.
    """
    lock = _lock(store, key)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say("another run computes the same just now; waiting for it")
        lock.acquire(poll_interval=LOOK_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _lock(store: Store, key: str) -> "BaseFileLock":
    store.computing.mkdir(parents=True, exist_ok=True)
    return FileLock(store.computing / f"{key.removeprefix('sha256:')}.lock")
