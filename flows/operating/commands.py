"""What the commands that operate graft do, each returning its exit code."""

import signal
import threading

from artifacts.errors import ServerError
from flows.operating import api, deploying, vanished
from flows.operating.up import STOPPED
from flows.operating.worker import Worker
from flows.server import check_reachable


def deploy(pool: str) -> int:
    """Deployments, automation and pool onto the server in use."""
    url = _server()
    with api.connected() as client:
        deployed, removed = deploying.deploy(client, url, pool)
        vanished.ensure(client)
    for name in deployed:
        print(name)
    for each in removed:
        print(f"removed: schedule `{each.slug}` of {each.deployment}, which prefect.yaml no longer has")
    return 0


def worker(pool: str, limit: int) -> int:
    """One worker until Ctrl-C or SIGTERM; its runs are cancelled, not killed."""
    import sys

    url = _server()
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    one = Worker(pool, limit, url, sys.stderr.buffer)
    one.start()
    print(f"{one.name}: waits for runs of the pool `{pool}` at {url}. Ctrl-C stops it.", flush=True)
    while not asked.wait(1.0):
        if one.has_died():
            raise ServerError("The worker ended by itself; its last words are above. Is the pool there? `graft deploy`")
    with api.connected() as client:
        cancelled = one.stop(client, STOPPED.replace("graft up", "graft worker"))
    print(f"Stopped. Runs cancelled: {len(cancelled)}.", flush=True)
    return 0


def _server() -> str:
    """The server in use: the configured one, or that of `graft up`.

    Raises:
        ServerError: there is none, or it does not answer.
    """
    from prefect.settings import PREFECT_API_URL

    configured = PREFECT_API_URL.value()
    if not configured:
        raise ServerError(
            "This needs a Prefect server of yours: set PREFECT_API_URL, for example to http://127.0.0.1:4200/api. "
            "`graft up` brings up server, deployments and worker by itself."
        )
    check_reachable(configured)
    return configured
