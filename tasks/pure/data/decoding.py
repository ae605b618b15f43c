"""The one decoder: what trains, what evaluates, what `graft predict` sees and what an export prepares goes through it.

Pillow decodes. A picture is turned upright as its EXIF data say, what is transparent lies on a background, colours are
made those that the network takes, 8 bits a channel by the depth of the file, and then the size is fitted. The first
frame of an animation is taken. Colour profiles are not applied.
"""

import contextlib
import io
import re
import threading
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.data.eight_bits import file_depth, flattened
from tasks.pure.data.fitting_size import FITS, fitted
from tasks.pure.data.recognising import HEAD, DamagedPicture, NotAPicture, format_of, is_litter_name, is_picture
from tasks.pure.errors import BadData

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "HEAD", "DamagedPicture", "Decoding", "NotAPicture", "Picture", "decode", "fit", "is_litter_name", "is_picture"
]  # fmt: skip

MOST_PIXELS = 89_478_485  # Pillow's own bound: 256 MB as RGB
LONGEST_SIDE = 65_535  # pixels, JPEG's own bound
LARGE = 16_000_000  # pixels; images beyond are decoded one at a time
_one_large = threading.Lock()


@dataclass(frozen=True)
class Decoding:
    """How pictures become a network's input. Plain JSON values: part of keys, manifests and exports.

    Attributes:
        channels: 1 grey, 3 RGB.
        size: (height, width) in pixels; None: each its own.
        fit: `stretch`, `crop` or `pad`, where a picture has another size.
        background: a colour as Pillow's ImageColor names it, under what is transparent and round what is padded.
        value_range: what of a float or 32-bit file becomes 0 and 255; None refuses such files.

    Raises:
        BadData: a value that none of these can have.
    """

    channels: int
    size: tuple[int, int] | None
    fit: str = "stretch"
    background: str = "white"
    value_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise BadData(f"Expected 1 channel (grey) or 3 (RGB), found {self.channels}.")
        if self.size is not None and not all(0 < side <= LONGEST_SIDE for side in self.size):
            raise BadData(f"Expected a size of 1 to {LONGEST_SIDE} pixels, found {self.size}.")
        if self.fit not in FITS:
            raise BadData(f"Expected a fit of {', '.join(FITS)}, found {self.fit!r}.")
        if self.value_range is not None and not -np.inf < self.value_range[0] < self.value_range[1] < np.inf:
            raise BadData(f"Expected a range from a lower to a higher value, found {self.value_range}.")
        check_colour(self.background)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Decoding":
        """From what `dataclasses.asdict` gave, after it has been JSON."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plain)


@dataclass(frozen=True)
class Picture:
    """One decoded picture.

    Attributes:
        pixels: uint8 (height, width, channels), 0–255.
        size: (height, width) in pixels as stored (upright), before fitting.
        mode: Pillow's mode of the file: L, RGB, P, CMYK, I;16 …
        format: JPEG, PNG …
        frames: more than 1: an animation or several pages, of which the first was taken.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    mode: str
    format: str
    frames: int


class NoMemory(DamagedPicture):
    """There was not enough memory just now: that may be the picture's fault, or nobody's."""


def check_colour(name: str) -> None:
    """Raises BadData where Pillow knows no such colour (it knows `white`, `#808080`, `rgb(10, 20, 30)` …)."""
    from PIL import ImageColor

    try:
        ImageColor.getrgb(name)
    except ValueError:
        raise BadData(f"Expected a colour such as white or #808080, found {name!r}.") from None


def decode(content: bytes, name: str, decoding: Decoding) -> Picture:
    """One image file as pixels. Safe to call from several threads at once; no file is opened, no process started.

    Args:
        content: the whole file, read once by the caller, so that its hash and its pixels are of the same bytes.
        name: how messages call the file.

    Raises:
        NotAPicture: no image format at all.
        DamagedPicture: cannot be decoded, is too large to be meant well, or is refused (floats without a range).
    """
    kind = format_of(content[:HEAD], name)
    try:
        with _quiet:
            return _decoded(content, kind, decoding)
    except MemoryError:
        raise NoMemory(f"{name}: cannot be decoded (not enough memory). Free some, or make it smaller.") from None
    except Exception as problem:  # Pillow's plugins raise whatever strange bytes make them: struct.error, IndexError, …
        why = " ".join(str(problem).split()) or type(problem).__name__
        raise DamagedPicture(f"{name}: cannot be decoded ({why}).") from None


