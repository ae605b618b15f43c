"""Weights of a known network, read from a file that came from anywhere."""

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.errors import BadBase

if TYPE_CHECKING:
    import keras

SUFFIXES = (".h5", ".hdf5")
NEW = ".weights.h5"  # as Keras 3 saves weights alone
# An older file may hold an optimiser's state too: Adam keeps two numbers for each weight. The rest is for attributes.
ROOM = 4


def load(model: "keras.Model", file: Path, title: str) -> None:
    """Put the weights in `file` into `model`.

    Args:
        model: as Keras builds it; spoilt where this raises.
        file: `.weights.h5` as Keras 3 saves it, or `.h5` of any Keras: weights, or a whole model.
        title: of the network, for messages: `MobileNetV2 (alpha 0.35)`.

    Raises:
        BadBase: the file is no such file, is damaged, or holds the weights of another network.
    """
    import h5py

    if file.suffix not in SUFFIXES:
        raise BadBase(
            f"{file}: expected a file of weights, `.weights.h5` or `.h5`, found `{file.name}`. A whole network in a "
            "`.keras` file is taken in with `base: {file: …}`."
        )
    try:
        with h5py.File(file, "r") as content:
            _check_size(model, count_own(content, file), file, title)
        model.load_weights(file)
    except (BadBase, MemoryError):
        raise
    except Exception as error:  # h5py and Keras raise OSError, KeyError, ValueError, TypeError, … on what they find
        raise BadBase(_refusal(file, title, f"{type(error).__name__}: {' '.join(str(error).split())}")) from None
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise BadBase(_refusal(file, title, f"`{weight.path}` holds NaN or infinity"))


def count_own(group: Any, file: Path) -> int:
    """How many numbers of floating point are in a file; refuses what would read other files, before anything is read.

    A dataset of HDF5 may lie in any other file of this machine.
    """
    import h5py

    found = 0
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise BadBase(f"{file}: `{name}` is a link. Expected the weights themselves: save them anew.")
        item = group[name]
        if isinstance(item, h5py.Group):
            found += count_own(item, file)
        elif item.external or item.is_virtual:
            raise BadBase(f"{file}: `{name}` lies in another file. Expected the weights themselves: save them anew.")
        elif item.dtype.kind == "f":
            found += int(item.size)
    return found


def _check_size(model: "keras.Model", found: int, file: Path, title: str) -> None:
    """Refuse a file for its size alone: a few compressed bytes may stand for terabytes.

    Keras reads a `.weights.h5` with more layers than the network has without a word.
    """
    expected = sum(prod(weight.shape) for weight in model.weights if "float" in str(weight.dtype))
    if found > ROOM * expected + 2**20 or (file.name.endswith(NEW) and found != expected):
        raise BadBase(_refusal(file, title, f"{found:,} weights instead of {expected:,}"))


def _refusal(file: Path, title: str, found: str) -> str:
    found = found if len(found) < 300 else found[:300] + " …"
    return (
        f"{file}: expected the weights of {title} without its top, found those of another network or a damaged file "
        f"({found}). Name the file of that network, saved with `include_top=False`; where it was downloaded, delete it "
        "and fetch it again."
    )
