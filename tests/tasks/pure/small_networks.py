"""Networks and images so small that a training takes a second: what the tests of the Keras code are made of."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import codecs
from tasks.pure import session
from tasks.pure.architectures import Network, build
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.fitting import fit
from tasks.pure.layer_choice import Scion, Trainable
from tasks.pure.layers import blocks
from tasks.pure.outlining import outline
from tasks.pure.surgery import graft
from tasks.pure.training import OnProgress, Part, Training, Watch

if TYPE_CHECKING:
    import keras
    import pandas as pd

SHAPE = (8, 8, 1)
HEAD_ONLY = Trainable(("head",), ())


def network(architecture: str = "dense", widths: tuple[int, ...] = (5, 4), **others: Any) -> Network:
    """A network without extras but those named: `scale`, `batch_norm`, `batch_norm_momentum`, `dropout`, `l2`."""
    plain = {"scale": "unit", "batch_norm": False, "batch_norm_momentum": 0.9, "dropout": 0.0, "l2": 0.0}
    return Network(architecture, widths, **{**plain, **others})


def built(like: Network, seed: int = 0, shape: tuple[int, int, int] = SHAPE, num_classes: int = 3) -> "keras.Model":
    """`like`, initialised from `seed`, whatever this process made before; batch norms have seen some images."""
    session.fresh(seed)
    model = build(like, shape, num_classes, seed)
    for number, layer in enumerate(model.layers):
        if layer.name.endswith("_batch_norm"):
            drawn = np.random.default_rng(number).uniform(0.5, 2, (4, width_of(layer))).astype(np.float32)
            layer.set_weights(list(drawn))
    return model


def width_of(layer: "keras.Layer") -> int:
    return int(layer.gamma.shape[0])


def scion(base: "keras.Model", layers: int | None = None, **others: Any) -> Scion:
    """The lowest `layers` of `base` (all by default), with weights."""
    names = tuple(block.name for block in blocks(base))[:layers]
    return Scion(**{"reused_layers": names, "copy_weights": True, "add_hidden": (), **others})


def grafted(base: "keras.Model", shape: tuple[int, int, int] = SHAPE, num_classes: int = 4) -> "keras.Model":
    """All of `base` with a new head."""
    return graft(base, scion(base), shape, num_classes, 0)


def images(count: int, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> np.ndarray:
    """uint8 noise (count, *shape)."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def examples(count: int, num_classes: int = 3, shape: tuple[int, ...] = SHAPE, seed: int = 1) -> Part:
    """Images that get brighter with their class, and their labels 0, 1, 2, 0, …"""
    labels = np.arange(count, dtype=np.int64) % num_classes
    dark = images(count, shape, seed) // num_classes
    return dark + (labels * (255 // num_classes)).astype(np.uint8)[:, None, None, None], labels


def none_of(part: Part) -> Part:
    """A validation part without images."""
    return part[0][:0], part[1][:0]


def train(
    model: "keras.Model",
    part: Part,
    validation: Part | None = None,
    seed: int = 7,
    on_progress: OnProgress = lambda epochs, fraction, logs: None,
    jit: bool = False,
    **others: Any,
) -> "pd.DataFrame":
    """Two epochs of one batch each (quick to compile), unless `others` say otherwise. Returns the history."""
    plain = {"epochs": 2, "batch_size": 64, "learning_rate": 0.01, "early_stopping": None, "class_weights": False}
    how, watch = Training(**{**plain, **others}), Watch(progress=on_progress)
    return fit(model, part, validation or none_of(part), how, seed, watch, ExecutionPath(jit)).history


def weights(model: "keras.Model") -> dict[str, list[bytes]]:
    """Layer name → the bits of its weights, statistics included; layers without weights are left out."""
    return {
        layer.name: [array.tobytes() for array in layer.get_weights()] for layer in model.layers if layer.get_weights()
    }


def moved(before: dict[str, list[bytes]], model: "keras.Model") -> set[str]:
    """Names of the layers whose weights are not the bits of `before`."""
    after = weights(model)
    return {name for name in before if after[name] != before[name]}


def reloaded(model: "keras.Model") -> "keras.Model":
    """`model` out of the file that graft writes of it."""
    with tempfile.TemporaryDirectory() as folder:
        codecs.encode_model(model, outline(model)).write(Path(folder))
        return codecs.read_model(Path(folder))
