"""Where a step can be stopped on its way: code that works for long calls `point` between two pieces of its work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[threading.Event | None] = ContextVar("graft_stop_asked", default=None)


class Stopped(BaseException):  # noqa: N818 - no error, as KeyboardInterrupt is none
    """The step was asked to stop, and did. Whoever asked knows why."""


@contextmanager
def stoppable(asked: threading.Event) -> Iterator[None]:
    """Inside the block `point` stops the work once `asked` is set."""
    token = _asked.set(asked)
    try:
        yield
    finally:
        _asked.reset(token)


def point() -> None:
    """Stop here, if somebody asked for that.

    Raises:
        Stopped: somebody did.
    """
    asked = _asked.get()
    if asked is not None and asked.is_set():
        raise Stopped
