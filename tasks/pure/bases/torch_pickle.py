"""What a pickle of tensors describes, worked out without running anything that it names.

A pickle is a program for a small machine. Python's own `pickle` runs it with Python's power, and makes room for
whatever a few bytes ask for. The machine here knows what tensors need and nothing else: it looks up no name and calls
no function of the file's, and what else a file asks for is refused. `pickletools`, of the standard library, splits it.
"""

import io
import math
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# Lite0 has 10,000 operations; no file can keep a processor busy.
MOST_OPERATIONS, MOST_DIMENSIONS, MOST_ELEMENTS = 250_000, 8, 2**28
DTYPES = {
    ("torch", f"{name}Storage"): np.dtype(dtype)
    for name, dtype in {"Float": "<f4", "Double": "<f8", "Half": "<f2", "Long": "<i8", "Int": "<i4"}.items()
}
ORDERED_DICT, REBUILD_TENSOR = ("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2")
ADMITTED = frozenset({*DTYPES, ORDERED_DICT, REBUILD_TENSOR})


class Malformed(Exception):
    """What was found instead; whoever reads the file says which file, what was expected and what to do."""


@dataclass(frozen=True)
class Storage:
    """A flat array whose bytes lie elsewhere in the file: `size` elements of `dtype`, known as `key`."""

    key: str
    dtype: np.dtype[Any]
    size: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage, wholly inside it and no larger; offset and strides in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(frozen=True)
class _Global:
    """Something that the pickle names. It is never looked up, only compared."""

    name: tuple[str, str]


def unpickled(file: io.BytesIO) -> Any:
    """What the next pickle of the file describes: numbers, texts, tuples, lists and dicts of them, and `Tensor`s.

    Raises:
        Malformed: it is cut off, no pickle, too long, or needs anything but what tensors need.
    """
    machine = _Machine()
    for name, argument in _operations(file):
        machine.do(name, argument)
    return machine.result()


def _operations(file: io.BytesIO) -> Iterator[tuple[str, Any]]:
    """(operation, argument) up to STOP."""
    operations = pickletools.genops(file)
    for _ in range(MOST_OPERATIONS):
        try:
            operation, argument, _position = next(operations)
        except ValueError as problem:  # pickletools' word for all that cannot be split, cut-off files among it
            raise Malformed(f"found no pickle: {str(problem)[:80]}") from None
        if operation.name == "STOP":
            return
        yield operation.name, argument
    raise Malformed(f"found a pickle of more than {MOST_OPERATIONS:,} operations")


