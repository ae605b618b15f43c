"""Step `clone_with_weights`: the base's layers on the target's images, with a new head."""

from artifacts import codecs
from artifacts.refs import DatasetRef, ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.pure import architectures, proof, session, surgery
from tasks.pure.batch_statistics import calibrate_batch_norms
from tasks.pure.layer_choice import Reuse
from tasks.pure.outlining import outline


@step_task
def clone_with_weights(base: ModelRef, target: DatasetRef, scion: Reuse, seed: int) -> StepResult:
    """Clone the reused layers (with weights, or as a random base), add layers and a head. Output: `model`.

    Raises:
        SurgeryError: the base has no such layers, or colours do not convert.
        BadData: the base divides pixels by 255, and the target's are within 0 … 1 already.
        ContractBroken: the base was changed by this.
    """
    step = StepExecution("clone_with_weights", base=base, target=target, scion=scion, seed=seed)
    prepare()
    source = step.model(base)
    session.fresh(seed)
    facts, images = step.facts(target), step.part(target, "train")[0]
    architectures.check_scale(surgery.has_scale(source), images, "target")
    taken = scion.resolved(outline(source))
    model = surgery.graft(source, taken, facts["image_shape"], len(facts["class_names"]), seed)
    if not scion.copy_weights:
        calibrate_batch_norms(model, images)
    proof.check_digest(base.digest, codecs.model_digest(source), "the source model, untouched by cloning,")
    return step.finish(model=codecs.encode_model(model, outline(model)))
