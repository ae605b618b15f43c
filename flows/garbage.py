"""Python's garbage collector, kept out of the way where there is nothing for it to find.

While modules are imported nearly everything that is made stays, and the collector walks through more and more of it
again and again: a fifth of the time that Prefect's server takes to start, and as much of TensorFlow's import.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import inside the block: nothing is collected there, and what is there at its end never looked at again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        settle()
        if was:
            gc.enable()


def settle() -> None:
    """Take what is there now for permanent. Before the interpreter ends, too: the system takes all of it in one go."""
    gc.freeze()