class _Machine:
    """Python's pickle machine (`Lib/pickle.py`), as far as tensors need it."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        """Carry out one operation, named as in `pickletools`."""
        if name in PLAIN:
            self._stack.append(argument)
        elif name in CONSTANTS:
            self._stack.append(CONSTANTS[name])
        elif name in NEW:
            self._stack.append(NEW[name]())
        elif name in OF_ARGUMENT:
            OF_ARGUMENT[name](self, argument)
        elif name in OF_STACK:
            OF_STACK[name](self)
        elif name != "PROTO":
            raise Malformed(f"found {name}, which no tensor needs")

    def result(self) -> Any:
        if len(self._stack) != 1 or self._marks:
            raise Malformed("found a pickle that does not end in one thing")
        return self._stack[0]

    def put(self, place: int) -> None:
        self._memo[place] = self._top()

    def get(self, place: int) -> None:
        if place not in self._memo:
            raise Malformed("found a pickle that takes what it never put aside")
        self._stack.append(self._memo[place])

    def name(self, module_and_name: str) -> None:
        named = tuple(module_and_name.split(" ", 1))
        if named not in ADMITTED:
            raise Malformed(f"found that it names `{'.'.join(named)[:80]}`, which no tensor needs")
        self._stack.append(_Global((named[0], named[1])))

    def mark(self) -> None:
        self._marks.append(len(self._stack))

    def tuple_of(self, count: int) -> None:
        self._stack.append(tuple([self._pop() for _ in range(count)][::-1]))

    def tuple_since_mark(self) -> None:
        self._stack.append(tuple(self._since_mark()))

    def append_since_mark(self) -> None:
        self._append(self._since_mark())

    def append_one(self) -> None:
        self._append([self._pop()])

    def set_since_mark(self) -> None:
        self._set(self._since_mark())

    def set_one(self) -> None:
        value, key = self._pop(), self._pop()
        self._set([key, value])

    def persistent(self) -> None:
        self._stack.append(_storage(self._pop()))

    def call(self) -> None:
        """A call: of the two functions that tensors need, whose work is done here."""
        arguments, called = self._pop(), self._pop()
        if called == _Global(ORDERED_DICT) and arguments == ():
            self._stack.append({})
        elif called == _Global(REBUILD_TENSOR):
            self._stack.append(_tensor(arguments))
        else:
            raise Malformed("found a call that no tensor needs")

    def state(self) -> None:
        """The state of an object: that of a `state_dict` holds versions of PyTorch's modules, which nobody needs."""
        self._pop()
        if not isinstance(self._top(), dict):
            raise Malformed("found the state of what is no dict")

    def _append(self, items: list[Any]) -> None:
        top = self._top()
        if not isinstance(top, list):
            raise Malformed("found things appended to what is no list")
        top.extend(items)

    def _set(self, items: list[Any]) -> None:
        top, keys, values = self._top(), items[::2], items[1::2]
        if not isinstance(top, dict) or len(keys) != len(values) or not all(isinstance(key, str) for key in keys):
            raise Malformed("found something else than a dict with names for keys")
        top.update(zip(keys, values, strict=True))

    def _since_mark(self) -> list[Any]:
        if not self._marks:
            raise Malformed("found a pickle without a mark where it needs one")
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def _top(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise Malformed("found a pickle that takes from an empty stack")
        return self._stack[-1]

    def _pop(self) -> Any:
        self._top()
        return self._stack.pop()


PLAIN = frozenset({"BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"})
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
NEW: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
OF_ARGUMENT: dict[str, Callable[[_Machine, Any], None]] = {
    "BINPUT": _Machine.put,
    "LONG_BINPUT": _Machine.put,
    "BINGET": _Machine.get,
    "LONG_BINGET": _Machine.get,
    "GLOBAL": _Machine.name,
}
OF_STACK: dict[str, Callable[[_Machine], None]] = {
    "MARK": _Machine.mark,
    "TUPLE": _Machine.tuple_since_mark,
    "TUPLE1": lambda machine: machine.tuple_of(1),
    "TUPLE2": lambda machine: machine.tuple_of(2),
    "TUPLE3": lambda machine: machine.tuple_of(3),
    "APPEND": _Machine.append_one,
    "APPENDS": _Machine.append_since_mark,
    "SETITEM": _Machine.set_one,
    "SETITEMS": _Machine.set_since_mark,
    "BINPERSID": _Machine.persistent,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.state,
}


def _storage(told: Any) -> Storage:
    """A storage, which a pickle names as ("storage", type, key, device, elements, view)."""
    if not isinstance(told, tuple) or len(told) != 6 or told[0] != "storage" or told[5] is not None:
        raise Malformed("found a persistent id that is no storage")
    kind, key, size = told[1], told[2], told[4]
    dtype = DTYPES.get(kind.name) if isinstance(kind, _Global) else None
    if dtype is None or not isinstance(key, str) or type(size) is not int or not 0 < size <= MOST_ELEMENTS:
        raise Malformed("found a storage of an unknown kind or size")
    return Storage(key, dtype, size)


def _tensor(arguments: Any) -> Tensor:
    """What `torch._utils._rebuild_tensor_v2` would make of its arguments: storage, offset, shape, strides, and two for
    gradients."""
    if not isinstance(arguments, tuple) or len(arguments) != 6 or not isinstance(arguments[0], Storage):
        raise Malformed("found a tensor without a storage")
    storage, offset, shape, strides = arguments[:4]
    if not _are_sizes((offset,)) or not _are_sizes(shape) or not _are_sizes(strides) or len(shape) != len(strides):
        raise Malformed("found a tensor without a shape")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    # Strides of 0 would make terabytes out of one element.
    if not 0 < math.prod(shape) <= storage.size or last >= storage.size:
        raise Malformed(f"found a tensor of shape {shape} that its storage does not hold")
    return Tensor(storage, offset, shape, strides)


def _are_sizes(found: Any) -> bool:
    if not isinstance(found, tuple) or len(found) > MOST_DIMENSIONS:
        return False
    return all(type(size) is int and 0 <= size <= MOST_ELEMENTS for size in found)
