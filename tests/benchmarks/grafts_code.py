"""All that the benchmarks call or read of graft's training code: where its signatures change, change them here."""

import time
from typing import TYPE_CHECKING

from artifacts.executions import Execution
from tasks.pure import execution_path, fitting, frozen
from tasks.pure.execution_path import ExecutionPath, Work
from tasks.pure.outlining import outline
from tasks.pure.training import OnProgress, Part, Training, Watch

if TYPE_CHECKING:
    import keras

MEGABYTES = 512  # the recipe's own bound on stored activations


def fit(
    model: "keras.Model",
    train: Part,
    training: Training,
    seed: int,
    on_progress: OnProgress,
    megabytes: int = MEGABYTES,
) -> fitting.Fitted:
    """Train `model` in place as graft's steps do, by the path that they would choose; without validation.

    Where that is a path on activations they are computed in here, once.
    """
    path = chosen(model, train, training, megabytes)
    images, labels = train
    if path.cut is not None:
        images = frozen.activations(frozen.frozen_part(model, path.cut), images)
    watch = Watch(progress=on_progress, clock=time.perf_counter)
    return fitting.fit(model, (images, labels), (images[:0], labels[:0]), training, seed, watch, path)


def chosen(model: "keras.Model", train: Part, training: Training, megabytes: int) -> ExecutionPath:
    """The path of a step that trains `model`."""
    work = Work(len(train[1]), 0, training.batch_size, training.epochs)
    return execution_path.of_grafted_network(outline(model), work, megabytes).path


def train_head(model: "keras.Model", train: Part, training: Training, with_features: bool) -> None:
    """Train the head of `model`, whose base is frozen: in-graph, or on activations, computed once in here."""
    fit(model, train, training, 0, lambda *_news: None, MEGABYTES if with_features else 0)


def training_seconds(execution: Execution) -> tuple[float, float] | None:
    """Seconds of a training, compilation and stored activations included, and those of the compilation."""
    told = execution.facts.get("training") or {}
    if "seconds" not in told:
        return None
    features = execution.facts.get("features") or {}
    return float(told["seconds"]) + float(features.get("seconds", 0.0)), float(told.get("compile_seconds", 0.0))
