"""The commands that operate graft: everything up, status, and the pieces for those who have a server of their own."""

from collections.abc import Callable
from typing import Annotated

import typer

from flows.cli_options import DebugOption, JsonOption, example, leave

PORT = 4200
POOL = "graft"

PortOption = Annotated[int, typer.Option("--port", min=1, max=65535, help="Of the server and its UI, on 127.0.0.1.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, help="How many runs at once; each trains on all cores.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`, in the order in which `graft --help` shows them."""
    for function, lines in EXAMPLES.items():
        app.command(epilog=example(*lines))(function)


def up(
    port: PortOption = PORT,
    limit: LimitOption = 2,
    check: Annotated[bool, typer.Option("--check", help="Only say what would start.")] = False,
    debug: DebugOption = False,
) -> None:
    """Bring up Prefect's server and UI, the deployments and a worker; Ctrl-C stops all of it."""
    _quiet()
    from flows.operating import up as bringing

    leave(bringing.check(port, POOL, print) if check else bringing.up(port, limit, POOL))


def status(as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Say which server is used, which worker waits, what runs and what comes next."""
    _quiet()
    from flows.operating import status as asking

    leave(asking.status(POOL, as_json))


def deploy(debug: DebugOption = False) -> None:
    """Put the deployments of prefect.yaml, one for each step, and the automation onto your own Prefect server."""
    _quiet()
    from flows.operating import commands

    leave(commands.deploy())


def worker(limit: LimitOption = 1, debug: DebugOption = False) -> None:
    """Run a worker for your own Prefect server; on SIGTERM its runs are cancelled, not killed."""
    _quiet()
    from flows.operating import commands

    leave(commands.worker(limit))


def _quiet() -> None:
    from flows.commands import quiet_libraries

    quiet_libraries(verbose=False)


EXAMPLES: dict[Callable[..., None], tuple[str, ...]] = {
    up: ("graft up", "graft up --port 4300", "graft up --check"),
    status: ("graft status", "graft status --json"),
    deploy: ("graft deploy",),
    worker: ("graft worker --limit 1",),
}
