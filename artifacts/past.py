"""A past run, as a notebook wants it: `Store().run("last").model()`, `.history()`, `.predictions()`."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import codecs
from artifacts.errors import ArtifactMissing, RecordDamaged
from artifacts.executions import Execution, Output
from artifacts.refs import KINDS, Ref
from artifacts.runs import RunRecord, Runs
from artifacts.store import Store

if TYPE_CHECKING:
    import keras
    import pandas as pd

# Steps that train, in order: their second output is a history.
TRAININGS = ("pretrain", "train_head", "fine_tune")


class PastRun:
    """What a run left: its record, and the artifacts of its steps, each checked before it is read.

    Attributes:
        record: the run's record.
    """

    def __init__(self, store: Store, record: RunRecord) -> None:
        self.store, self.record = store, record

    def model(self, step: str = "fine_tune") -> "keras.Model":
        """The Keras network that `step` made, not compiled; that of the fine-tuning unless told otherwise.

        Raises:
            ArtifactMissing: the step did not run in this run, makes no model, or its artifact was collected.
            ArtifactDamaged: its bytes are not those that were stored.
        """
        return codecs.read_model(self.folder(step, "model"))

    def history(self, step: str | None = None) -> "pd.DataFrame":
        """Loss and accuracy, an epoch a row; of all trainings, with a column `step`, or of one without it."""
        import pandas as pd

        if step is not None:
            return codecs.read_history(self.folder(step, "history"))
        frames = [self.history(each).assign(step=each) for each in TRAININGS if self.record.outputs(each)]
        if not frames:
            raise ArtifactMissing(f"Run {self.record.number} trained nothing: it {self.record.state} before that.")
        return pd.concat(frames, ignore_index=True)

    def predictions(self) -> "pd.DataFrame":
        """A row a test image, in order: `label`, `predicted` (names), `right`, and a probability for each class."""
        import pandas as pd

        names = self.metrics()["class_names"]
        arrays = codecs.read_predictions(self.folder("evaluate", "evaluation"))
        probabilities, labels = arrays["probabilities"], arrays["labels"]
        answers = probabilities.argmax(axis=1)
        columns = {
            "label": [names[label] for label in labels],
            "predicted": [names[answer] for answer in answers],
            "right": answers == labels,
        }
        shares = {f"p({name})": probabilities[:, column] for column, name in enumerate(names)}
        return pd.DataFrame({**columns, **shares})

    def metrics(self) -> dict[str, Any]:
        """Every figure of the evaluation (see `tasks/pure/metrics.py`)."""
        return codecs.read_evaluation(self.folder("evaluate", "evaluation"))

    def refs(self, step: str) -> dict[str, Ref]:
        """Name → reference of what `step` gave in this run, the main one first.

        The run's own record says it. The execution of the same key may speak of other bits by now: where two computers
        share a store, or a library's bits depend on the CPU, the last one to run the step has written it.

        Raises:
            ArtifactMissing: the step did not end in this run.
        """
        given = self.record.outputs(step)
        if not given:
            raise ArtifactMissing(self._no_result(step))
        main = next(entry.get("artifact") for entry in self.record.steps if entry["step"] == step)
        named = sorted(given.items(), key=lambda each: each[1] != main)  # a record's JSON is sorted by name
        return {name: KINDS[name](digest) for name, digest in named}

    def ref(self, step: str, output: str) -> Ref:
        """The reference that `step` gave under the name `output`, in this run.

        Raises:
            ArtifactMissing: it gave none.
        """
        given = self.refs(step)
        if output not in given:
            raise ArtifactMissing(f"`{step}` gives {', '.join(given)}, no {output}.")
        return given[output]

    def execution(self, step: str) -> Execution:
        """The execution that `step` was, or hit.

        Raises:
            ArtifactMissing: the step did not end in this run, or its execution was collected since.
            RecordDamaged: it was altered.
        """
        key = self.keys.get(step)
        if key is None:
            raise ArtifactMissing(self._no_result(step))
        found = self.store.execution(key)
        if found is None:
            raise ArtifactMissing(f"The execution of `{step}` is gone. `{self.record.command()}` makes it again.")
        return found

    def folder(self, step: str, output: str) -> Path:
        """The folder with the files of an output, checked.

        Raises:
            ArtifactMissing, ArtifactDamaged, RecordDamaged: it is not what was stored.
        """
        ref = self.ref(step, output)
        now = self._now(step, output)
        try:
            self.store.check(ref, now.manifest if now and now.ref == ref else None)
        except ArtifactMissing:
            raise ArtifactMissing(self._gone(step, ref, now)) from None
        return self.store.folder(ref)

    def _now(self, step: str, output: str) -> Output | None:
        """What the execution says of an output by now; None where it is gone or damaged: the manifest is sealed too."""
        try:
            return self.execution(step).outputs.get(output)
        except (ArtifactMissing, RecordDamaged):
            return None

    def _no_result(self, step: str) -> str:
        record = self.record
        return (
            f"`{step}` has no result in run {record.number} ({record.state}). It has: {', '.join(self.keys) or 'none'}."
        )

    def _gone(self, step: str, ref: Ref, now: Output | None) -> str:
        made = f"The {ref.kind} that `{step}` made in run {self.record.number}, {ref.digest[:19]}…, is gone"
        if now is None or now.ref == ref:
            return f"{made}. `{self.record.command()}` makes it again."
        return (
            f"{made}; the step ran again since, under the same key, and made other bits ({now.ref.digest[:19]}…). "
            f"`{self.record.command()}` gives those."
        )

    def all_records(self) -> list[RunRecord]:
        """The records of every run of the store, oldest first."""
        return Runs(self.store).all()

    @cached_property
    def keys(self) -> dict[str, str]:
        return self.record.keys()
