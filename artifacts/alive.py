"""Whether the process that wrote a run's record is still there: it holds a lock that the system drops with it.

A process number would be given to somebody else one day, and means nothing in another container; a lock on a file of
the store ends with its holder, `kill -9` included.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ALIVE = "alive.lock"
ATTEMPTS = 5


@contextmanager
def alive(folder: Path) -> Iterator[None]:
    """Hold the lock of the run in `folder` for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ALIVE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # at once, save while somebody looks
        yield
    finally:
        os.close(descriptor)  # and with it the lock


@contextmanager
def alive_or_none(folder: Path) -> Iterator[bool]:
    """As `alive`, but where another process holds the lock the block is entered all the same, with False."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ALIVE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield any(_try(descriptor) for _ in range(ATTEMPTS))
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    """Take the lock; else wait a moment, since somebody who only looks holds it for less."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.05)
        return False
    return True


def is_alive(folder: Path) -> bool:
    """Whether some process holds the lock of the run in `folder`. Those who look do not hinder one another."""
    try:
        descriptor = os.open(folder / ALIVE, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
