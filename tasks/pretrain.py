"""Step `pretrain`: train a network on the source task, from scratch."""

from artifacts import codecs
from artifacts.refs import DatasetRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.find_rate import settled
from tasks.pure import architectures, fitting, rate_finding, session, shown
from tasks.pure.training import Training


@step_task
def pretrain(source: DatasetRef, network: architectures.Network, training: Training, seed: int) -> StepResult:
    """Build the base and train it on the source's training split. Outputs: `model`, `history`."""
    step = StepExecution("pretrain", source=source, network=network, training=training, seed=seed)
    prepare(training.precision)
    session.fresh(seed)
    facts = step.facts(source)
    train, validation = step.part(source, "train"), step.part(source, "validation")
    architectures.check_scale(network.scale == "unit", train[0], "source")
    model = architectures.build(network, facts["image_shape"], len(facts["class_names"]), seed)
    training = settled(
        step,
        training,
        lambda: rate_finding.find(model, train, training, seed),
        source=source,
        network=network,
        seed=seed,
    )
    fitted = fitting.fit(
        model, train, validation, training, seed, step.watch(training), step.path, step.interrupted(training)
    )
    step.report(fitted)
    seen = shown.shown(train[0], training, seed)
    return step.finish(model=codecs.encode_model(model), history=codecs.encode_history(fitted.history, seen))
