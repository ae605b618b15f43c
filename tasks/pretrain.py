"""Step `pretrain`: train a network on the source task from scratch, or take in one that is there (and train it on)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from artifacts import codecs
from artifacts.refs import DatasetRef, ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.identity import SourceFiles
from tasks.pure import architectures, fitting, session, shown
from tasks.pure.bases.base import Base
from tasks.pure.errors import BadData
from tasks.pure.layer_choice import LayerChoices
from tasks.pure.outlining import outline
from tasks.pure.training import Training
from tasks.taking import take_in, with_head

if TYPE_CHECKING:
    import keras


@step_task
def pretrain(
    source: DatasetRef | None,
    network: architectures.Network | Base,
    layers: LayerChoices,
    training: Training | None,
    seed: int,
    weights: SourceFiles | ModelRef | None,
) -> StepResult:
    """Build the base, or take it in; train it on the source's training split. Outputs: `model`, `history`.

    Args:
        source: None where a base is taken in and trained no further; the history then has no row.
        layers: what later steps are to do with the base's layers. What cannot be is refused here, before anything
            trains; no part of the key.
        training: None where nothing is trained.
        weights: of a base that is taken in: where its bytes lie, or the network of an earlier run.

    Raises:
        SurgeryError: the base has no such layers.
        BadData: the base cannot be taken in; or images that it would see 255 times too dark.
    """
    step = StepExecution(
        "pretrain", source=source, network=network, layers=layers, training=training, seed=seed, weights=weights
    )
    prepare()
    session.fresh(seed)
    if isinstance(network, architectures.Network):
        return _trained(step, _built(step, source, network, seed), source, training, seed)
    taken = take_in(network, weights, step.store, seed)
    step.note("base", dict(taken.about))
    layers.check(outline(taken.model))
    if source is None:
        history = codecs.encode_history(_no_epoch())
        return step.finish(model=codecs.encode_model(taken.model, outline(taken.model)), history=history)
    return _trained(
        step, with_head(taken.model, step.facts(source), step.part(source, "train")[0], seed), source, training, seed
    )


def _built(step: StepExecution, source: DatasetRef | None, network: architectures.Network, seed: int) -> "keras.Model":
    """A new network."""
    facts = step.facts(_given(source))
    architectures.check_scale(network.scale == "unit", step.part(_given(source), "train")[0], "source")
    return architectures.build(network, facts["image_shape"], len(facts["class_names"]), seed)


def _trained(
    step: StepExecution, model: "keras.Model", source: DatasetRef | None, training: Training | None, seed: int
) -> StepResult:
    if training is None:
        raise BadData("A base is trained on `source`, but no training is asked for. Set `pretrain.epochs`.")
    train, validation = step.part(_given(source), "train"), step.part(_given(source), "validation")
    fitted = fitting.fit(
        model, train, validation, training, seed, step.watch(training), step.path, step.interrupted(training)
    )
    step.report(fitted)
    seen = shown.shown(train[0], training, seed)
    history = codecs.encode_history(fitted.history, seen)
    return step.finish(model=codecs.encode_model(model, outline(model)), history=history)


def _given(source: DatasetRef | None) -> DatasetRef:
    if source is None:
        raise BadData("A base is trained on `source`, but there is none. Set `source`, or take a base in: `base`.")
    return source


def _no_epoch() -> pd.DataFrame:
    return pd.DataFrame({"epoch": np.empty(0, np.int64), "loss": np.empty(0), "accuracy": np.empty(0)})
