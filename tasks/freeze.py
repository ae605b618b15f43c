"""Step `freeze`: what of the clone may train while the new head learns."""

from artifacts import codecs
from artifacts.refs import ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.pure import contracts, surgery
from tasks.pure.layer_choice import TrainableChoice
from tasks.pure.outlining import outline


@step_task
def freeze(model: ModelRef, trainable: TrainableChoice) -> StepResult:
    """Set every leaf's trainable flag. Output: `model`, with the same weights.

    Raises:
        SurgeryError: no layer of that name.
    """
    step = StepExecution("freeze", model=model, trainable=trainable)
    prepare()
    network = step.model(model)
    declared = trainable.resolved(outline(network))
    surgery.set_trainable(network, declared)
    contracts.check_declared(network, declared)
    return step.finish(model=codecs.encode_model(network, outline(network)))
