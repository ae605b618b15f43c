"""The interpreter of the DAG that runs: each step as a Prefect task, with the run's record kept up to date."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from prefect import get_run_logger

from artifacts import array_codecs
from artifacts.errors import RunFirst
from artifacts.inspection_codecs import read_inspection
from artifacts.lineage import inputs
from artifacts.refs import StepResult
from artifacts.runs import RunRecord, Runs
from flows import arguments as recipe_arguments
from flows import base_weights, dag, data_checks, interrupts, recipe_base, summary
from flows.decisions import Detective, Finding
from flows.observing import Observers
from tasks import computing, finding, resuming
from tasks.caching import ready
from tasks.clone_with_weights import clone_with_weights
from tasks.evaluate import evaluate
from tasks.figures import figures
from tasks.fine_tune import fine_tune
from tasks.freeze import freeze
from tasks.identity import SourceFiles
from tasks.inspect_data import inspect_data
from tasks.load_data import load_data
from tasks.pictures.listing import Listing
from tasks.pretrain import pretrain
from tasks.progress import Remark
from tasks.pure import architectures
from tasks.report import report
from tasks.save_model import save_model
from tasks.train_head import train_head
from tasks.unfreeze import unfreeze

if TYPE_CHECKING:
    from flows.recorded import Wish

TASKS: Mapping[str, Any] = {
    "load_data.source": load_data,
    "load_data.target": load_data,
    "inspect_data": inspect_data,
    "pretrain": pretrain,
    "save_model": save_model,
    "clone_with_weights": clone_with_weights,
    "freeze": freeze,
    "train_head": train_head,
    "unfreeze": unfreeze,
    "fine_tune": fine_tune,
    "evaluate": evaluate,
    "figures": figures,
    "report": report,
}


class _Skipped(dict[str, None]):
    """The outputs of a step that was not run; only other skipped steps receive them."""

    def __missing__(self, _name: str) -> None:
        return None


class Runner:
    """Runs the steps of one run, in the order in which the DAG names them.

    Args:
        wish: the recipe, which steps run again, and which are taken from an earlier run.
        record: the run's record, already opened.
        detective: explains why a step has to run; it sees the store as it is when the step's turn comes.
    """

    def __init__(self, wish: "Wish", record: RunRecord, detective: Detective, observer: Observers) -> None:
        self.loaded, self.choice, self.record, self.detective = wish.loaded, wish.choice, record, detective
        self.origin, self.reused = wish.origin, wish.reused
        self.store, self.observer = detective.store, observer
        self.runs = Runs(self.store)
        self.inputs: dict[str, dict[str, str]] = {}
        self.files: dict[str, dict[str, str]] = {}
        self.listings: dict[str, Listing] = {}  # role → the pictures that lie there now
        self.started = time.perf_counter()
        observer.run_started(record)

    def __call__(self, step: str, **arguments: Any) -> Any:
        if step in self.choice.skipped:
            self._note(summary.entry(step, "skipped", f"after {self.choice.asked}"))
            return _Skipped()
        began = time.perf_counter()
        run = self._reuse if step in self.reused else self._report if step == "report" else self._step
        try:
            if interrupts.heard():  # and swallowed by the step before
                raise KeyboardInterrupt
            return run(step, arguments, began)
        except BaseException as problem:
            self._fail(step, problem, time.perf_counter() - began)
            raise

    def leave_out(self) -> None:
        """Note the steps that this recipe's sentence does not have, before any of it runs."""
        for step, why in dag.left_out(self.loaded.recipe).items():
            self._note(summary.entry(step, "skipped", why))

    def _reuse(self, step: str, arguments: dict[str, Any], began: float) -> StepResult:
        """Take what the origin's step gave, whatever would be computed today. It was checked before the run began."""
        if self.origin is None:
            raise ValueError(f"`{step}` is to be taken from an earlier run, but none was named.")
        execution, given = self.origin.execution(step), self.origin.refs(step)
        if not self.store.use(execution, given.values()):
            raise RunFirst(f"`{step}` of run {self.origin.record.number} was collected just now. Run it again first.")
        result = StepResult(execution.key, given)
        self.inputs[step] = {name: ref.digest for name, ref in inputs(execution).items()}
        self.files[step] = dict(execution.identity["data"])
        if step == "inspect_data":
            self._check_data(result)
        if step == "evaluate":
            self.record = self.runs.update(self.record, metrics=summary.metrics(self.store, result["evaluation"]))
        reason = f"taken from run {self.origin.record.number}"
        self._note(summary.entry(step, "hit", reason, time.perf_counter() - began, result))
        return result

    def _step(self, step: str, arguments: dict[str, Any], began: float) -> StepResult:
        if step.startswith("load_data."):
            arguments["files"] = self._files(arguments)
        if step == "pretrain" and self.loaded.recipe.base is not None:
            arguments["weights"] = base_weights.found(self.loaded.recipe, self.store, download=True)
        seen = self.detective.look(step, arguments)
        if seen.hit and not self.choice.again.get(step):
            return self._looked_up(step, arguments, began, seen)
        # Whoever comes second waits, and then hits.
        with computing.alone(self.store, seen.key, lambda text: self.observer.remark(Remark(step, text))):
            return self._looked_up(step, arguments, began, self.detective.look(step, arguments))

    def _looked_up(self, step: str, arguments: dict[str, Any], began: float, seen: Finding) -> StepResult:
        again = self.choice.again.get(step)
        refresh = bool(again) or not seen.hit
        reason = recipe_base.said(self.loaded.recipe, step, again or seen.reason)
        if again:
            resuming.forget(self.store, seen.key)  # computed again means from the beginning
        self.observer.step_started(step, reason if refresh else "")
        get_run_logger().info("%s: %s", step, reason)
        result, cached = self._call(step, arguments, refresh)
        # A record that was moved to another key's place is not believed; one that was collected just now is gone.
        if cached and (result.key != seen.key or not self._used(seen)):
            result, cached = self._call(step, arguments, refresh=True)
        if seen.hit and not refresh and not cached:
            reason = recipe_base.said(self.loaded.recipe, step, "its cache record was not believed")
        if step.startswith("load_data."):
            self._check_scale(arguments["role"], result)
        if step == "inspect_data":
            self._check_data(result)
        self.inputs[step] = summary.input_digests(arguments)
        self.files[step] = summary.file_digests(arguments, seen.identity["data"])
        entry = summary.entry(step, "hit" if cached else "ran", reason, time.perf_counter() - began, result)
        if step == "evaluate":
            self.record = self.runs.update(self.record, metrics=summary.metrics(self.store, result["evaluation"]))
        self._note(entry)
        return result

    def _used(self, seen: Finding) -> bool:
        return seen.execution is not None and self.store.use(seen.execution)

    def _call(self, step: str, arguments: Mapping[str, Any], refresh: bool) -> tuple[StepResult, bool]:
        """Ask Prefect for the step. Called directly, not submitted, so that a cancelled run unwinds cleanly."""
        state = ready(TASKS[step], step, self.store, refresh)(**arguments, return_state=True)
        return state.result(), state.name == "Cached"

    def _files(self, arguments: Mapping[str, Any]) -> SourceFiles:
        wanted, step = recipe_arguments.path(self.loaded.recipe, arguments["role"]), f"load_data.{arguments['role']}"
        found = finding.files(arguments["selection"].dataset, wanted, self.store, step, download=True)
        if found is None:
            raise RuntimeError(f"`{step}`: expected its files after they were fetched, found none.")
        if found.listing:
            self.listings[arguments["role"]] = found.listing
        return found

    def _check_scale(self, role: str, data: StepResult) -> None:
        """Refuse images that are too dark for `scale: unit` now: the steps that use them come after a training."""
        scaled = recipe_arguments.scales_pixels(self.loaded.recipe)
        facts = self.store.manifest(data["dataset"]).facts
        if scaled and facts["image_dtype"].endswith("f4"):
            ends = facts.get("pixel_range")  # a data set that an older graft stored does not tell
            folder = self.store.folder(data["dataset"])
            seen = np.array(ends, np.float32) if ends else array_codecs.read_part(folder, "train")[0]
            architectures.check_scale(scaled, seen, role)

    def _check_data(self, inspection: StepResult) -> None:
        """Refuse what the recipe refuses, whether it was found just now or long ago: a hit is no pardon.

        Where nothing is trained, nothing is refused: who only looks at the data wants to see what is wrong with it.
        """
        if "pretrain" not in self.choice.skipped:
            found = read_inspection(self.store.folder(inspection["inspection"]))
            data_checks.check(self.loaded.recipe, found, summary.file_names(found, self.listings))

    def _report(self, step: str, arguments: dict[str, Any], began: float) -> dict[str, Any]:
        self.observer.step_started(step, "")
        about = summary.about(self, arguments, time.perf_counter() - self.started)
        written = report.with_options(task_run_name=step)(
            arguments["evaluation"], arguments["figures"], arguments["inspection"], about
        )
        self.record = self.runs.update(self.record, report=written["html"], verdict=written["verdict"])
        seconds = time.perf_counter() - began
        self._note(summary.entry(step, "ran", "never cached: it is about this run", seconds))
        return written

    def _note(self, entry: dict[str, Any]) -> None:
        self.record = self.runs.update(self.record, steps=[*self.record.steps, entry])
        self.observer.step_finished(entry)

    def _fail(self, step: str, problem: BaseException, seconds: float) -> None:
        failed = isinstance(problem, Exception) and not interrupts.heard()
        why = summary.one_line(problem) if failed else "interrupted"
        self._note(summary.entry(step, "failed", why, seconds))
        reason = f"`{step}` failed" if failed else "interrupted before"
        for later in dag.STEPS[dag.STEPS.index(step) + 1 :]:
            self._note(summary.entry(later, "skipped", reason))

    def close(self, state: str, message: str | None = None) -> RunRecord:
        """Write the record's last state: `completed`, `failed` or `cancelled`."""
        seconds = round(time.perf_counter() - self.started, 2)
        self.record = self.runs.update(self.record, state=state, seconds=seconds, message=message)
        return self.record
