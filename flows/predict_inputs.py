"""What `graft predict` is given: image files, folders and npz files become images, one at a time; what is none is said.

A file that is no image stops no other; in a folder such files are passed over. Files are decoded as those were that the
network was trained on. What stands in an npz file is what the exported network takes: pixels of 0–255, unless the
network was trained on floats of a range of their own; only the size is fitted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tasks.pure.data import ranges
from tasks.pure.data.decoding import Decoding, NotAPicture, decode, fit
from tasks.pure.data.picture_files import files_below, read_picture
from tasks.pure.errors import BadData
from tasks.pure.npz_images import open_npz

OWN_RANGE = (
    "the network was trained on numbers below 0 or above 255, and the pixels of a file are of 0–255. "
    "Give an npz with images as it was trained on."
)


@dataclass(frozen=True)
class Picture:
    """One image on its way to the network.

    Attributes:
        name: the file; of an npz file with the image's index.
        stem: what a picture about it is called.
        pixels: float32 (height, width, channels), finite.
        frames: more than 1: an animation or several pages, of which this is the first.
    """

    name: str
    stem: str
    pixels: np.ndarray
    frames: int = 1


@dataclass(frozen=True)
class Problem:
    """Something that is no image, and why."""

    image: str
    problem: str


@dataclass(frozen=True)
class Skipped:
    """Litter in a folder: passed over, and counted. `problem` is what is said where it was asked for by name."""

    image: str
    problem: str = ""


Item = Picture | Problem | Skipped


def count(paths: Sequence[str], channels: int) -> int:
    """How many rows, problems and skipped files there will be at most, without reading any image."""
    return sum(_count_one(given, channels) for given in paths)


def _count_one(given: str, channels: int) -> int:
    path = Path(given)
    if not path.is_dir():
        return _count(path, channels)
    found = files_below(path)
    return len(found.litter) + sum(_count(file, channels) for file in found.files)


def _count(path: Path, channels: int) -> int:
    try:
        return len(open_npz(path, channels)) if _is_npz(path) else 1
    except BadData:
        return 1


def images(paths: Sequence[str], decoding: Decoding, pixels: bool = True) -> Iterator[Item]:
    """The images of files, folders (with subfolders) and npz files, one at a time, in order, called as they were given.

    Args:
        decoding: how the network's pictures are decoded, and the size and colours that it takes.
        pixels: whether it takes 0–255; then floats of 0–1 in an npz file are refused, it would see them as black. If
            not, all files but npz ones are refused: nobody knows what its own range makes of their pixels.
    """
    for given in paths:
        if Path(given).is_dir():
            yield from _folder(given, decoding, pixels)
            continue
        for item in _file(Path(given), given, decoding, pixels):
            yield Problem(item.image, item.problem) if isinstance(item, Skipped) else item


def _folder(given: str, decoding: Decoding, pixels: bool) -> Iterator[Item]:
    top = Path(given)
    found = files_below(top)
    yield from (Skipped(_below(given, top, path)) for path in found.litter)
    skipped, others = len(found.litter), 0
    for path in found.files:
        for item in _file(path, _below(given, top, path), decoding, pixels):
            skipped += isinstance(item, Skipped)
            others += not isinstance(item, Skipped)
            yield item
    if not others:
        held = f"one without images ({skipped} other files)" if skipped else "a folder without files"
        yield Problem(given, f"{given}: expected images, found {held}. Name another.")


def _below(given: str, top: Path, path: Path) -> str:
    """`path` as whoever gave the folder `top` would write it: `./photos/` and `a.png` make `./photos/a.png`."""
    return given if path == top else f"{given.rstrip('/')}/{path.relative_to(top)}"


def _is_npz(path: Path) -> bool:
    return path.suffix.lower() == ".npz"


def _file(path: Path, name: str, decoding: Decoding, pixels: bool) -> Iterator[Item]:
    if _is_npz(path):
        yield from _npz(path, name, decoding, pixels)
        return
    try:
        found = decode(read_picture(path, name), name, decoding)
    except NotAPicture as problem:
        yield Skipped(name, str(problem))
    except BadData as problem:
        yield Problem(name, str(problem))
    else:
        picture = Picture(name, path.stem, found.pixels.astype(np.float32), found.frames)
        yield picture if pixels else Problem(name, f"{name}: {OWN_RANGE}")


def _npz(path: Path, name: str, decoding: Decoding, pixels: bool) -> Iterator[Item]:
    """The images as they stand there: no decoding. A damaged file gives those before the damage, then a problem."""
    try:
        bits = pixels and _only_bits(path, decoding.channels)
        for number, image in enumerate(open_npz(path, decoding.channels)):
            item = _checked(f"{name}[{number}]", f"{path.stem}-{number}", image, pixels, bits)
            yield _fitted(item, image, decoding) if isinstance(item, Picture) else item
    except BadData as problem:
        yield Problem(name, str(problem))


def _only_bits(path: Path, channels: int) -> bool:
    """Whether all images are whole numbers of 0 and 1: masks. One dark image among others is none."""
    images = open_npz(path, channels)
    return images.dtype.kind in "ui" and all(int(image.max(initial=0)) <= 1 for image in images)


def _checked(name: str, stem: str, image: np.ndarray, pixels: bool, bits: bool) -> Item:
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows becomes infinite, and is refused as that
        found = image.astype(np.float32)
    if not np.isfinite(found).all():
        return Problem(name, f"{name}: expected finite pixels, found NaN or infinity. Repair or remove that image.")
    brightest = float(found.max())
    if pixels and image.dtype.kind == "f" and 0 < brightest <= 1:
        return Problem(name, f"{name}: expected pixels of 0–255, found floats of at most {brightest:.3g}. Times 255?")
    found_range = ranges.pixel_range(image)
    dark = not found_range.floats and (found_range.low, found_range.high) == (0, 1) and not bits
    if pixels and not dark and (why := ranges.fault(found_range)):  # what training refuses
        return Problem(name, f"{name}: expected pixels of 0–255, found {why}.")
    return Picture(name, stem, found)


def _fitted(picture: Picture, stored: np.ndarray, decoding: Decoding) -> Picture:
    """In the network's size; whole numbers of 0–255 are fitted as bytes, like the pixels of a file."""
    as_bytes = stored.dtype.kind in "ui" and picture.pixels.min() >= 0 and picture.pixels.max() <= 255
    pixels = picture.pixels.astype(np.uint8) if as_bytes else picture.pixels
    return replace(picture, pixels=fit(pixels, decoding).astype(np.float32))
