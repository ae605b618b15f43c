"""Step `load_data` (twice: `load_data.source`, `load_data.target`): from files to the images and labels of a task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts import array_codecs
from artifacts.errors import DataError
from artifacts.refs import StepResult
from tasks.caching import step_task
from tasks.decode import decoded
from tasks.execution import StepExecution
from tasks.finding import unchanged
from tasks.identity import SourceFiles
from tasks.pictures.listing import Listing
from tasks.pure import datasets, readers
from tasks.pure.data import labelled, of_task

MOST_NAMED = 100  # damaged files that the record of an execution names


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
    step = StepExecution(f"load_data.{role}", role=role, selection=selection, files=files)
    raw, about = _pictures(step, selection, files.listing) if files.listing else _arrays(step, selection, files)
    if not unchanged(selection.dataset, files, step.store, step.step):
        raise DataError(f"The files of `{role}` changed while they were read. Run again when they are at rest.")
    chosen = datasets.select(raw, selection)
    if selection.drop_duplicates:
        step.note("dropped", dict(zip(("exact", "near"), chosen.dropped, strict=True)))
    parts = {
        "train": (chosen.x_train, chosen.y_train),
        "validation": (chosen.x_validation, chosen.y_validation),
        "gate": (chosen.x_gate, chosen.y_gate),
        "test": (chosen.x_test, chosen.y_test),
    }
    return step.finish(dataset=array_codecs.encode_dataset(parts, chosen.class_names, about, chosen.files))


def _arrays(
    step: StepExecution, selection: datasets.Selection, files: SourceFiles
) -> tuple[readers.RawData, Mapping[str, Any]]:
    """Data sets that lie in a few files."""
    raw = readers.read(selection.dataset, {role: Path(path) for role, path in files.paths.items()})
    if raw.unread:
        step.remark(f"nobody reads the arrays {', '.join(f'`{name}`' for name in raw.unread)}")
    return raw, {}


def _pictures(
    step: StepExecution, selection: datasets.Selection, listing: Listing
) -> tuple[readers.RawData, Mapping[str, Any]]:
    """Data sets that are pictures, each in a file."""
    where = str(listing.root)
    wanted = of_task.wanted(listing.pictures, listing.classes, selection, where)
    decoding = of_task.decoding_of(wanted, selection, where)
    found = decoded(step, wanted, decoding)
    if selection.on_damaged == "refuse":
        of_task.refuse_damaged(found.damaged, len(wanted))
    step.note("damaged", [{"file": path, "problem": why} for path, why in list(found.damaged.items())[:MOST_NAMED]])
    about = of_task.about(wanted, decoding, len(found.damaged))
    for line in of_task.remarks(listing.skipped, listing.unread, about["pictures"]):
        step.remark(line)
    task = of_task.labelled(wanted, found.images, found.rows, listing.classes)
    return labelled.raw_data(task, selection.test, where), about
