"""A step's work in a thread of its own, out of the reach of signals.

Python runs what a signal triggers (KeyboardInterrupt, Prefect's TerminationSignal) in the main thread, between any two
of its instructions. Where those belong to a callback from C++, as TensorFlow has many, an exception there ends the
process with SIGABRT; within an object's `__del__` it is printed and forgotten, and the training runs on. Of 143 Ctrl-Cs
at random moments of a small training six did the latter (`tests/tasks/test_apart.py` without `apart`). So the main
thread only waits, and hears signals; the work is asked to stop, and stops where it may (`tasks/pure/stopping.py`).
"""

import atexit
import contextvars
import ctypes
import functools
import gc
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from tasks.pure.stopping import point, stoppable

Function = TypeVar("Function", bound=Callable[..., Any])

NAME = "graft-step"
LOOK_SECONDS = 0.5  # a signal that the system gave to another thread wakes nobody
AT_EXIT_SECONDS = 5.0  # for work that nobody waited for, to come to a point before the interpreter ends


def apart(function: Function) -> Function:
    """`function` in a thread of its own, its context variables as they are here, while this thread waits.

    An exception that a signal raises here goes on its way once the work has stopped; a second one does not wait for
    that (`left_alone`). Signals reach the main thread only, so that called in any other the function runs there.
    """

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return function(*arguments, **named)
        return _Work(functools.partial(function, *arguments, **named)).result()

    return run  # type: ignore[return-value]


def giving_back(function: Function) -> Function:
    """`function` in this very thread; what it had goes back to the system when it ends."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        finally:
            _give_back()

    return run  # type: ignore[return-value]


class _Work:
    """A call in a thread. No Future: an exception in the midst of waiting for one may leave a lock of its shut."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.call = call
        self.stop = threading.Event()
        self.ended = threading.Lock()  # shut until the thread opens it; nobody else does
        self.ended.acquire()
        self.outcome: list[tuple[Any, BaseException | None]] = []
        context = contextvars.copy_context()
        self.thread = threading.Thread(target=context.run, args=(self._do,), name=NAME, daemon=True)

    def result(self) -> Any:
        try:
            self.thread.start()
            while not self.outcome:
                self.ended.acquire(timeout=LOOK_SECONDS)
            self.thread.join()
        except BaseException:
            self.stop.set()
            self._wait_for_its_end()
            raise
        value, problem = self.outcome.pop()
        if problem is None:
            return value
        try:
            raise problem
        finally:
            del problem  # else its traceback holds this frame, and this frame the traceback, and the step's arrays

    def _wait_for_its_end(self) -> None:
        try:
            while not self.outcome and self.thread.is_alive():
                self.ended.acquire(timeout=LOOK_SECONDS)
        except BaseException:
            atexit.register(self.thread.join, AT_EXIT_SECONDS)
            raise

    def _do(self) -> None:
        value: Any = None
        problem: BaseException | None = None
        try:
            with stoppable(self.stop):
                point()  # a signal may have come while the thread was starting; then nobody waits for it
                value = self.call()
            _give_back()
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to the thread that waits
            problem = raised
        finally:
            self.outcome.append((value, problem))
            del value, problem
            self.ended.release()


def _give_back() -> None:
    """Return to the system what the step had. Networks and their programs refer to each other in circles, so that
    they, and the tensors that they hold, would wait for the collector. GNU's allocator has a heap for each thread and
    keeps all of it for later, 5 % of the peak of a run on all of Fashion-MNIST; other allocators have no such call."""
    gc.collect()
    if sys.platform.startswith("linux"):
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


def left_alone() -> bool:
    """Whether some work still goes on that nobody waits for any more: the interpreter must not be ended under it."""
    return any(thread.name == NAME for thread in threading.enumerate())
