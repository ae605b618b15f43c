"""What the commands that operate graft do, each returning its exit code."""

import signal
import sys
import threading

from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from artifacts.errors import ServerError
from flows.home import here
from flows.operating import api, deploying, vanished
from flows.operating.up import STOPPED
from flows.operating.worker import POOL, Worker
from flows.server import check_reachable


def deploy() -> int:
    """Deployments, automation and pool onto the server in use."""
    url = _server()
    with temporary_settings({PREFECT_API_URL: url}), api.connected() as client:
        deployed, removed = deploying.deploy(client, url, POOL)
        vanished.ensure(client)
    for name in deployed:
        print(name)
    for each in removed:
        print(f"removed: schedule `{each.slug}` of {each.deployment}, which prefect.yaml no longer has")
    return 0


def worker(limit: int) -> int:
    """One worker until Ctrl-C or SIGTERM; its runs are cancelled, not killed."""
    url = _server()
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    one = Worker(POOL, limit, url, sys.stderr.buffer)
    one.start()
    print(f"{one.name}: waits for runs of the pool `{POOL}` at {url}. Ctrl-C stops it.", flush=True)
    while not asked.wait(1.0) and not one.has_died():
        pass
    died = one.has_died()
    with temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0}), api.connected() as client:
        cancelled = one.stop(client, STOPPED.replace("graft up", "graft worker"))
    if died:
        raise ServerError(
            f"The worker ended by itself; its last words are above. Runs cancelled: {len(cancelled)}. "
            "Is the pool there? `graft deploy` makes it."
        )
    print(f"Stopped. Runs cancelled: {len(cancelled)}.", flush=True)
    return 0


def _server() -> str:
    """The server in use: the configured one, or that of `graft up`.

    Raises:
        ServerError: there is none, or it does not answer.
    """
    up = here().up()
    url = PREFECT_API_URL.value() or (up.api if up else None)
    if not url:
        raise ServerError(
            "This needs a Prefect server: set PREFECT_API_URL to yours, for example http://127.0.0.1:4200/api. "
            "`graft up` brings up server, deployments and worker by itself."
        )
    check_reachable(url)
    return url
