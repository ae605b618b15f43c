"""The sections of the benchmark: name, what is measured, and the function that measures it."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import run_sections, scaling_sections, training_sections
from tests.benchmarks.bench import Bench
from tests.benchmarks.results import Findings


@dataclass(frozen=True)
class Section:
    """One measurement that can be chosen by its name."""

    name: str
    title: str
    measure: Callable[[Bench], Findings]


SECTIONS = {
    section.name: section
    for section in (
        Section("dense", "the notebook's experiment: a plain Keras script ÷ a cold run", training_sections.dense),
        Section("cnn_epoch", "an epoch of a CNN, 6,000 images: graft ÷ `model.fit`", training_sections.cnn_epoch),
        Section("dense_epoch", "an epoch of the dense network: graft ÷ `model.fit`", training_sections.dense_epoch),
        Section("features", "a CNN's head: in-graph ÷ on cached features", training_sections.features),
        Section(
            "photo_features",
            "EfficientNet-Lite0's head: in-graph ÷ on cached features",
            training_sections.photo_features,
        ),
        Section("one_change", "one late parameter changed ÷ that by hand + a cached run", run_sections.one_change),
        Section("cached", "a fully cached run ÷ an empty Prefect flow", run_sections.cached),
        Section("cached_running", "the same with a server that is running already", run_sections.cached_running),
        Section("cli", "`graft --help` and `graft plan` ÷ an import of Prefect", run_sections.cli),
        Section("scaling", "cost against images, and against runs in the store", scaling_sections.scaling),
    )
}
