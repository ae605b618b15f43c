"""What `graft up` needs, looked at before anything is started: also all that `graft up --check` does."""

import json
import socket
from dataclasses import dataclass
from importlib.metadata import version
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from artifacts.errors import ServerError
from flows.home import Home
from flows.server import api_url, check_reachable

TIMEOUT = 10.0


@dataclass(frozen=True)
class Place:
    """Where the server is, or will be.

    Attributes:
        api: URL of its API.
        own: whether graft starts it.
        port: of the own one.
    """

    api: str
    own: bool
    port: int

    @property
    def ui(self) -> str:
        return self.api.removesuffix("/").removesuffix("/api")


def find_place(home: Home, port: int) -> Place:
    """The configured server, or a free port for one of our own.

    Raises:
        ServerError: the configured one does not answer or is of another version; the port is taken.
    """
    from prefect.settings import PREFECT_API_URL

    configured = PREFECT_API_URL.value()
    if configured:
        check_reachable(configured)
        _check_version(configured)
        return Place(configured, own=False, port=0)
    _check_port(port)
    return Place(api_url(port), own=True, port=port)


def _check_version(url: str) -> None:
    """Client and server of one Prefect understand each other; others may, until they do not."""
    ours, theirs = version("prefect"), _configured_version(url)
    if ours.split(".")[:2] != theirs.split(".")[:2]:
        raise ServerError(
            f"The Prefect server at {url} is version {theirs}, graft's own Prefect is {ours}. Run a server of "
            f"{ours.rpartition('.')[0]}, or unset PREFECT_API_URL: `graft up` then starts one of its own."
        )


def _configured_version(url: str) -> str:
    from flows.operating import api

    try:
        with api.connected() as client:
            return str(client.request("GET", "/admin/version").json())
    except api.Problems as problem:
        said = " ".join(str(problem).split())
        raise ServerError(
            f"The Prefect server at {url} does not let graft in ({said}). Where it asks for authentication, set "
            "PREFECT_API_AUTH_STRING to what it was started with."
        ) from None


def server_version(url: str) -> str | None:
    """The version that a server says it has; None where it does not say."""
    try:
        with build_opener(ProxyHandler({})).open(f"{url.rstrip('/')}/admin/version", timeout=TIMEOUT) as answer:
            told = json.loads(answer.read())
    except (URLError, OSError, ValueError):
        return None
    return told if isinstance(told, str) else None


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was left a moment ago is free
        try:
            probe.bind(("127.0.0.1", port))
            return
        except (OSError, OverflowError) as problem:
            reason = getattr(problem, "strerror", None) or str(problem)
    theirs = server_version(api_url(port))
    advice = f"choose another: `graft up --port {port + 1}`"
    if theirs:
        raise ServerError(
            f"Port {port} is taken by a Prefect server {theirs} that graft did not start. Use it with "
            f"`PREFECT_API_URL={api_url(port)} graft up`, or {advice}."
        )
    raise ServerError(f"Port {port} of 127.0.0.1 cannot be used ({reason}). End what listens there, or {advice}.")
