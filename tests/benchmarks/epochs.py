"""A training in a process of its own, timed epoch by epoch: `python -m tests.benchmarks.epochs dense graft …`.

`keras` is `model.fit` on the arrays with Keras' defaults, without its progress bar; `graft` is what graft's steps call.
Both train the same network. Prints JSON: seconds of each epoch; the first one holds the compilation.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from artifacts.codecs import use_tensorflow
from tasks import sources
from tasks.device import prepare
from tasks.pure import architectures, readers, session
from tasks.pure.training import Training
from tests.benchmarks import grafts_code

NETWORKS = {
    "dense": architectures.Network("dense", (128, 64, 32, 16), "none", False, 0.9, 0.0, 0.0),
    "cnn": architectures.Network("cnn", (32, 64, 128), "unit", True, 0.9, 0.0, 0.0),
}
BATCH_SIZES = {"dense": 32, "cnn": 128}
NUM_CLASSES = 10


def read(dataset: str, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The first `count` training images (all by default) and their labels."""
    raw = readers.read(dataset, sources.fetch(dataset, None))
    return np.ascontiguousarray(raw.x_train[:count]), raw.y_train[:count]


def build(name: str, shape: tuple[int, ...]) -> Any:
    """A new network for ten classes."""
    session.fresh(0)
    return architectures.build(NETWORKS[name], shape, NUM_CLASSES, 0)


def with_keras(model: Any, train: tuple[np.ndarray, np.ndarray], training: Training, tick: Callable[[], None]) -> None:
    """Compile and fit as Keras' documentation does."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            tick()

    optimizer = keras.optimizers.Adam(learning_rate=training.learning_rate)
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, epochs=training.epochs, batch_size=training.batch_size, callbacks=[Clock()], verbose=0)


def with_graft(model: Any, train: tuple[np.ndarray, np.ndarray], training: Training, tick: Callable[[], None]) -> None:
    """Train as graft's steps do. Within an epoch the logs are empty; at its end they are not."""
    grafts_code.fit(model, train, training, 0, lambda _epoch, _fraction, logs: tick() if logs else None)


def main() -> None:
    """Train once and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=NETWORKS)
    parser.add_argument("how", choices=("keras", "graft"))
    parser.add_argument("--dataset", default="fashion_mnist")
    parser.add_argument("--images", type=int)
    parser.add_argument("--epochs", type=int, default=4)
    chosen = parser.parse_args()
    prepare() if chosen.how == "graft" else use_tensorflow()
    train = read(chosen.dataset, chosen.images)
    model = build(chosen.network, train[0].shape[1:])
    training = Training(chosen.epochs, BATCH_SIZES[chosen.network], 1e-3, None, False)
    ticks = [time.perf_counter()]
    run = with_graft if chosen.how == "graft" else with_keras
    run(model, train, training, lambda: ticks.append(time.perf_counter()))
    print()
    print(json.dumps({"epochs": [end - start for start, end in zip(ticks, ticks[1:], strict=False)]}))


if __name__ == "__main__":
    main()
