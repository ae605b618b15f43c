"""The images of an npz file one at a time, whatever its size: the header says how many, and the rest is streamed.

`numpy.load` reads a member whole. A member is an `.npy` file, deflated or not: a header, then the images one after the
other, which is all that is needed here. No array of objects is read, so nothing is unpickled.
"""

import math
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from tasks.pure.errors import BadData

ARRAYS = ("images", "x", "x_test")  # of those in a file, the first is taken
# What a file raises that is no zip, was cut short or altered, is encrypted, or is packed in a way Python lacks.
BROKEN = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class NpzImages:
    """The images of one npz file.

    Attributes:
        path: the file.
        name: of the array.
        shape: (n, height, width, channels), as it will be given.
        dtype: as stored: whole numbers or floats.
        fortran: whether the array is stored with its first axis running fastest.
    """

    path: Path
    name: str
    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    fortran: bool

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        """Each image (height, width, channels), in the dtype of the file, one held at a time.

        Raises:
            BadData: the file is cut short or altered, which only its end may tell.
        """
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(f"{self.name}.npy") as member:
                _header(member)
                yield from self._from_columns(member) if self.fortran else self._in_order(member)
        except BROKEN as problem:
            raise BadData(f"{self.path}: `{self.name}` is cut short or damaged ({_why(problem)}).") from None

    def _in_order(self, member: IO[bytes]) -> Iterator[np.ndarray]:
        size = math.prod(self.shape[1:]) * self.dtype.itemsize
        for _ in range(len(self)):
            yield np.frombuffer(_exactly(member, size), self.dtype).reshape(self.shape[1:])
        member.read(1)  # the end, where the checksum is compared

    def _from_columns(self, member: IO[bytes]) -> Iterator[np.ndarray]:
        """Such an array cannot be cut into images as it comes: it is unpacked into a file, and read from there."""
        with tempfile.TemporaryFile() as unpacked:
            rest = math.prod(self.shape) * self.dtype.itemsize
            while rest:
                rest -= unpacked.write(_exactly(member, min(rest, 1 << 20)))
            member.read(1)
            unpacked.flush()
            for image in np.memmap(unpacked, self.dtype, "r", shape=self.shape, order="F"):
                yield np.array(image)


def open_npz(path: Path, channels: int) -> NpzImages:
    """Look into an npz file, without reading its images.

    Args:
        channels: 1 or 3, what the network takes.

    Raises:
        BadData: no npz, none of `ARRAYS` in it, or an array that holds no such images.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
            name = next((name for name in ARRAYS if name in held), None)
            if name is None:
                found = ", ".join(held) or "none"
                raise BadData(f"{path}: expected an array named {', '.join(ARRAYS)}, found {found}. Rename it.")
            with archive.open(f"{name}.npy") as member:
                shape, fortran, dtype = _header(member)
                left = archive.getinfo(f"{name}.npy").file_size - member.tell()
                if math.prod(shape) * dtype.itemsize > left:
                    raise EOFError("its header says more than it holds")
    except BROKEN as problem:
        raise BadData(f"{path}: cannot be read as npz ({_why(problem)}).") from None
    full = (*shape, 1) if len(shape) == 3 else shape
    if len(full) != 4 or full[-1] != channels or 0 in full or dtype.kind not in "uif":
        raise BadData(
            f"{path}: expected images (n, height, width, {channels}) of whole numbers or floats in `{name}`, found "
            f"{dtype} {shape}. Store them as the network's input says."
        )
    return NpzImages(path, name, full, dtype, fortran)


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and dtype; the member stands at its first image then."""
    version = np.lib.format.read_magic(member)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"an array in format {version}, which no array of numbers needs")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(member)
    if dtype.hasobject:
        raise ValueError("an array of Python objects")
    return shape, fortran, dtype


def _exactly(member: IO[bytes], size: int) -> bytes:
    content = member.read(size)
    if len(content) < size:
        raise EOFError("it ends before its last image")
    return content


def _why(problem: Exception) -> str:
    return " ".join(str(problem).split()) or type(problem).__name__
