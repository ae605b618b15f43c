"""Step `pretrain`: train a network on the source task from scratch, or take in one that is there (and train it on)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import codecs
from artifacts.refs import DatasetRef, ModelRef, StepResult
from tasks.caching import step_task
from tasks.device import prepare
from tasks.execution import StepExecution
from tasks.find_rate import settled
from tasks.identity import SourceFiles
from tasks.pure import architectures, fitting, rate_finding, session, shown
from tasks.pure.bases.base import Base
from tasks.pure.data.rows import Images
from tasks.pure.errors import BadData
from tasks.pure.layer_choice import LayerChoices
from tasks.pure.outlining import outline
from tasks.pure.training import Training
from tasks.taking import take_in, with_head

if TYPE_CHECKING:
    import keras
    import pandas as pd


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
    prepare(training.precision if training else "float32")
    session.fresh(seed)
    taken = take_in(network, weights, step.store, seed) if isinstance(network, Base) else None
    if taken:
        step.note("base", dict(taken.about))
        found = outline(taken.model)
        layers.check(found)
        if source is None:
            return step.finish(
                model=codecs.encode_model(taken.model, found), history=codecs.encode_history(_no_epoch())
            )
    if source is None or training is None:
        raise BadData("A base is trained on `source` for `pretrain.epochs`. Set both, or take a base in: `base`.")
    facts, parts = step.facts(source), (step.part(source, "train"), step.part(source, "validation"))
    model = with_head(taken.model, facts, parts[0][0], seed) if taken else _built(network, facts, parts[0][0], seed)
    training = settled(
        step,
        training,
        lambda: rate_finding.find(model, parts[0], training, seed),
        source=source,
        network=network,
        weights=weights,
        seed=seed,
    )
    fitted = fitting.fit(model, *parts, training, seed, step.watch(training), step.path, step.interrupted(training))
    step.report(fitted)
    seen = shown.shown(parts[0][0], training, seed)
    history = codecs.encode_history(fitted.history, seen)
    return step.finish(model=codecs.encode_model(model, outline(model)), history=history)


def _built(network: Any, facts: Mapping[str, Any], images: Images, seed: int) -> "keras.Model":
    """A new network."""
    architectures.check_scale(network.scale == "unit", images, "source")
    return architectures.build(network, facts["image_shape"], len(facts["class_names"]), seed)


def _no_epoch() -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({"epoch": np.empty(0, np.int64), "loss": np.empty(0), "accuracy": np.empty(0)})
