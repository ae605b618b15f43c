"""One execution of a step: read its inputs from the store, put its outputs, record what happened."""

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import array_codecs, codecs, inspection_codecs
from artifacts.digest import digest_json
from artifacts.executions import Execution
from artifacts.refs import DatasetRef, EvaluationRef, FiguresRef, HistoryRef, InspectionRef, ModelRef, Ref, StepResult
from artifacts.store import Encoded, Store
from tasks import progress, resuming
from tasks.choosing import choose
from tasks.identity import identity
from tasks.pure.data.rows import lazily
from tasks.pure.execution_path import Chosen, ExecutionPath
from tasks.pure.training import OnProgress, Part, State, Training, Watch

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from tasks.pure import fitting


class StepExecution:
    """The bookkeeping round a step's pure code.

    Made at the start of a task with the step's name and the very arguments of the task; `finish` ends it. If the body
    raises, nothing is recorded, and the next run computes the step again.
    """

    def __init__(self, step: str, **arguments: Any) -> None:
        self.store = Store()
        self.step = step
        self.identity = identity(step, arguments, self.store)
        self.key = digest_json(self.identity)
        chosen = choose(step, arguments, self.store) or Chosen(ExecutionPath())
        self.path = chosen.path
        self._facts: dict[str, Any] = {}
        self._started = time.perf_counter()
        if chosen.remark:
            self.remark(f"computes the frozen layers in every epoch: {chosen.remark}")

    def finish(self, **outputs: Encoded) -> StepResult:
        """Put the outputs, the main one first, write the execution, and return the references."""
        stored = {name: self.store.put(content) for name, content in outputs.items()}
        seconds = round(time.perf_counter() - self._started, 3)
        execution = Execution(self.identity, stored, seconds, self._facts)
        self.store.record(execution)
        resuming.forget(self.store, self.key)
        return StepResult(self.key, execution.refs())

    def note(self, name: str, value: Any) -> None:
        """Record a plain fact about this execution: what really ran, how long."""
        self._facts[name] = value

    def remark(self, text: str) -> None:
        """Tell whoever watches."""
        progress.tell(progress.Remark(self.step, text))

    def model(self, ref: ModelRef) -> "keras.Model":
        """The network of `ref`, reloaded in safe mode, not compiled."""
        return codecs.read_model(self._checked(ref))

    def facts(self, ref: Ref) -> dict[str, Any]:
        """The facts in the manifest of `ref` (shapes, class names) without reading its arrays."""
        return dict(self.store.manifest(ref).facts)

    def part(self, ref: DatasetRef, part: str) -> Part:
        """Images (n, height, width, channels) and labels (n,) of one part; large ones are read when asked for."""
        images, labels = array_codecs.read_part(self._checked(ref), part)
        return lazily(images), labels

    def inspection(self, ref: InspectionRef) -> dict[str, Any]:
        """What was found in the data."""
        return inspection_codecs.read_inspection(self._checked(ref))

    def files(self, ref: DatasetRef) -> dict[str, np.ndarray]:
        """Part → the SHA-256 of the file of each picture, see `array_codecs.read_files`."""
        return array_codecs.read_files(self._checked(ref))

    def history(self, ref: HistoryRef) -> "pd.DataFrame":
        return codecs.read_history(self._checked(ref))

    def shown(self, ref: HistoryRef) -> np.ndarray | None:
        """Some of the augmented pictures of that training, uint8 (m, h, w, c); None where it augmented nothing."""
        return codecs.read_shown(self._checked(ref))

    def evaluation(self, ref: EvaluationRef) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The figures and the arrays of predictions."""
        folder = self._checked(ref)
        return codecs.read_evaluation(folder), codecs.read_predictions(folder)

    def figures(self, ref: FiguresRef) -> dict[str, bytes]:
        """The pictures by name, PNG bytes."""
        return codecs.read_figures(self._checked(ref))

    def watch(self, training: Training) -> Watch:
        """Who looks on at `fitting.fit`: progress becomes news with seconds, and every so often the state is kept."""
        return Watch(
            progress=self._progress(training.epochs),
            remark=self.remark,
            clock=time.perf_counter,
            save=resuming.saver(self.store, self.key),
        )

    def interrupted(self, training: Training) -> State | None:
        """Where an earlier execution of the same key was interrupted, to go on from there."""
        state = resuming.find(self.store, self.key, training)
        if state:
            self.remark(f"goes on after epoch {state.epoch}, where it was interrupted")
            self.note("resumed_after_epoch", state.epoch)
        return state

    def report(self, fitted: "fitting.Fitted") -> None:
        """Record how a training was really computed, whatever had been chosen."""
        how = {"jit": fitted.jit, "streamed": fitted.streamed, "cut": self.path.cut}
        seconds = {"seconds": fitted.seconds, "compile_seconds": fitted.compile_seconds}
        self.note("training", {**how, **{name: round(value, 3) for name, value in seconds.items()}})

    def _progress(self, epochs: int) -> OnProgress:
        """Turns (epochs done, fraction of the next, logs) into news with seconds."""
        began = time.perf_counter()

        def on_progress(epoch: int, fraction: float, logs: dict[str, float]) -> None:
            nonlocal began
            now = time.perf_counter()
            progress.tell(progress.EpochNews(self.step, epoch, epochs, fraction, logs, now - began if logs else 0.0))
            began = now if logs else began

        return on_progress

    def _checked(self, ref: Ref) -> Any:
        self.store.check(ref)
        return self.store.folder(ref)
