"""Step `load_data` (twice: `load_data.source`, `load_data.target`): from files to the images and labels of a task."""

from pathlib import Path

from artifacts import array_codecs
from artifacts.errors import DataError
from artifacts.refs import StepResult
from tasks.caching import step_task
from tasks.execution import StepExecution
from tasks.identity import SourceFiles, identity
from tasks.pure import datasets, readers


@step_task
def load_data(role: str, selection: datasets.Selection, files: SourceFiles) -> StepResult:
    """Read the files, select the task, split. Output: `dataset`.

    Args:
        role: `source` or `target`.
        selection: what to take of the data set.
        files: where it lies; the key holds the files' hashes, not their paths.

    Raises:
        BadData: the data cannot be trained on.
        DataError: a file changed while it was read.
    """
    name = f"load_data.{role}"
    arguments = {"role": role, "selection": selection, "files": files}
    step = StepExecution(name, **arguments)
    raw = readers.read(selection.dataset, {role: Path(path) for role, path in files.paths.items()})
    chosen = datasets.select(raw, selection)
    if identity(name, arguments, step.store) != step.identity:
        raise DataError(f"The files of `{role}` changed while they were read. Run again when they are at rest.")
    if selection.drop_duplicates:
        step.note("dropped", dict(zip(("exact", "near"), chosen.dropped, strict=True)))
    parts = {
        "train": (chosen.x_train, chosen.y_train),
        "validation": (chosen.x_validation, chosen.y_validation),
        "gate": (chosen.x_gate, chosen.y_gate),
        "test": (chosen.x_test, chosen.y_test),
    }
    return step.finish(dataset=array_codecs.encode_dataset(parts, chosen.class_names))
