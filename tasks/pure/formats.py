"""File formats that images come in: idx (MNIST's), npz (NumPy's), and CIFAR's pickles in a tar archive.

Each function reads one file into arrays as stored and trusts nothing in it: no code in a file is ever run, no member of
an archive is written to disk, and whatever is wrong raises BadData with the file's name. What the arrays mean as a data
set (classes, splits, sizes that agree) is `readers`' business.
"""

import gzip
import pickle
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pure.errors import BadData

REPLACE = "Delete it and put a good copy in its place."
DEFLATE_LIMIT = 1032  # no deflate stream grows by more than this factor: a header that says more is wrong
BROKEN_STREAM = (OSError, EOFError, zlib.error)  # what a truncated, altered or unreadable compressed file raises
ADMITTED = {
    ("numpy.core.multiarray", "_reconstruct"),  # as the archives name it: they were written under NumPy 1
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


def read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read a gzipped idx file of unsigned bytes. Format: http://yann.lecun.com/exdb/mnist (bottom of the page).

    Args:
        path: the `.gz` file.
        shape: the shape that one element must have: `(28, 28)` for images, `()` for labels.

    Returns:
        uint8 array (n, *shape), writable, decompressed straight into place.

    Raises:
        BadData: missing or truncated file, another magic number, another shape, bytes left over.
    """
    try:
        with gzip.open(path, "rb") as file:
            array = np.empty(_idx_shape(path, file, shape), np.uint8)
            missing = _fill(file, array.reshape(-1).data)
            left_over = bool(file.read(1))  # reading on to the end also checks the stream's CRC
    except BROKEN_STREAM as error:
        raise unreadable(path, "a whole gzip file", error) from error
    if missing or left_over:
        found = f"{missing:,} bytes too few" if missing else "more bytes than that"
        raise BadData(f"{path}: expected {array.size:,} bytes for shape {array.shape}, found {found}. {REPLACE}")
    return array


def unreadable(path: Path, expected: str, error: Exception) -> BadData:
    """The error for a file that cannot be opened or decoded; says so plainly where it is simply not there."""
    if isinstance(error, FileNotFoundError):
        return BadData(f"{path}: expected {expected}, found no such file. Put the file there, or mend `path`.")
    if isinstance(error, PermissionError):
        return BadData(f"{path}: expected {expected}, found a file that may not be read. Change its permissions.")
    return BadData(f"{path}: expected {expected}, found a truncated or damaged one ({error}). {REPLACE}")


def _idx_shape(path: Path, file: gzip.GzipFile, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape in the header, after everything in the header has been checked."""
    head = file.read(4 + 4 * (1 + len(shape)))
    magic = bytes([0, 0, 8, 1 + len(shape)])  # two zeros, 8 for unsigned bytes, the number of dimensions
    if head[:4] != magic:
        raise BadData(
            f"{path}: expected an idx file with magic number 0x{magic.hex()}, found 0x{head[:4].hex()}. "
            "Are images and labels, or two data sets, mixed up?"
        )
    found = tuple(int.from_bytes(head[at : at + 4], "big") for at in range(4, len(head), 4))
    if len(found) != 1 + len(shape) or found[1:] != shape:
        raise BadData(f"{path}: expected elements of shape {shape}, found a header that says {found}. {REPLACE}")
    if found[0] * int(np.prod(shape)) > path.stat().st_size * DEFLATE_LIMIT:
        raise BadData(
            f"{path}: the header says {found[0]:,} elements, more than a file of "
            f"{path.stat().st_size:,} bytes can hold. {REPLACE}"
        )
    return found


def _fill(file: gzip.GzipFile, memory: memoryview) -> int:
    """Read into `memory` until it is full or the file ends; returns the number of bytes that are missing."""
    filled = 0
    while filled < len(memory):
        count = file.readinto(memory[filled:])
        if not count:
            break
        filled += count
    return len(memory) - filled


def names_in_npz(path: Path, required: tuple[str, ...]) -> list[str]:
    """The names of all arrays in an `.npz` file.

    Raises:
        BadData: not an npz file, or damaged.
    """
    with _opened(path, required) as archive:
        return list(archive.files)


def read_npz(path: Path, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    """Read named arrays from an `.npz` file, never unpickling anything.

    Returns:
        name -> array as stored; an optional one that is not there is left out.

    Raises:
        BadData: not an npz file, damaged, a required array that is missing, or an array of Python objects.
    """
    with _opened(path, required) as archive:
        _require(path, required, archive.files)
        return {name: _member(path, archive, name) for name in (*required, *optional) if name in archive.files}


@contextmanager
def _opened(path: Path, required: tuple[str, ...]) -> Iterator[Any]:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):  # numpy.load would take it for a pickle
                arrays = ", ".join(f"{name}=…" for name in required)
                raise BadData(
                    f"{path}: expected an npz file, found another format or a truncated file. "
                    f"Write it anew with `numpy.savez_compressed(path, {arrays})`."
                )
        with np.load(path, allow_pickle=False) as archive:
            yield archive
    except (*BROKEN_STREAM, zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: an encrypted member
        raise unreadable(path, "a whole npz file", error) from error


def _require(path: Path, required: tuple[str, ...], found: list[str]) -> None:
    missing = [name for name in required if name not in found]
    if missing:
        raise BadData(
            f"{path}: expected the arrays {', '.join(f'`{name}`' for name in required)}; "
            f"missing: {', '.join(missing)}; found: {', '.join(found) or 'none'}. "
            "Write the file anew with these names."
        )


def _member(path: Path, archive: Mapping[str, Any], name: str) -> np.ndarray:
    try:
        array = archive[name]
    except MemoryError as error:  # a header may name any shape; NumPy asks for that memory before it reads
        raise BadData(
            f"{path}: expected `{name}` to fit into memory, but {error or 'it does not'}. {REPLACE}"
        ) from error
    except ValueError as error:  # NumPy says so for objects ("allow_pickle=False") and for a broken header
        raise BadData(
            f"{path}: expected `{name}` to be an array of plain numbers (of text for `class_names`), found "
            f"one that NumPy does not read without pickles ({error}). Convert it, for example with "
            "`numpy.stack` or `.astype`, and save it again."
        ) from error
    if not isinstance(array, np.ndarray):
        raise BadData(f"{path}: expected `{name}` to be an array, found something else. Save it with numpy.savez.")
    return array


class _ArraysOnly(pickle.Unpickler):
    """Builds dicts, lists, bytes, numbers and NumPy arrays; any other class or function it names is refused."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in ADMITTED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it names `{module}.{name}`, which no CIFAR archive needs")


def read_cifar(path: Path, members: tuple[str, ...], label_key: bytes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read batches of CIFAR's "python version" archive. Format: https://www.cs.toronto.edu/~kriz/cifar.html.

    Args:
        path: the `.tar.gz` file; it is read once from front to end, nothing is extracted to disk.
        members: names of the batches in the archive.
        label_key: `b"labels"` (CIFAR-10), `b"fine_labels"` or `b"coarse_labels"` (CIFAR-100).

    Returns:
        member -> (images (n, 32, 32, 3) uint8, a view with channels last; labels (n,) of integers).

    Raises:
        BadData: missing or damaged archive, a batch that is missing, of another shape, or holds anything but arrays.
    """
    batches = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if member.name in members and member.isfile():
                    file = archive.extractfile(member)
                    batches[member.name] = _batch(f"{path}: `{member.name}`", file, label_key)
    except (*BROKEN_STREAM, tarfile.TarError) as error:
        raise unreadable(path, "a whole .tar.gz archive", error) from error
    missing = [name for name in members if name not in batches]
    if missing:
        raise BadData(f"{path}: expected the members {', '.join(members)}; missing: {', '.join(missing)}. {REPLACE}")
    return batches


def _batch(name: str, file: Any, label_key: bytes) -> tuple[np.ndarray, np.ndarray]:
    try:
        content = _ArraysOnly(file, encoding="bytes").load()
    except Exception as error:  # a hostile or damaged pickle can raise anything; none of it may pass as a batch
        raise BadData(f"{name}: expected a pickle of plain arrays, but {error}. {REPLACE}") from error
    if not isinstance(content, dict) or not {b"data", label_key} <= content.keys():
        raise BadData(f"{name}: expected a dict with `data` and `{label_key.decode()}`, found no such. {REPLACE}")
    data, labels = content[b"data"], content[label_key]
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != 3 * 32 * 32:
        found = f"{data.dtype} of shape {data.shape}" if isinstance(data, np.ndarray) else type(data).__name__
        raise BadData(f"{name}: expected `data` as uint8 of shape (n, 3072), found {found}. {REPLACE}")
    if not isinstance(labels, list) or not all(isinstance(label, int) for label in labels):
        raise BadData(f"{name}: expected `{label_key.decode()}` as a list of whole numbers. {REPLACE}")
    return data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.array(labels, np.int64)
