"""Which way a step that trains is computed, found without TensorFlow from what the store knows of its inputs."""

from collections.abc import Mapping
from typing import Any

from artifacts.refs import Ref
from artifacts.store import Store
from tasks.pure import outline
from tasks.pure.execution_path import Chosen, FeatureCache, Work, of_grafted_network, of_new_network
from tasks.pure.training import Training

TRAINS = frozenset({"pretrain", "train_head", "fine_tune"})


def choose(step: str, arguments: Mapping[str, Any], store: Store) -> Chosen | None:
    """The execution path of `step`, called with `arguments`; see `tasks/pure/execution_path.py` for the rules.

    Returns:
        None where the step does not train, or where nobody knows its inputs any more (an artifact that was deleted):
        the step that makes them has to run first.
    """
    if step not in TRAINS:
        return None
    data = _facts(store, arguments.get("source" if step == "pretrain" else "target"))
    if "counts" not in data:
        return None
    training: Training | None = arguments["training"]
    if training is None:
        return None
    counts = data["counts"]
    work = Work(
        counts["train"],
        counts["validation"],
        training.batch_size,
        training.epochs,
        training.augment.active,
        training.augment_copies,
    )
    if step == "pretrain":
        return of_new_network(getattr(arguments["network"], "architecture", "taken in"), work)
    layers = outline.known(_facts(store, arguments["model"]))
    cache: FeatureCache = arguments.get("features", FeatureCache(0))
    return of_grafted_network(layers, work, cache.megabytes) if layers else None


def _facts(store: Store, ref: Any) -> Mapping[str, Any]:
    return (store.facts(ref) if isinstance(ref, Ref) else None) or {}
