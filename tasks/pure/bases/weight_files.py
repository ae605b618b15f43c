"""Weights of a known network, read from a file that came from anywhere."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.errors import BadBase

if TYPE_CHECKING:
    import keras

SUFFIXES = (".h5", ".hdf5")
# An optimiser's state may lie beside the weights: Adam keeps two numbers for each. The rest is room for attributes.
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
            _check(content, file, 4 * model.count_params())
        model.load_weights(file)
    except (BadBase, MemoryError):
        raise
    except Exception as error:  # h5py and Keras raise OSError, KeyError, ValueError, TypeError, … on what they find
        raise BadBase(_refusal(file, title, error)) from None
    for weight in model.weights:
        if not np.isfinite(weight.numpy()).all():
            raise BadBase(f"{file}: `{weight.path}` holds NaN or infinity. Expected numbers: take a sound file.")


def _check(content: Any, file: Path, weight_bytes: int) -> None:
    """Refuse what would read other files, or more than the network can hold, before anything is read.

    A dataset of HDF5 may lie in another file of this machine, and a few compressed bytes may stand for terabytes.
    """
    import h5py

    held = 0

    def visit(group: Any) -> None:
        nonlocal held
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise BadBase(f"{file}: `{name}` is a link. Expected the weights themselves: save them anew.")
            item = group[name]
            if isinstance(item, h5py.Group):
                visit(item)
            elif item.external or item.is_virtual:
                raise BadBase(
                    f"{file}: `{name}` lies in another file. Expected the weights themselves: save them anew."
                )
            else:
                held += item.size * item.dtype.itemsize

    visit(content)
    if held > ROOM * weight_bytes + 2**20:
        raise BadBase(
            f"{file}: expected {weight_bytes:,} bytes of weights, found {held:,}. It is of a larger network, or "
            "has its head still: save the weights of the network without its top (`include_top=False`)."
        )


def _refusal(file: Path, title: str, error: Exception) -> str:
    found = " ".join(str(error).split())
    found = found if len(found) < 300 else found[:300] + " …"
    return (
        f"{file}: expected the weights of {title} without its top, found something else or a damaged file "
        f"({type(error).__name__}: {found}). Name the file of that network, saved with `include_top=False`; "
        "where it was downloaded, delete it and fetch it again."
    )
