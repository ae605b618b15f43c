"""Step `evaluate`: the only one that sees the test split."""

from typing import Any

from artifacts import codecs
from artifacts.refs import DatasetRef, InspectionRef, ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.pure import judgement, plain_controls, session


@step_task
def evaluate(
    model: ModelRef,
    head: ModelRef,
    base: ModelRef | None,
    source: DatasetRef | None,
    target: DatasetRef,
    inspection: InspectionRef,
    bootstrap: int,
    confidence: float,
    seed: int,
) -> StepResult:
    """Judge the fine-tuned network, the one before fine-tuning, and the base on its own task. Output: `evaluation`.

    A base that was taken in (None, without a source) has neither a head nor a task of its own to be judged on.

    The network is judged without the test images that were trained on, too, where the inspection found some, and beside
    two plain controls: logistic regression on raw pixels, and the constant answer.
    """
    arguments: dict[str, Any] = {"model": model, "head": head, "base": base, "source": source, "target": target}
    arguments["inspection"] = inspection
    step = StepExecution("evaluate", **arguments, bootstrap=bootstrap, confidence=confidence, seed=seed)
    prepare()
    session.fresh(seed)
    bounds = judgement.Bounds(bootstrap, confidence, seed)
    ours = _task(step, target)
    metrics, predictions = judgement.judge(step.model(model), ours, bounds)
    metrics["without_duplicates"] = judgement.without(predictions, step.inspection(inspection)["trained_on"], bounds)
    right = predictions["probabilities"].argmax(axis=1) == predictions["labels"]
    metrics["controls"], of_pixels = plain_controls.beside(
        right, step.part(target, "train"), ours.test, ours.class_names, bounds
    )
    metrics["after_head"], of_head = judgement.accuracy_only(step.model(head), ours, bounds)
    predictions |= {"head_right": of_head, "raw_pixels_right": of_pixels}  # image by image, for studies
    metrics["base"] = _of_the_base(step, base, source, bounds)
    return step.finish(evaluation=codecs.encode_evaluation(metrics, predictions))


def _of_the_base(
    step: StepExecution, base: ModelRef | None, source: DatasetRef | None, bounds: judgement.Bounds
) -> dict[str, Any] | None:
    if base is None or source is None:
        return None
    return judgement.base_figures(step.model(base), _task(step, source), bounds)


def _task(step: StepExecution, dataset: DatasetRef) -> judgement.JudgedTask:
    names = tuple(step.facts(dataset)["class_names"])
    return judgement.judged_task(step.part(dataset, "train"), step.part(dataset, "test"), names)
