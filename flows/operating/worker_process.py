"""Prefect's worker as a child that cannot outlive its parent, with the flows that it runs.

Run as `python -m flows.operating.worker_process ARGUMENTS…` (those of `prefect worker start`) with a pipe as standard
input: when the parent ends, however it ends, the pipe closes, the flows get SIGTERM and a few seconds, and all ends.
"""

import os
import sys
import threading

from flows.operating import processes

GRACE_SECONDS = 5.0


def _stop_with_parent() -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock a thread would hold at the interpreter's end
        pass
    try:
        processes.end(processes.below(os.getpid()), GRACE_SECONDS)
        while late := processes.below(os.getpid()):  # begun meanwhile
            processes.end(late, 0.0)
    finally:
        os._exit(1)


def main() -> None:
    """Be `prefect worker start` until SIGTERM comes or standard input closes."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from prefect.cli import app

    sys.argv = ["prefect", "worker", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
