"""Step `save_model`: prove that the base's file is the base."""

import tempfile
from pathlib import Path

from artifacts import codecs
from artifacts.refs import ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.pure import proof, session
from tasks.pure.outlining import outline

PROBE_SEED = 0


@step_task
def save_model(model: ModelRef) -> StepResult:
    """Save, reload in safe mode without compiling, compare. Output: `model`, with the digest that was given.

    Raises:
        ContractBroken: config, weights, trainable flags or predictions of the reloaded network differ.
    """
    step = StepExecution("save_model", model=model)
    prepare()
    session.fresh(PROBE_SEED)
    given = step.model(model)
    content = codecs.encode_model(given, outline(given))
    proof.check_digest(model.digest, codecs.model_digest(given), "the model as it lies in the store")
    with tempfile.TemporaryDirectory() as folder:
        content.write(Path(folder))
        proof.check_same(given, codecs.read_model(Path(folder)), PROBE_SEED)
    proof.check_digest(model.digest, content.digest, "the model as it was saved")
    return step.finish(model=content)
