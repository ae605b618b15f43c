"""Ctrl-C, remembered.

Python turns SIGINT into a KeyboardInterrupt wherever the main thread is just then. C code that calls Python (matplotlib
drawing, Pillow reading a file) may make an error of its own out of it, and where an object is deleted it is dropped:
then only the signal itself still says that a person wanted to stop. TensorFlow is out of its reach (`tasks/apart.py`).
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_heard = threading.Event()


@contextmanager
def listening() -> Iterator[None]:
    """Remember a SIGINT that arrives inside the block; what it did before, raise KeyboardInterrupt, it still does. An
    error that ends the block after one was heard becomes that again: pydantic, say, makes an error of its own of it.

    Only the main thread may set a handler, so that in any other nothing happens. Where the signal is ignored (`nohup`,
    a shell's `&`), or is not Python's to handle, it stays so.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def hear(number: int, frame: object) -> None:
        _heard.set()
        before(number, frame)  # type: ignore[arg-type]

    _heard.clear()
    signal.signal(signal.SIGINT, hear)
    try:
        yield
    except Exception as problem:
        if heard():
            raise KeyboardInterrupt from problem
        raise
    finally:
        signal.signal(signal.SIGINT, before)
        _heard.clear()


def heard() -> bool:
    """Whether somebody pressed Ctrl-C since the listening began."""
    return _heard.is_set()
