"""`graft diff`: what differs between two runs, and whether their accuracies do, on the same test images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifacts.errors import StoreError
from artifacts.past import PastRun
from tasks.pure.paired import paired_difference

ABSENT = "—"


def compare(one: PastRun, two: PastRun) -> dict[str, Any]:
    """Parameters, code files, data, versions and metrics that differ, and the paired difference in accuracy.

    Returns:
        `runs`, then `parameters`, `code`, `data`, `versions`, `metrics` (name → [before, after]), `accuracy` (see
        `paired_difference`; None where it cannot be had), `accuracy_note` (why not, or None), and `unknown` (why an
        execution could not be compared).
    """
    parts, unknown = _executions(one, two)
    accuracy, note = _accuracy(one, two)
    return {
        "runs": [{"run": run.record.id, "number": run.record.number, "name": run.record.name} for run in (one, two)],
        "parameters": changes(dict(flat(one.record.resolved)), dict(flat(two.record.resolved))),
        **parts,
        "metrics": changes(one.record.metrics, two.record.metrics),
        "accuracy": accuracy,
        "accuracy_note": note,
        "unknown": unknown,
    }


def flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted names."""
    if not isinstance(value, Mapping):
        yield name, value
        return
    for key, inner in value.items():
        yield from flat(inner, f"{name}.{key}" if name else str(key))


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """name → [before, after], for the names whose values differ; `ABSENT` on the side that has none."""
    names = list(dict.fromkeys([*before, *after]))
    return {
        name: [before.get(name, ABSENT), after.get(name, ABSENT)]
        for name in names
        if before.get(name, ABSENT) != after.get(name, ABSENT)
    }


def _executions(one: PastRun, two: PastRun) -> tuple[dict[str, dict[str, list[Any]]], list[str]]:
    """Code, data and versions of the steps that both runs have; and what could not be read."""
    merged: dict[str, list[dict[str, Any]]] = {"code": [{}, {}], "data": [{}, {}], "versions": [{}, {}]}
    unknown = []
    for step in [step for step in one.keys if step in two.keys]:
        try:
            identities = [run.execution(step).identity for run in (one, two)]
        except StoreError as problem:
            unknown.append(str(problem))
            continue
        for side, identity in enumerate(identities):
            merged["code"][side] |= identity["code"]
            merged["versions"][side] |= identity["versions"] | (identity.get("device") or {})
            merged["data"][side] |= {f"{step}: {name}": sha256 for name, sha256 in identity["data"].items()}
    return {name: changes(*sides) for name, sides in merged.items()}, unknown


def _accuracy(one: PastRun, two: PastRun) -> tuple[dict[str, Any] | None, str | None]:
    try:
        answers = [_answers(run) for run in (one, two)]
    except StoreError as problem:
        return None, str(problem)
    before, after = answers
    if before.images != after.images:
        return None, "The two were not tested on the same images, so that they cannot be compared one by one."
    if before.labels != after.labels:
        return None, "The same test images have other labels in the two, so that their answers cannot be compared."
    return paired_difference(before.right, after.right, confidence=before.confidence), None


@dataclass(frozen=True)
class _Answers:
    """Whether each answer was right, SHA-256 of the test images, their labels by name, the recipe's confidence."""

    right: np.ndarray
    images: str
    labels: list[str]
    confidence: float


def _answers(run: PastRun) -> _Answers:
    run.folder("load_data.target", "dataset")  # sound, or an error
    images = run.store.manifest(run.ref("load_data.target", "dataset")).files["x_test.npy"]
    said = run.predictions()
    return _Answers(said["right"].to_numpy(), images.sha256, said["label"].tolist(), float(run.metrics()["confidence"]))
