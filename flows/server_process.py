"""Prefect's server as a child that cannot outlive its parent.

Run as `python -m flows.server_process PORT` with a pipe as standard input: when the parent ends, however it ends
(`kill -9` included), the pipe closes and the server stops. Prefect's own embedded server stays behind in that case.
"""

import gc
import os
import sys
import threading
import time

FIRST_REQUESTS_SECONDS = 5.0


def _stop_with_parent(server: "object") -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock a thread would hold at the interpreter's end
        pass
    server.should_exit = True  # type: ignore[attr-defined]
    # A server that is still starting does not look at `should_exit`; nobody is left to wait for it.
    threading.Timer(5.0, os._exit, (0,)).start()


def _collect_once_it_serves(server: "object") -> None:
    """Not before the first requests are answered either: FastAPI builds its routes only then."""
    while not server.started:  # type: ignore[attr-defined]
        time.sleep(1.0)
    time.sleep(FIRST_REQUESTS_SECONDS)
    gc.freeze()
    gc.enable()


def main() -> None:
    """Serve Prefect's API, and its UI where the environment says so, on 127.0.0.1 until standard input closes."""
    gc.disable()  # until it serves: a fifth of the start would be spent on looking for garbage, and there is none
    import uvicorn
    from prefect.logging.configuration import setup_logging

    setup_logging()  # else a service of the server that fails (the scheduler, say) fails without a word
    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_stop_with_parent, args=(server,), daemon=True).start()
    threading.Thread(target=_collect_once_it_serves, args=(server,), daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
