"""Step `train_head`: train the new head (and added layers) on the frozen base."""

import numpy as np

from artifacts import codecs
from artifacts.refs import DatasetRef, ModelRef, StepResult
from tasks import features as stored
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.find_rate import settled
from tasks.pure import copies, frozen, rate_finding, session, shown, stages
from tasks.pure.execution_path import FeatureCache
from tasks.pure.layer_choice import TrainableChoice
from tasks.pure.outlining import outline
from tasks.pure.training import Training


@step_task
def train_head(
    model: ModelRef,
    target: DatasetRef,
    trainable: TrainableChoice,
    training: Training,
    features: FeatureCache,
    seed: int,
) -> StepResult:
    """Train what `freeze` left trainable. Outputs: `model`, `history`.

    Raises:
        ContractBroken: a frozen layer moved, or something trains that was not declared.
    """
    step = StepExecution(
        "train_head", model=model, target=target, trainable=trainable, training=training, features=features, seed=seed
    )
    prepare(training.precision)
    session.fresh(seed)
    network = step.model(model)
    declared = trainable.resolved(outline(network))
    parts = stored.parts(step, frozen.frozen_part(network, step.path.cut), target, training, seed)
    training = settled(
        step,
        training,
        lambda: rate_finding.find(network, parts[0], training, seed, step.path.cut),
        model=model,
        target=target,
        seed=seed,
    )
    fitted = stages.train_under_contract(
        network, parts, declared, training, seed, step.watch(training), step.path, step.interrupted(training)
    )
    step.report(fitted)
    seen = _shown(step, target, training, seed) if training.augment.active else None
    return step.finish(
        model=codecs.encode_model(network, outline(network)), history=codecs.encode_history(fitted.history, seen)
    )


def _shown(step: StepExecution, target: DatasetRef, training: Training, seed: int) -> np.ndarray | None:
    images, _ = step.part(target, "train")
    if step.path.cut is not None:
        return copies.shown_of_copies(images, training.augment, seed)
    return shown.shown(images, training, seed)
