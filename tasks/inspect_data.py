"""Step `inspect_data`: looks at the data sets before anything is trained on them."""

from artifacts.array_codecs import DATASET_PARTS
from artifacts.inspection_codecs import encode_inspection
from artifacts.refs import DatasetRef, StepResult
from tasks.caching import step_task
from tasks.execution import StepExecution
from tasks.pure.data import looks, sheets


@step_task
def inspect_data(source: DatasetRef | None, target: DatasetRef) -> StepResult:
    """Count, measure, find duplicates across the parts, and draw a contact sheet of each data set; of the target alone
    where the base was taken in and there is no source.

    Output: `inspection`. Nothing is refused here, so that what was found is kept, whatever a recipe makes of it.
    """
    step = StepExecution("inspect_data", source=source, target=target)
    given = {"source": source, "target": target}
    data = {role: _looked_at(step, dataset) for role, dataset in given.items() if dataset is not None}
    drawn = {role: sheets.contact_sheet(each.class_names, each.parts) for role, each in data.items()}
    return step.finish(inspection=encode_inspection(looks.findings(data.get("source"), data["target"]), drawn))


def _looked_at(step: StepExecution, dataset: DatasetRef) -> looks.Data:
    facts = step.facts(dataset)
    parts = {part: step.part(dataset, part) for part in DATASET_PARTS if facts["counts"][part]}
    return looks.Data(tuple(facts["class_names"]), parts, step.files(dataset))
