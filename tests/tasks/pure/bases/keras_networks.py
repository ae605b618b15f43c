"""Networks as `keras.applications` itself builds them, with weights that would show any mistake."""

from typing import Any

import numpy as np


def unlike_any_beginning(model: Any, seed: int = 0) -> Any:
    """`model` with every weight drawn anew: factors of 1, shifts of 0 and ConvNeXt's 1e-6 would hide what they do."""
    stream = np.random.default_rng(seed)
    for layer in flat(model):
        drawn = [_drawn(stream, weight) for weight in layer.get_weights()]
        layer.set_weights(drawn)
        if hasattr(layer, "finalize_state") and drawn:
            layer.finalize_state()
    return model


def flat(model: Any) -> list[Any]:
    return [leaf for layer in model.layers for leaf in (flat(layer) if hasattr(layer, "layers") else [layer])]


def _drawn(stream: np.random.Generator, weight: np.ndarray) -> np.ndarray:
    if weight.ndim < 2:
        return stream.uniform(0.5, 1.5, weight.shape).astype(weight.dtype)
    fan_in = np.prod(weight.shape[:-1]) if weight.shape[2:3] != (1,) else np.prod(weight.shape[:2])
    return stream.normal(0, 1 / np.sqrt(fan_in), weight.shape).astype(weight.dtype)


def photos(size: int, count: int = 2, seed: int = 1) -> np.ndarray:
    """(count, size, size, 3) float32 in 0 … 255."""
    return np.random.default_rng(seed).uniform(0, 255, (count, size, size, 3)).astype(np.float32)


def farness(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, in units of the range of what is expected."""
    return float(np.abs(found - expected).max() / np.ptp(expected))


def built_in(model: Any) -> bool:
    """Whether every operation of the graph is a layer of Keras itself."""
    return all(type(operation).__module__.startswith("keras.src.layers.") for operation in model.operations)
