"""A step's work in a thread of its own, out of the reach of signals.

Python runs what a signal triggers (KeyboardInterrupt, Prefect's TerminationSignal) in the main thread, between any two
of its instructions. Where those belong to a callback from C++, as TensorFlow has many, an exception there ends the
process with SIGABRT; within an object's `__del__` it is printed and forgotten, and the training runs on. Of 143 Ctrl-Cs
at random moments of a small training six did the latter (`tests/tasks/test_apart.py` without `apart`). So the main
thread only waits, and hears signals; the work is asked to stop, and stops where it may (`tasks/pure/stopping.py`).
"""

import contextvars
import ctypes
import functools
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

from tasks.pure.stopping import stoppable

Function = TypeVar("Function", bound=Callable[..., Any])

NAME = "graft-step"
LOOK_SECONDS = 0.5  # a signal that the system gave to another thread wakes nobody


def apart(function: Function) -> Function:
    """`function` in a thread of its own, its context variables as they are here, while this thread waits.

    An exception that a signal raises here goes on its way once the work has stopped; a second one does not wait for
    that (`left_alone`). Signals reach the main thread only, so that called in any other the function runs there.
    """

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            return function(*arguments, **named)
        stop = threading.Event()
        done: Future[Any] = Future()
        work = functools.partial(_work, done, stop, function, arguments, named)
        thread = threading.Thread(target=contextvars.copy_context().run, args=(work,), name=NAME, daemon=True)
        try:
            thread.start()
            while not wait([done], LOOK_SECONDS).done:
                pass
        except BaseException:
            stop.set()
            if thread.is_alive():
                thread.join()
            raise
        return done.result()

    return run  # type: ignore[return-value]


def _work(
    done: "Future[Any]", stop: threading.Event, function: Callable[..., Any], arguments: Any, named: dict[str, Any]
) -> None:
    try:
        with stoppable(stop):
            result = function(*arguments, **named)
    except BaseException as problem:  # noqa: BLE001 - whatever it is, it belongs to the thread that waits
        done.set_exception(problem)
    else:
        _give_back()
        done.set_result(result)


def _give_back() -> None:
    """Return to the system what was freed. GNU's allocator has a heap for each thread and keeps all of it for later,
    5 % of the peak of a run on all of Fashion-MNIST; other allocators have no such call."""
    if sys.platform.startswith("linux"):
        with suppress(AttributeError, OSError):
            ctypes.CDLL(None).malloc_trim(0)


def left_alone() -> bool:
    """Whether some work still goes on that nobody waits for any more: the interpreter must not be ended under it."""
    return any(thread.name == NAME for thread in threading.enumerate())
