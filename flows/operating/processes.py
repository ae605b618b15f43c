"""Signals to processes that may end at any moment by themselves."""

from collections.abc import Iterable
from contextlib import suppress

import psutil


def terminate(processes: Iterable[psutil.Process]) -> None:
    """SIGTERM to those that are still there."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL to those that are still there."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


def end(processes: list[psutil.Process], seconds: float) -> None:
    """SIGTERM, a wait of at most `seconds`, SIGKILL."""
    terminate(processes)
    kill(psutil.wait_procs(processes, seconds)[1])


def below(pid: int) -> list[psutil.Process]:
    """The descendants of a process; none where it has ended."""
    with suppress(psutil.Error):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def is_there(process: psutil.Process) -> bool:
    """Whether a process, ours or not, is still at work; one that has ended and that nobody has asked about is not."""
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
