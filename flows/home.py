"""graft's home: what is about this machine and not about results. `GRAFT_HOME`, or `.graft` beside the rooms.

    <home>/prefect/          the database of graft's own Prefect server, embedded or brought up by `graft up`
    <home>/up.json, up.lock  which server `graft up` brought up; the lock is held for as long as it runs
    <home>/alive/<run>/      a lock that the process of a flow run holds, with its number, so that the dead are known
    <home>/logs/             what server and worker write

Prefect is not imported here.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from artifacts import alive as locks
from artifacts.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class UpState:
    """What `graft up` brought up.

    Attributes:
        api: URL of the server's API.
        ui: URL for a browser.
        own: whether the server is graft's own (false: a configured one).
        process: number of the process of `graft up`.
        since: UTC, ISO 8601.
        worker: name of the worker.
        store: folder of the store that its runs use.
    """

    api: str
    ui: str
    own: bool
    process: int
    since: str
    worker: str
    store: str


class Home:
    """A folder for the state of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.prefect = root / "prefect"
        self.logs = root / "logs"
        self.state_file = root / "up.json"

    def make(self) -> None:
        """Make the folder.

        Raises:
            UsageError: it cannot be made.
        """
        try:
            self.prefect.mkdir(parents=True, exist_ok=True)
            self.logs.mkdir(exist_ok=True)
        except OSError as problem:
            raise UsageError(f"GRAFT_HOME: {self.root} cannot be made ({problem.strerror}). Name another.") from None

    def fresh_log(self, name: str) -> Path:
        """Path of an empty log; the one of last time stays beside it with `.1`."""
        log = self.logs / f"{name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        log.touch()
        return log

    # -- flow runs

    @contextmanager
    def alive(self, run_id: str, api: str) -> Iterator[None]:
        """To be held by the process of a flow run for as long as it lasts.

        Args:
            api: URL of the server that it speaks to.
        """
        folder = self.root / "alive" / run_id
        try:
            with locks.alive(folder):
                (folder / "process").write_text(json.dumps([os.getpid(), api]), encoding="utf-8")
                yield
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def is_alive(self, run_id: str) -> bool:
        """Whether a process of this machine is at work on the flow run."""
        return locks.is_alive(self.root / "alive" / run_id)

    def living(self, api: str) -> dict[str, int]:
        """Flow run → number of the process that is at work on it, of those that speak to the server at `api`."""
        found = {}
        for folder in (self.root / "alive").glob("*"):
            if locks.is_alive(folder):
                with suppress(OSError, ValueError):
                    process, server = json.loads((folder / "process").read_text(encoding="utf-8"))
                    if server.rstrip("/") == api.rstrip("/"):
                        found[folder.name] = int(process)
        return found

    # -- graft up

    def up(self) -> UpState | None:
        """What `graft up` brought up, where it is running and has said so; else None."""
        if not self.is_up():
            return None
        try:
            return UpState(**json.loads(self.state_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # it is starting, or stopping

    def is_up(self) -> bool:
        """Whether a `graft up` holds this home."""
        return locks.is_alive(self.root / "up")

    @contextmanager
    def occupied(self) -> Iterator[None]:
        """Hold this home for a `graft up`.

        Raises:
            UsageError: another one holds it.
        """
        with locks.alive_or_none(self.root / "up") as held:
            if not held:
                raise UsageError(_occupied(self.up()))
            self.state_file.unlink(missing_ok=True)  # of one that was killed
            try:
                yield
            finally:
                self.state_file.unlink(missing_ok=True)

    def announce(self, state: UpState) -> None:
        """Say what was brought up, whole or not at all."""
        temporary = self.state_file.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
        temporary.replace(self.state_file)


def _occupied(state: UpState | None) -> str:
    if state is None:
        return "Another `graft up` is starting or stopping here. Wait for it, or see `graft status`."
    return (
        f"`graft up` is running already, since {state.since}, as process {state.process}: {state.ui}. Use that one, or "
        f"end it first (Ctrl-C there, or `kill {state.process}`)."
    )


def here() -> Home:
    """`GRAFT_HOME`, or `.graft` beside the rooms."""
    configured = os.environ.get("GRAFT_HOME")
    return Home(Path(configured).expanduser().resolve() if configured else ROOT / ".graft")
