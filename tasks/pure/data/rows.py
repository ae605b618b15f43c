"""Rows of an array in a file: read when they are asked for, so that data may be larger than memory.

A page of a mapped file counts as memory of the process (its RSS) from the first touch until the map is closed, so a
pass over a mapped array would end with all of it held. `Rows` reads a few megabytes at a time and hands the pages back
to the system each time, which may keep them in its own cache: reading them again then costs no disk. What a process
holds of the data is the rows that it was given, and `TOUCHED_BYTES` at most of the file.

The file must stay as it is while it is read: a mapped file that is cut short ends the process. Artifacts never change.
"""

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np

HELD_BYTES = 48 * 2**20  # rows of a file that take no more are read once and held, as `array_codecs` does
TOUCHED_BYTES = 16 * 2**20
AROUND_BYTES = 2 * 2**20  # Linux may map as much around a page that is touched: what its cache holds in one piece
LARGE_ROW = 64 * 1024  # bytes; smaller rows come from the disk whole anyway


class Rows:
    """Chosen rows of an array, in a chosen order, as much like an array as training and judging need.

    `rows[3]`, `rows[10:20]`, `rows[indices]` and `rows[mask]` are arrays in memory of their own, as is each of
    `rows.blocks(…)`; `rows.take(indices)` is lazy. Several threads may read at once.

    Args:
        array: (n, …), as a rule an `np.memmap` opened to be read.
        places: which rows of it, in which order; all where None.
    """

    def __init__(self, array: np.ndarray, places: np.ndarray | None = None) -> None:
        self.array, self.places = array, places
        self.shape = (len(array) if places is None else len(places), *array.shape[1:])
        self.dtype, self.ndim = array.dtype, array.ndim
        self.row_bytes = array.itemsize * int(np.prod(self.shape[1:], dtype=np.int64))
        self.nbytes = self.row_bytes * len(self)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: Any) -> np.ndarray:
        """Raises IndexError for rows that are not there, and for anything but rows."""
        if isinstance(chosen, tuple):
            raise IndexError(f"Expected rows to be chosen, by number, slice, numbers or mask; found {chosen}.")
        if isinstance(chosen, slice):
            return self._slice(*chosen.indices(len(self)))
        if np.ndim(chosen) == 0:
            row: np.ndarray = self._read(self._places(np.reshape(chosen, 1)))[0]
            return row
        return self._read(self._places(chosen))

    def __iter__(self) -> Iterator[np.ndarray]:
        return (row for block in self.blocks(TOUCHED_BYTES) for row in block)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of them, in memory."""
        return np.asarray(self[:], dtype)

    def take(self, indices: np.ndarray) -> "Rows":
        """The rows at `indices` (numbers or a mask), without reading one."""
        return Rows(self.array, self._places(indices))

    def blocks(self, size: int) -> Iterator[np.ndarray]:
        """All rows in order, in arrays of at most `size` bytes (of one row where that is larger)."""
        step = max(1, size // max(1, self.row_bytes))
        return (self[start : start + step] for start in range(0, len(self), step))

    def _places(self, chosen: Any) -> np.ndarray:
        wanted = np.asarray(chosen)
        if self.places is not None:
            return self.places[wanted]
        if wanted.dtype == bool:
            return np.arange(len(self))[wanted]
        if wanted.size and not -len(self) <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"Expected rows of 0 to {len(self) - 1}, found {wanted.min()} to {wanted.max()}.")
        return np.where(wanted < 0, wanted + len(self), wanted)

    def _slice(self, start: int, stop: int, step: int) -> np.ndarray:
        if self.places is not None:
            return self._read(self.places[start:stop:step])
        return self._read(np.arange(start, stop, step)) if step != 1 else self._read_run(start, stop)

    def _read(self, places: np.ndarray) -> np.ndarray:
        found = np.empty((len(places), *self.shape[1:]), self.dtype)
        step = max(1, TOUCHED_BYTES // (self.row_bytes + AROUND_BYTES))
        for start in range(0, len(places), step):
            announce(self.array, places[start : start + step], self.row_bytes)
            found[start : start + step] = self.array[places[start : start + step]]
            release(self.array)
        return found

    def _read_run(self, first: int, end: int) -> np.ndarray:
        """Rows that lie side by side: one piece of the file."""
        found = np.empty((max(0, end - first), *self.shape[1:]), self.dtype)
        step = max(1, TOUCHED_BYTES // max(1, self.row_bytes))
        for start in range(0, len(found), step):
            piece = self.array[first + start : min(end, first + start + step)]
            found[start : start + step] = piece
            release(self.array)
        return found


Images = np.ndarray | Rows


def lazily(array: Images) -> Images:
    """A mapped array as `Rows`; one in memory as it is."""
    return Rows(array) if isinstance(array, np.memmap) else array


def chosen(array: Images, indices: np.ndarray) -> Images:
    """The rows at `indices` (numbers in any order, or a mask): lazily where they are many and lie in a file."""
    rows = lazily(array)
    if isinstance(rows, np.ndarray):
        return rows[indices]
    taken = rows.take(indices)
    return taken if taken.nbytes > HELD_BYTES else taken[:]


def blocks(array: Images, size: int = TOUCHED_BYTES) -> Iterator[np.ndarray]:
    """The rows of `array` in order, in arrays of at most `size` bytes (of one row where that is larger)."""
    rows = lazily(array)
    return (rows if isinstance(rows, Rows) else Rows(rows)).blocks(size)


def release(array: np.ndarray) -> None:
    """Hand the pages of a mapped array back to the system. They are the file's, so nothing is lost."""
    mapping = _mapping(array)
    if mapping is not None:
        mapping.madvise(mmap.MADV_DONTNEED)


def announce(array: np.ndarray, places: np.ndarray, row_bytes: int) -> None:
    """Tell the system which rows of a mapped array will be read, so that it fetches them from the disk side by side.

    Large rows in any order, not yet in the system's cache, came at 830 MB/s so and at 290 MB/s without (an SSD).
    """
    mapping = _mapping(array)
    if mapping is None or row_bytes < LARGE_ROW or not array.flags.c_contiguous:
        return
    first = array.ctypes.data - np.frombuffer(mapping, np.uint8).ctypes.data
    for place in places.tolist():
        start = first + place * row_bytes
        page = start - start % mmap.PAGESIZE
        mapping.madvise(mmap.MADV_WILLNEED, page, start + row_bytes - page)


def _mapping(array: np.ndarray) -> mmap.mmap | None:
    """The map behind an array that is only read; None for others, and where the system takes no advice (Windows).

    Where it may be written to, pages may hold what the file does not.
    """
    found: Any = array
    while isinstance(found, np.ndarray):
        found = found.base
    advised = isinstance(found, mmap.mmap) and not array.flags.writeable and hasattr(mmap, "MADV_DONTNEED")
    return found if advised else None