def fit(pixels: np.ndarray, decoding: Decoding) -> np.ndarray:
    """Pixels in the size of `decoding`, as `decode` fits them; the same array where they have that size already.

    Args:
        pixels: uint8 or float32 (height, width, channels).
    """
    from PIL import Image

    if decoding.size is None or pixels.shape[:2] == decoding.size:
        return pixels
    how = (decoding.size, decoding.fit, decoding.background)
    if pixels.dtype == np.uint8:
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        return _pixels(fitted(image, *how))
    colours = _background(decoding.background, pixels.shape[2])
    planes = [Image.fromarray(np.ascontiguousarray(pixels[:, :, channel])) for channel in range(pixels.shape[2])]
    fits = [fitted(plane, how[0], how[1], colour) for plane, colour in zip(planes, colours, strict=True)]
    return np.stack([np.asarray(plane, np.float32) for plane in fits], axis=2)


def _background(name: str, channels: int) -> list[str]:
    """The colour for each channel alone, as a grey."""
    from PIL import ImageColor

    red, green, blue = ImageColor.getrgb(name)[:3]
    return [name] if channels == 1 else [f"rgb({value}, {value}, {value})" for value in (red, green, blue)]


def _decoded(content: bytes, kind: str, decoding: Decoding) -> Picture:
    from PIL import Image

    with Image.open(io.BytesIO(content), formats=[kind]) as opened:
        _check_size(opened)
        large = opened.width * opened.height > LARGE
        with _one_large if large else contextlib.nullcontext():
            depth, mode = file_depth(opened, content), opened.mode
            opened.load()
            _check_size(opened)  # an icon says the size of what lies in it only now
            flat = flattened(opened, decoding.channels, decoding.background, decoding.value_range, depth)
            image = _upright(opened, flat)
            size = (image.height, image.width)
            if decoding.size is not None:
                image = fitted(image, decoding.size, decoding.fit, decoding.background)
            return Picture(_pixels(image), size, mode, opened.format or kind, _frames(opened))


def _check_size(image: "Image.Image") -> None:
    width, height = image.size
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and width * height <= MOST_PIXELS):
        raise ValueError(f"{width} × {height} pixels, expected at most {MOST_PIXELS // 10**6} million")


def _upright(opened: "Image.Image", image: "Image.Image") -> "Image.Image":
    """`image`, made of `opened`, turned as the camera was held."""
    from PIL import Image

    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    try:
        # After loading: a PNG may say it behind its pixels, and Pillow turns a TIFF itself while it loads it.
        turn = turns.get(opened.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF data raise anything; the picture is none the worse for it
        turn = None
    return image if turn is None else image.transpose(turn)


def _frames(opened: "Image.Image") -> int:
    """How many frames; an MPO's others are the same picture for another eye or screen."""
    try:
        return 1 if opened.format == "MPO" else int(getattr(opened, "n_frames", 1))
    except Exception:  # the frames behind the first one are damaged, and are not taken anyway
        return 1


def _pixels(image: "Image.Image") -> np.ndarray:
    return np.asarray(image).reshape(image.height, image.width, -1)


class _Quiet:
    """Silences Pillow's warnings of odd metadata while any thread decodes.

    `warnings.catch_warnings` puts back the whole list of filters, so two threads would undo each other's.
    """

    FILTER = ("ignore", None, Warning, re.compile(r"PIL\b"), 0)

    def __init__(self) -> None:
        self.lock, self.inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self.lock:
            self.inside += 1
            if self.inside == 1:
                warnings.filterwarnings("ignore", module=r"PIL\b")

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                filters: Any = warnings.filters
                with contextlib.suppress(ValueError):  # whoever put other filters there meanwhile took ours away
                    filters.remove(self.FILTER)


_quiet = _Quiet()
