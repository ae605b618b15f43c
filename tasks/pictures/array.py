"""The array that pictures are decoded into: a `.npy` file, written a row at a time and never held in memory."""

import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import prod
from pathlib import Path

import numpy as np

from artifacts.errors import DataError
from artifacts.picture_codecs import Pictures, mapped
from tasks.pure.data.decoding import Decoding
from tasks.pure.data.of_task import plain


class Array:
    """Rows of one size, in the order of the files. Several threads may put rows at once.

    Use as a context manager: the file is removed at the end if nobody has taken it.

    Raises:
        DataError: on entering, where the disk has no room for all rows.

    Attributes:
        path: the file.
        filled: places that have a row.
        damaged: hex SHA-256 of a file → why it has none.
    """

    def __init__(self, scratch: Path, count: int, decoding: Decoding) -> None:
        if decoding.size is None:
            raise ValueError("Expected a size: rows of an array have one.")
        scratch.mkdir(parents=True, exist_ok=True)
        self.path = scratch / f"{uuid.uuid4().hex}.npy"
        self.count, self.decoding = count, decoding
        self.shape = (*decoding.size, decoding.channels)
        self.size = prod(self.shape)
        self.filled: set[int] = set()
        self.damaged: dict[str, str] = {}

    def __enter__(self) -> "Array":
        self._check_room()
        self.file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        self._begin(self.count)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.file)
        self.path.unlink(missing_ok=True)

    def _check_room(self) -> None:
        """Said before anything is decoded: a size with a zero too many would fill the disk for hours first."""
        needed, free = self.count * self.size, shutil.disk_usage(self.path.parent).free
        if needed > free:
            height, width, channels = self.shape
            raise DataError(
                f"{self.count:,} pictures of {height:,} × {width:,} pixels × {channels} bytes are {needed / 1e9:,.1f} "
                f"GB, and where the store lies {free / 1e9:,.1f} GB are free. Set a smaller `image_size`, or let "
                "`GRAFT_STORE` name a folder on a larger disk."
            )

    def _begin(self, count: int) -> None:
        """Write the header for `count` rows."""
        head = BytesIO()
        shape = {"descr": "|u1", "fortran_order": False, "shape": (count, *self.shape)}
        np.lib.format.write_array_header_1_0(head, shape)
        self.start = len(head.getvalue())
        os.pwrite(self.file, head.getvalue(), 0)

    def put(self, place: int, pixels: np.ndarray) -> None:
        """Write one row, uint8 (height, width, channels)."""
        self._write(np.ascontiguousarray(pixels).tobytes(), place)
        self.filled.add(place)

    def _write(self, row: bytes, place: int) -> None:
        """Write a row whole: what a full disk took in part would read as black."""
        written = os.pwrite(self.file, row, self.start + place * self.size)
        if len(row) != self.size or written != self.size:
            raise DataError(
                f"{self.path}: expected to write {self.size:,} bytes of a picture, wrote {written:,}. Is the disk full?"
            )

    def has(self, place: int, sha256: str) -> bool:
        """Whether it is known what becomes of the file at `place`."""
        return place in self.filled or sha256 in self.damaged

    def copy(self, held: Pictures, places: Mapping[str, int]) -> None:
        """Copy the rows of `held` whose files have a place here and no row yet; and what is known to be damaged."""
        self.damaged |= {sha256: why for sha256, why in held.damaged.items() if sha256 in places}
        rows = [(row, places[sha256]) for sha256, row in held.rows().items() if sha256 in places]
        wanted = [(row, place) for row, place in rows if place not in self.filled]
        if not wanted:
            return
        with open(held.images.filename, "rb", buffering=0) as file:  # type: ignore[attr-defined]
            for row, place in wanted:
                content = os.pread(file.fileno(), self.size, held.images.offset + row * self.size)  # type: ignore[attr-defined]
                self._write(content, place)
                self.filled.add(place)

    def pictures(self, files: Sequence[str]) -> Pictures:
        """What was decoded: the rows that are filled, of `files` (hex SHA-256, ascending), moved together."""
        kept = sorted(self.filled)
        digests = [np.frombuffer(bytes.fromhex(files[place]), np.uint8) for place in kept]
        for row, place in enumerate(kept):
            if row != place:
                content = os.pread(self.file, self.size, self.start + place * self.size)
                self._write(content, row)
        self._begin(len(kept))  # as long as before: NumPy leaves room in it for the first axis to grow
        os.truncate(self.file, self.start + len(kept) * self.size)
        hashes = np.array(digests, np.uint8).reshape(len(kept), 32)
        return Pictures(mapped(self.path), hashes, plain(self.decoding), dict(sorted(self.damaged.items())))
