"""Trials carried out: each in a process of its own, some at once, all of them ended when this one is."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from artifacts.errors import GraftError
from flows.study.trials import Trial

STOP_SECONDS = 15  # for a process that was asked to stop; a training stops within a second or two


class TrialFailed(GraftError):
    """A trial's run failed; the study goes on when what it says is mended."""


@dataclass
class Processes:
    """Runs trials, at most `jobs` at once.

    Attributes:
        study: id, for the tag of the runs.
        threads: that each trains on: part of the key, so the same for all.
        api: of the Prefect server that they report to.
    """

    study: str
    jobs: int
    threads: int
    api: str
    _living: set["subprocess.Popen[bytes]"] = field(default_factory=set)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, trials: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        """Run them all, in order; `ended` is called for each, in this thread.

        Raises:
            TrialFailed: one failed; those under way have ended, the rest never began.
        """
        with self._ending(), ThreadPoolExecutor(self.jobs) as pool:
            for trial, future in self._as_they_end(pool, trials, until):
                future.result()
                ended(trial)

    def _as_they_end(
        self, pool: ThreadPoolExecutor, trials: Sequence[Trial], until: str | None
    ) -> Iterator[tuple[Trial, "Future[None]"]]:
        waiting, under_way = list(trials), dict[Future[None], Trial]()
        while waiting or under_way:
            while waiting and len(under_way) < self.jobs:
                trial = waiting.pop(0)
                under_way[pool.submit(self._run, trial, until)] = trial
            ready, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in ready:
                yield under_way.pop(future), future

    def _run(self, trial: Trial, until: str | None) -> None:
        asked = {"study": self.study, "recipe": trial.loaded.name, "overrides": trial.loaded.overrides}
        command = [sys.executable, "-m", "flows.study.trial_process"]
        environment = {**os.environ, "GRAFT_THREADS": str(self.threads), "PREFECT_API_URL": self.api}
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        )
        self._living.add(process)
        try:
            _, said = process.communicate(json.dumps({**asked, "arm": trial.arm, "until": until}).encode())
        finally:
            self._living.discard(process)
        if process.returncode and not self._stopping.is_set():
            last = said.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise TrialFailed(
                f"The trial `{trial.arm}` with seed {trial.seed} failed: {last[0]} "
                "What had ended is in the store; run the study again to go on from there."
            )

    @contextmanager
    def _ending(self) -> Iterator[None]:
        """Whatever ends this, Ctrl-C too, ends the processes: politely, so that what they trained is kept."""
        try:
            yield
        except BaseException:
            self._stopping.set()
            for process in list(self._living):
                process.terminate()
            raise
