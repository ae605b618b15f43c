"""Which numbers the pixels are, whether a network should be fed them, and if not, the mend in words.

Welcome are bytes of 0–255, floats of 0–255, and floats of 0–1 (with `scale: none`): one of them throughout, in every
part, in the source, in the target, and in what `predict` is given. Everything else is somebody's preprocessing that one
part has and another lacks, and is refused before anything is trained. A dark or a plain picture is no fault by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.pure.data.rows import Images, blocks
from tasks.pure.errors import BadData

UNIT, BYTES = "0–1", "0–255"
OVERSHOOT = 0.1  # of white: as far as a filter's ringing may leave the range and still be taken for ringing
UNIT_MOST = 2.0  # floats up to this are of 0–1 and what ringing added: as pixels of 0–255 they would be black
BLOCK_PIXELS = 2**22
STANDARDISED = 20.0  # standard deviations: farther from the mean no pixel lies


@dataclass(frozen=True)
class PixelRange:
    """What the pixels of some images are.

    Attributes:
        low, high: the smallest and the largest.
        floats: whether they are floats; else whole numbers.
    """

    low: float
    high: float
    floats: bool

    @property
    def scale(self) -> str | None:
        """`0–1` or `0–255`; None where that cannot be told: no images, or all of one value."""
        if self.low >= self.high:
            return None
        return UNIT if self.floats and self.high <= UNIT_MOST else BYTES

    @property
    def white(self) -> float:
        """What is white: 1 or 255."""
        return 1.0 if self.scale == UNIT else 255.0

    def __str__(self) -> str:
        kind = "floats" if self.floats else "bytes" if self.low >= 0 and self.high <= 255 else "whole numbers"
        return f"{kind} of {self.low:.5g} to {self.high:.5g}"


def pixel_range(images: Images) -> PixelRange:
    """The range of images (n, height, width, channels), read a block at a time; 0 to 0 where there are none."""
    floats = images.dtype.kind == "f"
    read = blocks(images, BLOCK_PIXELS * images.dtype.itemsize)
    found = [(float(block.min()), float(block.max())) for block in read if block.size]
    if not found:
        return PixelRange(0.0, 0.0, floats)
    return PixelRange(min(low for low, _ in found), max(high for _, high in found), floats)


def fault(found: PixelRange) -> str | None:
    """Why no network should be fed such pixels, with the mend; None where all is well."""
    low, high = found.low, found.high
    if not found.floats and (low, high) == (0, 1):
        return "bytes of 0 and 1 only, which is black and nearly black. Save them times 255"
    if low >= 0 and high <= 255 and not (found.floats and 1 < high <= UNIT_MOST):
        return None
    return _below_zero(low, high, str(found)) if low < -OVERSHOOT else _above_white(high, str(found))


def _above_white(high: float, shown: str) -> str:
    if high <= UNIT_MOST:
        return f"{shown}, beyond 0–1, as a filter leaves them that resizes. Save `images.clip(0, 1)`"
    if high <= 255 * (1 + OVERSHOOT):
        return f"{shown}, beyond 0–255, as a filter leaves them that resizes. Save `images.clip(0, 255)`"
    if high <= 4095:
        return f"{shown}, the range of 12 bits. Save `images / 4095 * 255`"
    if high <= 65535:
        return f"{shown}, the range of 16 bits. Save `images / 257`"
    return f"{shown}, beyond every usual range. Bring them to 0–255"


def _below_zero(low: float, high: float, shown: str) -> str:
    if low >= -1 - OVERSHOOT and 0 < high <= 1 + OVERSHOOT:
        return f"{shown}, the range -1 to 1. Save `(images + 1) * 127.5`"
    if high > STANDARDISED and low >= -255 * OVERSHOOT and high <= 255 * (1 + OVERSHOOT):
        return f"{shown}, beyond 0–255, as a filter leaves them that resizes. Save `images.clip(0, 255)`"
    if max(-low, high) <= STANDARDISED:
        return f"{shown}, as standardising leaves them. Save the pixels as they were: `images * std + mean`"
    return f"{shown}, below zero, as taking a mean away leaves them. Save the pixels as they were: `images + mean`"


def check(name: str, parts: Mapping[str, Images]) -> None:
    """Refuse a data set whose parts should not be fed to a network, or are on different scales.

    Args:
        name: how messages call the data set.
        parts: images by the part's name, such as `train`; empty ones are passed over.

    Raises:
        BadData: the range of a part is none of those that are welcome, or two parts have different ones.
    """
    found = {part: pixel_range(images) for part, images in parts.items() if len(images)}
    for part, each in found.items():
        if why := fault(each):
            raise BadData(f"{name}: expected pixels of 0–255, found in `{part}` {why}.")
    if why := apart({f"`{part}`": each for part, each in found.items()}):
        raise BadData(f"{name}: {why}")


def apart(found: Mapping[str, PixelRange]) -> str | None:
    """What is wrong where the named ranges are on different scales, as a sentence; None where they are on one."""
    told = {name: each for name, each in found.items() if each.scale}
    scales = {each.scale for each in told.values()}
    if len(scales) < 2:
        return None
    unit = next(name for name, each in told.items() if each.scale == UNIT)
    other = next(name for name, each in told.items() if each.scale == BYTES)
    return (
        f"expected pixels on one scale, found {told[other]} in {other}, but {told[unit]} in {unit}: to a network that "
        f"learnt the one the other is black or white. Save {unit} times 255, or all of them divided by 255."
    )
