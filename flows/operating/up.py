"""`graft up`: server, work pool, deployments, automation and a worker, for as long as it runs; then none of them.

The server and the worker are children that cannot outlive this process. On Ctrl-C or SIGTERM the runs are cancelled
first, so that they unwind and say so; what does not listen within ten seconds is killed, and its run closed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from artifacts.errors import ServerError
from artifacts.store import Store
from flows import server
from flows.dag import STEPS
from flows.home import Home, UpState, here
from flows.operating import api, deploying, looking, processes, vanished
from flows.operating.preflight import Place, find_place
from flows.operating.stopping import Stop
from flows.operating.worker import GRACE_SECONDS, STOP_SECONDS, Worker

LOOK_SECONDS = 1.0
RESTARTS = 3  # of a worker that dies again and again within this many minutes of its start, something is wrong
RESTART_WINDOW = 180.0
STOPPED = "`graft up` was stopped. Retry goes on where this run was."
YOUNG_SECONDS = 10.0
ORPHAN_SECONDS = 5.0  # by then the worker that has the run would have ended it
FAREWELL_SECONDS = 5.0  # for what a guest's process still has to tell the server; a notebook's goes on for days

Say = Callable[[str], None]


@dataclass
class Up:
    """One `graft up`.

    Attributes:
        port: for the server, where none is configured.
        limit: how many runs the worker has at once.
        pool: the work pool.
        say: prints a line for a person.
    """

    port: int
    limit: int
    pool: str
    say: Say
    home: Home = field(default_factory=here)
    stop: Stop = field(default_factory=Stop)
    server: "subprocess.Popen[bytes] | None" = None
    known: dict[str, str] = field(default_factory=dict)
    died: list[float] = field(default_factory=list)
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    def run(self) -> int:
        """Bring all up, keep it up, take it down; returns the exit code.

        Raises:
            UsageError: another `graft up` is running, or `prefect.yaml` is wrong.
            ServerError: no server could be started or reached.
        """
        self.home.make()
        server.without_proxy()
        with self.home.occupied(), self.stop.listening(), ExitStack() as stack:
            try:
                return self._run(stack)
            except KeyboardInterrupt:
                self.say("Stopped before everything was up.")
                return 0

    def _run(self, stack: ExitStack) -> int:
        place = find_place(self.home, self.port)
        if place.own:
            self._start_server(place, stack)
        stack.enter_context(temporary_settings({PREFECT_API_URL: place.api}))
        client = stack.enter_context(api.connected())
        deployed, removed = deploying.deploy(client, place.api, self.pool)
        vanished.ensure(client)
        settled = settle_the_dead(client, self.home, self.pool) if place.own else []
        worker = self._start_worker(place, stack)
        state = UpState(
            place.api, place.ui, place.own, os.getpid(), datetime.now(UTC).isoformat(timespec="seconds"),
            worker.name, str(Store().root),
        )  # fmt: skip
        self.home.announce(state)
        self._welcome(client, state, deployed, removed, settled)
        # From here on a server that is gone is not asked again and again for a minute: there is a signal to listen to.
        stack.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
        self.stop.starting = False
        try:
            return self._keep(client, worker)
        finally:
            self._take_down(client, worker, place)

    def _start_server(self, place: Place, stack: ExitStack) -> None:
        self.server = server.start(place.port, full_server(place), self.home.fresh_log("server"))
        stack.callback(server.stop, self.server)

    def _start_worker(self, place: Place, stack: ExitStack) -> Worker:
        log = stack.enter_context(self.home.fresh_log("worker").open("ab"))
        worker = Worker(self.pool, self.limit, place.api, log)
        worker.start()
        return worker

    def _keep(self, client: Any, worker: Worker) -> int:
        """Until somebody asks to stop: say what runs, and start the worker again where it died."""
        while not self.stop.asked.wait(LOOK_SECONDS):
            with suppress(*api.Problems):
                self._tell_news(client)
                self._end_orphans(client, worker)
            if self.server and self.server.poll() is not None:
                self.say(f"The server ended by itself. Its last words are in {self.home.logs}.")
                return 1
            if worker.has_died() and not self._restart(worker):
                return 1
        return 0

    def _restart(self, worker: Worker) -> bool:
        now = time.monotonic()
        self.died = [*(then for then in self.died if now - then < RESTART_WINDOW), now]
        if len(self.died) > RESTARTS:
            self.say(f"The worker died {len(self.died)} times within minutes. Its last words are in {self.home.logs}.")
            return False
        self.say("The worker died; it is started again. The run that it had goes on.")
        worker.start()
        return True

    def _tell_news(self, client: Any) -> None:
        """A line for each run that began or ended since the last look."""
        for run in api.started_since(client, self.since):
            state = run.state_name or ""
            worth_a_line = state == "Running" or (run.state is not None and run.state.is_final())
            if worth_a_line and self.known.get(str(run.id)) != state:
                self.known[str(run.id)] = state
                self.say(looking.told(run))

    def _end_orphans(self, client: Any, worker: Worker) -> None:
        """A run that is to be cancelled, but whose worker was killed, listens to nobody else."""
        long_ago = datetime.now(UTC) - timedelta(seconds=ORPHAN_SECONDS)
        waiting = [
            run for run in api.runs(client, StateType.CANCELLING) if run.state and run.state.timestamp < long_ago
        ]
        for run in waiting:
            orphans = worker.orphans(str(run.id))
            processes.end(orphans, STOP_SECONDS)
            gone = (
                self.server is not None
                and not self.home.is_alive(str(run.id))
                and not worker.running().get(str(run.id))
            )
            if orphans or gone:
                api.close(client, str(run.id), "Cancelled.", although_final=True)

    def _take_down(self, client: Any, worker: Worker, place: Place) -> None:
        self.say("Stopping: running steps are cancelled …")
        self.home.state_file.unlink(missing_ok=True)
        deadline = time.monotonic() + GRACE_SECONDS
        guests = self._signal_guests(worker, place, signal.SIGINT)
        cancelled = worker.stop(client, STOPPED, self.stop.hurry)
        guests |= self._signal_guests(worker, place, signal.SIGINT, but=guests)  # begun just before
        while self._guests(worker, place) and time.monotonic() < deadline and not self.stop.hurry():
            time.sleep(LOOK_SECONDS / 5)
        guests |= self._signal_guests(worker, place, signal.SIGTERM)
        self._see_off(guests.values())
        for run in guests:
            api.close(client, run, STOPPED)
        with suppress(*api.Problems):
            if place.own:
                settle_the_dead(client, self.home, self.pool)
        count = len({*cancelled, *guests})
        self.say(f"Stopped. {count} run{'' if count == 1 else 's'} cancelled: Retry, or the next run, goes on there.")

    def _guests(self, worker: Worker, place: Place) -> dict[str, int]:
        """Each `graft run` of another terminal that speaks to the server that is about to go."""
        living = self.home.living(place.api) if place.own else {}
        ours = worker.running() if living else {}
        return {run: process for run, process in living.items() if run not in ours}

    def _signal_guests(
        self, worker: Worker, place: Place, number: int, but: Collection[str] = ()
    ) -> dict[str, psutil.Process]:
        """Ctrl-C or SIGTERM to all of them, save those that are unwinding already."""
        guests: dict[str, psutil.Process] = {}
        for run, number_of_process in self._guests(worker, place).items():
            with suppress(psutil.Error):
                if run not in but:
                    guests[run] = psutil.Process(number_of_process)
                    guests[run].send_signal(number)
        return guests

    def _see_off(self, guests: Iterable[psutil.Process]) -> None:
        """Let the guests' processes end. A run's lock is gone before Prefect's client in there has said its last words,
        and a client that finds no server any more asks for it again and again."""
        deadline = time.monotonic() + FAREWELL_SECONDS
        while any(map(processes.is_there, guests)) and time.monotonic() < deadline and not self.stop.hurry():
            time.sleep(LOOK_SECONDS / 5)

    def _welcome(
        self,
        client: Any,
        state: UpState,
        deployed: list[str],
        removed: list[deploying.Removed],
        settled: list[FlowRun],
    ) -> None:
        steps = [name for name in deployed if name.startswith("step/")]
        self.say(f"All is up. Prefect's UI: {state.ui}")
        self.say(f"  server       {'its own, ' + str(self.home.prefect) if state.own else 'the configured one'}")
        self.say(f"  deployments  {', '.join(name for name in deployed if name not in steps)}, step/… ({len(steps)})")
        for line in looking.schedules(client):
            self.say(f"  schedule     {line}")
        for each in removed:
            self.say(f"  removed      schedule `{each.slug}` of {each.deployment}: prefect.yaml no longer has it")
        for run in settled:
            self.say(f"  settled      {run.name}: its process was gone")
        self.say(f"  worker       {state.worker}, {self.limit} run{'' if self.limit == 1 else 's'} at once")
        self.say(f"  store        {state.store}")
        self.say("Ctrl-C stops all of it.")


def full_server(place: Place) -> dict[str, str]:
    """Settings of a server with its UI, for this machine alone."""
    return {
        "PREFECT_UI_ENABLED": "1",
        "PREFECT_SERVER_UI_API_URL": place.api,
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(place.port),
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
    }


def settle_the_dead(client: Any, home: Home, pool: str) -> list[FlowRun]:
    """Close the runs of graft's own server that say they go on although no process of this machine is at them."""
    found = api.runs(client, StateType.RUNNING, StateType.CANCELLING) + api.runs(client, StateType.PENDING, pool=pool)
    young = datetime.now(UTC) - timedelta(seconds=YOUNG_SECONDS)  # it has not got to its lock yet
    dead = [
        run for run in found
        if not home.is_alive(str(run.id)) and not (run.state and run.state.is_running() and run.state.timestamp > young)
    ]  # fmt: skip
    for run in dead:
        api.settle(client, run)
    return dead


def check(port: int, pool: str, say: Say) -> int:
    """Only say what would start."""
    home = here()
    if home.is_up():
        with home.occupied():  # raises, and says which one
            pass
    place = find_place(home, port)
    if place.own:
        say(f"  server       would start at {place.ui}, with its database in {home.prefect}")
    else:
        say(f"  server       the configured one, {place.api}, answers")
    for name, slugs in deploying.declared().items():
        say(f"  deployment   {name}{', schedules: ' + ', '.join(slugs) if slugs else ''}")
    say(f"  deployments  step/…, {len(STEPS)} of them, one for each step")
    say(f"  automation   “{vanished.NAME}”")
    say(f"  worker       for the pool `{pool}`; its runs use the store {Store().root}")
    return 0


def up(port: int, limit: int, pool: str) -> int:
    """Bring everything up and keep it up."""

    def say(line: str) -> None:
        with suppress(OSError):  # a terminal that is gone stops no taking down
            print(line, flush=True)

    if sys.stdout.isatty():
        say("Bringing up server, deployments and worker …")
    try:
        return Up(port, limit, pool, say).run()
    except api.Problems as problem:
        raise ServerError(
            f"The Prefect server failed: {' '.join(str(problem).split())}. See {here().logs}."
        ) from problem
