"""The bench: whole processes with a clock, in folders of their own, and nothing left behind.

What is compared is run in turns, the order reversed every other round, so that noise and warm caches hit both sides.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flows import server
from tests.benchmarks.results import Side
from tests.conftest import MARK, left_behind
from tests.flows.processes import ROOT
from tests.flows.tiny import write_tiny_recipe

TIMEOUT_SECONDS = 3600
SERVER_SECONDS = 90
# Of graft's own and Prefect's variables only these reach what is measured.
KEPT = ("GRAFT_DATA", "GRAFT_DEVICE", "GRAFT_THREADS")


class Skipped(Exception):
    """A section cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Done:
    """A process that ended well: its wall-clock seconds, and what it printed."""

    seconds: float
    output: str

    @property
    def result(self) -> dict[str, Any]:
        """What `graft … --json` printed, or the last line of a script."""
        text = self.output.strip()
        value: dict[str, Any] = json.loads(text if text.startswith("{") else text.splitlines()[-1])
        return value


def side(label: str, done: list[Done]) -> Side:
    """The whole processes, as one side of a comparison."""
    return Side(label, [each.seconds for each in done])


@dataclass(frozen=True)
class Place:
    """A store and a home for `graft`."""

    store: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"GRAFT_STORE": str(self.store), "GRAFT_HOME": str(self.home)}


class Bench:
    """Runs and times processes for one section after the other.

    Args:
        repeats: how often each side of a comparison of long processes runs.
        quick: tiny sizes, to see that everything works; the figures mean nothing.
    """

    def __init__(self, repeats: int, quick: bool) -> None:
        self.repeats, self.quick = repeats, quick
        self.short_repeats = repeats if quick else 2 * repeats + 1  # of what takes seconds: noise weighs more there
        self.mark = uuid.uuid4().hex
        self.folder = Path(tempfile.mkdtemp(prefix="graft-bench-"))
        self.section = ""

    def close(self) -> None:
        """End whatever a failed section left running, and remove all files."""
        for process in left_behind(self.mark):
            process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def say(self, text: str) -> None:
        """A line of progress."""
        print(f"[{self.section}] {text}", file=sys.stderr, flush=True)

    # -- processes

    def python(self, *arguments: str, **changes: str) -> Done:
        """Run this interpreter with `arguments` to its end and time the whole of it.

        Args:
            changes: environment variables.

        Raises:
            RuntimeError: it failed; with the end of what it said.
        """
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment(**changes), cwd=ROOT, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return Done(seconds, done.stdout)

    def script(self, name: str, *arguments: str, **changes: str) -> Done:
        """Run one of the scripts of this folder."""
        return self.python("-m", f"tests.benchmarks.{name}", *arguments, **changes)

    def graft(self, place: Place, *arguments: str, **changes: str) -> Done:
        """Run the command `graft` in `place`."""
        return self.python("-m", "flows.cli", *arguments, **{**place.environment, **changes})

    def environment(self, **changes: str) -> dict[str, str]:
        """This process's environment without settings of graft's and Prefect's own, with `changes`."""
        plain = {
            name: value
            for name, value in os.environ.items()
            if name in KEPT or not name.startswith(("GRAFT_", "PREFECT_"))
        }
        # Prefect's usage statistics go to the network; they would be measured with it.
        ours = {MARK: self.mark, "PYTHONPATH": str(ROOT), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        return {**plain, **ours, "NO_PROXY": "127.0.0.1,localhost", **changes}

    def in_turns(self, sides: Mapping[str, Callable[[], Done]], repeats: int | None = None) -> dict[str, list[Done]]:
        """Run all sides `repeats` times, each time one after the other; the order is reversed every other round."""
        found: dict[str, list[Done]] = {name: [] for name in sides}
        total = repeats or self.repeats
        for number in range(total):
            for name, call in list(sides.items())[:: -1 if number % 2 else 1]:
                done = call()
                found[name].append(done)
                self.say(f"{number + 1}/{total} {name}: {done.seconds:.2f} s")
        return found

    # -- places

    def place(self, name: str, like: Place | None = None) -> Place:
        """A fresh store (or a copy of that of `like`) and a home whose database is migrated already."""
        folder = self.folder / f"{name}-{uuid.uuid4().hex[:6]}"
        model = like or self.tiny[1]
        shutil.copytree(model.home, folder / "home")
        if like:
            shutil.copytree(like.store, folder / "store")
        return Place(folder / "store", folder / "home")

    @cached_property
    def tiny(self) -> tuple[str, Place]:
        """The tests' tiny recipe, and a place where it has run once."""
        folder = self.folder / "tiny"
        folder.mkdir()
        recipe, place = str(write_tiny_recipe(folder)), Place(folder / "store", folder / "home")
        self.say("one run of a tiny recipe first, which migrates a database …")
        self.graft(place, "run", recipe)
        return recipe, place

    @cached_property
    def quickstart(self) -> tuple[str, Place]:
        """The recipe `quickstart` (in quick mode the tiny one), and a place where all its steps are stored."""
        if self.quick:
            return self.tiny
        place = self.place("quickstart")
        self.say("one run of quickstart first, which fills a store …")
        self.graft(place, "run", "quickstart")
        return "quickstart", place

    @contextmanager
    def running_server(self, home: Path) -> Iterator[str]:
        """A Prefect server on 127.0.0.1 while the block lasts; it ends with this process. Yields its URL."""
        port = server.free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "flows.server_process", str(port)], env=self.environment(PREFECT_HOME=str(home)),
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + SERVER_SECONDS
            while not server.healthy(server.api_url(port)):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("The Prefect server did not start.")
                time.sleep(0.1)
            yield server.api_url(port)
        finally:
            server.stop(process)
