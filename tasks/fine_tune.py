"""Step `fine_tune`: go on with part of the base unfrozen, at a low learning rate."""

from artifacts import codecs
from artifacts.refs import DatasetRef, ModelRef, StepResult
from tasks import features as stored
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.find_rate import settled
from tasks.pure import frozen, rate_finding, session, shown
from tasks.pure.execution_path import FeatureCache
from tasks.pure.layer_choice import TrainableChoice
from tasks.pure.outlining import outline
from tasks.pure.training import Training
from tasks.pure.tuning import Asked, TuningChoice, tune


@step_task
def fine_tune(
    model: ModelRef,
    target: DatasetRef,
    trainable: TrainableChoice,
    training: Training,
    tuning: TuningChoice,
    features: FeatureCache,
    seed: int,
) -> StepResult:
    """Train what `unfreeze` left trainable. Outputs: `model`, `history`.

    Raises:
        BadData: the best epoch or a blend is asked for, and there is no validation part.
        ContractBroken: a frozen layer moved, or something trains that was not declared.
    """
    step = StepExecution(
        "fine_tune",
        model=model,
        target=target,
        trainable=trainable,
        training=training,
        tuning=tuning,
        features=features,
        seed=seed,
    )
    prepare(training.precision)
    session.fresh(seed)
    network = step.model(model)
    layers = outline(network)
    declared = trainable.resolved(layers)
    parts = stored.parts(step, frozen.frozen_part(network, step.path.cut), target, training, seed)
    training = settled(
        step,
        training,
        lambda: rate_finding.find(network, parts[0], training, seed, step.path.cut),
        model=model,
        target=target,
        seed=seed,
    )
    asked = Asked(declared, training, tuning.resolved(layers))
    tuned = tune(network, parts, asked, seed, step.watch(training), step.path, step.interrupted(training))
    step.report(tuned.fitted)
    for name, fact in tuned.facts().items():
        step.note(name, fact)
    seen = shown.shown(parts[0][0], training, seed)
    return step.finish(
        model=codecs.encode_model(network, outline(network)), history=codecs.encode_history(tuned.fitted.history, seen)
    )
