"""Step `fine_tune`: go on with part of the base unfrozen, at a low learning rate."""

from artifacts import codecs
from artifacts.refs import DatasetRef, ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.pure import fitting, session, stages, surgery


@step_task
def fine_tune(
    model: ModelRef, target: DatasetRef, trainable: surgery.Trainable, training: fitting.Training, seed: int
) -> StepResult:
    """Train what `unfreeze` left trainable. Outputs: `model`, `history`.

    Raises:
        ContractBroken: a frozen layer moved, or something trains that was not declared.
    """
    step = StepExecution("fine_tune", model=model, target=target, trainable=trainable, training=training, seed=seed)
    prepare()
    session.fresh(seed)
    network = step.model(model)
    train, validation = step.part(target, "train"), step.part(target, "validation")
    watch = step.watch(training.epochs)
    history = stages.train_under_contract(network, train, validation, trainable, training, seed, watch)
    return step.finish(model=codecs.encode_model(network), history=codecs.encode_history(history))
