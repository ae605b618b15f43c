"""Step `unfreeze`: what may train during fine-tuning. Batch norms stay in inference mode unless told otherwise."""

from artifacts import codecs
from artifacts.refs import ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.pure import contracts, surgery


@step_task
def unfreeze(model: ModelRef, trainable: surgery.Trainable) -> StepResult:
    """Set every leaf's trainable flag. Output: `model`, with the same weights.

    Raises:
        SurgeryError: no layer of that name.
    """
    step = StepExecution("unfreeze", model=model, trainable=trainable)
    prepare()
    network = step.model(model)
    surgery.set_trainable(network, trainable)
    contracts.check_declared(network, trainable)
    return step.finish(model=codecs.encode_model(network))
