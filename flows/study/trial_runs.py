"""Trials carried out: in processes of their own, some at once, all of them ended when this one is."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, Self, cast

from flows.study.dispatching import TrialFailed, Waiting, sent
from flows.study.trials import Trial

STOP_SECONDS = 15  # for a process that was asked to stop; a training stops within a second or two
# Trials a process runs before another takes its place. To start one costs about as long as a small trial; TensorFlow
# keeps 10 to 30 MB of each network.
TRIALS_A_PROCESS = 12


class Process:
    """One process that runs trials, one after another."""

    def __init__(self, threads: int, api: str) -> None:
        environment = {**os.environ, "GRAFT_THREADS": str(threads), "PREFECT_API_URL": api}
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        # A session of its own: Ctrl-C reaches it from this process alone, once.
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "flows.study.trial_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=environment,
            start_new_session=True,
        )
        self._input, self._output = cast("IO[bytes]", self._popen.stdin), cast("IO[bytes]", self._popen.stdout)
        self.ran = 0

    @property
    def is_fresh(self) -> bool:
        """Whether it may run another trial: it lives, and has not had its share."""
        return self.ran < TRIALS_A_PROCESS and self._popen.poll() is None

    def run(self, asked: dict[str, Any]) -> str | None:
        """What went wrong, or None. Waits until the trial has ended, or the process has."""
        self.ran += 1
        with suppress(BrokenPipeError):
            self._input.write(json.dumps(asked).encode() + b"\n")
            self._input.flush()
        if answer := self._output.readline():
            problem: str | None = json.loads(answer)["problem"]
            return problem
        return self._last_words()

    def _last_words(self) -> str:
        code = self._popen.wait()
        ended = f"its process was ended by {signal.Signals(-code).name}." if code < 0 else f"exit code {code}."
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return " ".join([*lines[-1:], ended])

    def interrupt(self) -> None:
        """Ask it to stop: what it trained is kept."""
        with suppress(OSError):
            self._popen.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End it: at once if it is idle, within `STOP_SECONDS` otherwise."""
        with suppress(OSError):
            self._input.close()
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self._output.close()
        self._said.close()


@dataclass
class Processes:
    """Runs trials, at most `jobs` at once. A context manager: at its end no process is left.

    Attributes:
        study: id, for the tag of the runs.
        kind: of what that is the id: `study` or `sweep`.
        parent: id of the flow run that the trials belong to, if any.
        threads: that each trains on: part of the key, so the same for all.
        api: of the Prefect server that they report to.
    """

    study: str
    jobs: int
    threads: int
    api: str
    kind: str = "study"
    parent: str | None = None
    _idle: list[Process] = field(default_factory=list)
    _busy: list[Process] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Whatever ends this, Ctrl-C too, ends the processes, politely."""
        self._stopping.set()
        with self._lock:  # whoever begins a trial just now is in the list
            busy = list(self._busy)
        for process in busy:
            process.interrupt()
        for process in {*busy, *self._idle}:
            process.close()

    def run(self, trials: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        """Run them all; `ended` is called for each, in this thread.

        Raises:
            TrialFailed: one failed; those under way have ended, the rest never began.
        """
        pool = ThreadPoolExecutor(self.jobs)
        try:
            for trial, future in self._as_they_end(pool, trials, until):
                future.result()
                ended(trial)
        except TrialFailed:
            pool.shutdown(wait=True)
            raise
        finally:
            pool.shutdown(wait=False)

    def _as_they_end(
        self, pool: ThreadPoolExecutor, trials: Sequence[Trial], until: str | None
    ) -> Iterator[tuple[Trial, "Future[None]"]]:
        waiting, under_way = Waiting(trials, until), dict[Future[None], Trial]()
        while waiting or under_way:
            while waiting and len(under_way) < self.jobs:
                trial = waiting.next()
                under_way[pool.submit(self._run, trial, until)] = trial
            ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in ready:
                trial = under_way.pop(future)
                waiting.ended(trial)
                yield trial, future

    def _run(self, trial: Trial, until: str | None) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            process = self._idle.pop() if self._idle else Process(self.threads, self.api)
            self._busy.append(process)
        try:
            problem = process.run({**sent(self.study, trial, until), "kind": self.kind, "parent": self.parent})
        finally:
            if not self._stopping.is_set():
                self._put_back(process)
        if problem and not self._stopping.is_set():
            raise TrialFailed.of(trial, problem, self.kind)

    def _put_back(self, process: Process) -> None:
        """For the next trial; unless it has had its share, or is gone."""
        self._busy.remove(process)
        if process.is_fresh:
            self._idle.append(process)
        else:
            process.close()
