"""Files as PyTorch before 1.6 saved them, written by Python's own pickle with stand-ins of PyTorch's names."""

import io
import pickle
import struct
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
MACHINE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
STORAGES = {"<f4": "FloatStorage", "<f8": "DoubleStorage", "<f2": "HalfStorage", "<i8": "LongStorage"}


def _rebuild_tensor_v2(*arguments: Any) -> None:
    raise AssertionError("Python's pickle was asked to read the file.")


@contextmanager
def stand_ins() -> Iterator[ModuleType]:
    """Modules `torch` and `torch._utils` whose things can be pickled by name while this lasts."""
    torch, inner = ModuleType("torch"), ModuleType("torch._utils")
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    function = type(_rebuild_tensor_v2)(
        _rebuild_tensor_v2.__code__, {"AssertionError": AssertionError}, "_rebuild_tensor_v2"
    )
    function.__module__ = "torch._utils"
    inner._rebuild_tensor_v2 = torch._utils = function  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": inner})
    try:
        yield torch
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


class Stored:
    """A flat array that tensors are views of."""

    def __init__(self, elements: np.ndarray, key: str, size: int | None = None) -> None:
        self.elements, self.key, self.size = elements, key, elements.size if size is None else size


class View:
    """A tensor: what is given to `_rebuild_tensor_v2`."""

    def __init__(self, stored: Stored, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.arguments = (stored, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, thing: Any) -> Any:
        if not isinstance(thing, Stored):
            return None
        kind = getattr(sys.modules["torch"], STORAGES[thing.elements.dtype.str])
        return ("storage", kind, thing.key, "cpu", thing.size, None)


def pickled(thing: Any) -> bytes:
    buffer = io.BytesIO()
    with stand_ins():
        _Pickler(buffer, protocol=2).dump(thing)
    return buffer.getvalue()


def start() -> bytes:
    return pickled(MAGIC) + pickled(PROTOCOL) + pickled(MACHINE)


def content(named: Any, storages: list[Stored]) -> bytes:
    """The bytes of a file with tensors `named`."""
    raw = b"".join(struct.pack("<q", stored.elements.size) + stored.elements.tobytes() for stored in storages)
    return start() + pickled(named) + pickled([stored.key for stored in storages]) + raw


def saved(arrays: dict[str, np.ndarray]) -> bytes:
    """The bytes of a file with these arrays, as contiguous tensors of a storage each."""
    storages = [Stored(array.reshape(-1), str(1000 + place)) for place, array in enumerate(arrays.values())]
    views = [
        View(stored, 0, array.shape, tuple(step // array.itemsize for step in array.strides))
        for stored, array in zip(storages, arrays.values(), strict=True)
    ]
    state = OrderedDict(zip(arrays, views, strict=True))
    state._metadata = OrderedDict(version=1)  # type: ignore[attr-defined]
    return content(state, storages)


def write(folder: Path, of: bytes) -> Path:
    path = folder / "weights.pth"
    path.write_bytes(of)
    return path
