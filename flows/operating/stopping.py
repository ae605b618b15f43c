"""The signals that end `graft up`."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether somebody asked to stop: Ctrl-C or SIGTERM once to stop well, twice not to wait for the runs."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.times = 0
        self.starting = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        # A terminal that is closed hangs up; under nohup that is ignored, and stays so.
        hanging_up = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []
        numbers = (signal.SIGINT, signal.SIGTERM, *hanging_up)
        before = {number: signal.signal(number, self._hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, _number: int, _frame: object) -> None:
        self.times += 1
        self.asked.set()
        if self.starting:
            self.starting = False
            raise KeyboardInterrupt

    def hurry(self) -> bool:
        return self.times > 1
