"""Step `figures`: the pictures of the report, cached like everything that costs time."""

from typing import Any

from artifacts import codecs
from artifacts.refs import EvaluationRef, HistoryRef, StepResult
from tasks.caching import step_task
from tasks.execution import StepExecution
from tasks.pure import pictures


@step_task
def figures(
    evaluation: EvaluationRef,
    pretraining: HistoryRef,
    head_training: HistoryRef,
    fine_tuning: HistoryRef,
    mistakes: int,
) -> StepResult:
    """Draw learning curves, confusion matrix, reliability, the most confident mistakes, and what augmented trainings
    were shown. Output: `figures`."""
    histories = {"pretrain": pretraining, "train_head": head_training, "fine_tune": fine_tuning}
    arguments: dict[str, Any] = {"evaluation": evaluation, "mistakes": mistakes}
    step = StepExecution(
        "figures", **arguments, pretraining=pretraining, head_training=head_training, fine_tuning=fine_tuning
    )
    metrics, predictions = step.evaluation(evaluation)
    frames = {name: step.history(history) for name, history in histories.items()}
    seen = {name: array for name, history in histories.items() if (array := step.shown(history)) is not None}
    drawn = pictures.draw(metrics, predictions, frames, metrics["class_names"], mistakes, seen)
    return step.finish(figures=codecs.encode_figures(drawn))
