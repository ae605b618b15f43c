"""What `graft predict` is given: image files, folders and npz files become images, one at a time; what is none is said.

A file that is no image stops no other. What stands in an npz file is what the exported network takes: pixels of 0–255,
unless the network was trained on floats of a range of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.pure.data import ranges
from tasks.pure.decoding import decode
from tasks.pure.errors import BadData
from tasks.pure.npz_images import open_npz


@dataclass(frozen=True)
class Picture:
    """One image on its way to the network.

    Attributes:
        name: the file; of an npz file with the image's index.
        stem: what a picture about it is called.
        pixels: float32 (height, width, channels), finite.
    """

    name: str
    stem: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Problem:
    """Something that is no image, and why."""

    image: str
    problem: str


Item = Picture | Problem


def count(paths: Sequence[Path], channels: int) -> int:
    """How many rows and problems there will be at most, without reading any image."""
    return sum(_count(file, channels) for path in paths for file in _files(path))


def _count(path: Path, channels: int) -> int:
    try:
        return len(open_npz(path, channels)) if _is_npz(path) else 1
    except BadData:
        return 1


def images(paths: Sequence[Path], channels: int, pixels: bool = True) -> Iterator[Item]:
    """The images of files, folders (with subfolders) and npz files, one at a time, in order.

    Args:
        channels: 1 for grey, 3 for RGB: what the network takes.
        pixels: whether it takes 0–255; then floats of 0–1 in an npz file are refused, it would see them as black.
    """
    for path in paths:
        files = _files(path)
        if not files:
            yield Problem(str(path), f"{path}: expected images, found a folder without files. Name another.")
        for file in files:
            yield from _npz(file, channels, pixels) if _is_npz(file) else [_decoded(file, channels)]


def _files(path: Path) -> list[Path]:
    """The file itself; of a folder all that lies in it and below, save what is hidden."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if not file.is_dir() and not file.name.startswith("."))


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _decoded(path: Path, channels: int) -> Item:
    if not path.is_file():  # opening a pipe would wait for ever
        why = "a link to nothing" if path.is_symlink() else "no regular file"
        return Problem(str(path), f"{path}: expected an image such as PNG or JPEG, found {why}.")
    try:
        return Picture(str(path), path.stem, decode(path, channels).astype(np.float32))
    except BadData as problem:
        return Problem(str(path), str(problem))


def _npz(path: Path, channels: int, pixels: bool) -> Iterator[Item]:
    """The images as they stand there: no decoding. A damaged file gives those before the damage, then a problem."""
    try:
        for number, image in enumerate(open_npz(path, channels)):
            yield _checked(f"{path}[{number}]", f"{path.stem}-{number}", image, pixels)
    except BadData as problem:
        yield Problem(str(path), str(problem))


def _checked(name: str, stem: str, image: np.ndarray, pixels: bool) -> Item:
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows becomes infinite, and is refused as that
        found = image.astype(np.float32)
    if not np.isfinite(found).all():
        return Problem(name, f"{name}: expected finite pixels, found NaN or infinity. Repair or remove that image.")
    brightest = float(found.max())
    if pixels and image.dtype.kind == "f" and 0 < brightest <= 1:
        return Problem(name, f"{name}: expected pixels of 0–255, found floats of at most {brightest:.3g}. Times 255?")
    if pixels and (why := ranges.fault(ranges.pixel_range(image))):  # what training refuses
        return Problem(name, f"{name}: expected pixels of 0–255, found {why}.")
    return Picture(name, stem, found)
