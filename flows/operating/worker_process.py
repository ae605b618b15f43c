"""Prefect's worker as a child that cannot outlive its parent, with the flows that it runs.

Run as `python -m flows.operating.worker_process ARGUMENTS…` (those of `prefect worker start`) with a pipe as standard
input: when the parent ends, however it ends, the pipe closes, the flows get SIGTERM and a few seconds, and all ends.
"""

import os
import sys
import threading

GRACE_SECONDS = 5.0


def _stop_with_parent() -> None:
    import psutil

    while os.read(0, 1024):  # not sys.stdin, whose lock a thread would hold at the interpreter's end
        pass
    children = psutil.Process().children(recursive=True)
    for child in children:
        child.terminate()
    for child in psutil.wait_procs(children, GRACE_SECONDS)[1]:
        child.kill()
    os._exit(1)


def main() -> None:
    """Be `prefect worker start` until SIGTERM comes or standard input closes."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from prefect.cli import app

    sys.argv = ["prefect", "worker", "start", *sys.argv[1:]]
    app()


if __name__ == "__main__":
    main()
