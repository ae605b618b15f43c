"""Decoded images of any mode as grey or RGB of 8 bits a channel, with nothing transparent left.

The depth of a picture is that of its file. A dark picture of 16 bits stays dark: what it holds never decides how it is
read.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

STRIP = 1 << 22  # pixels that are converted at once, so that a large image is not held four times over
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339  # tags of a TIFF


def flattened(
    image: "Image.Image", channels: int, background: str, value_range: tuple[float, float] | None, depth: int | None
) -> "Image.Image":
    """`image`, which is loaded, as mode L or RGB.

    Args:
        channels: 1 for grey (ITU-R BT.601 luma), 3 for RGB.
        background: a colour as Pillow names it, put under what is transparent.
        value_range: what of floats and of 32-bit integers becomes 0 and 255.
        depth: bits a sample of the file, where it says so.

    Raises:
        ValueError: floats or 32-bit integers without `value_range`, NaN, or a mode that cannot be converted.
    """
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PPM", "PNG")):
        image = _upper_byte(image, depth if image.mode.startswith("I;16") and depth else 16)
    elif image.mode in ("I", "F"):
        image = _ranged(image, value_range)
    elif "transparency" in image.info and image.format == "PNG" and depth:
        image.info["transparency"] = _in_eight_bits(image.info["transparency"], image.mode, depth)
    if image.has_transparency_data:
        image = _on_background(image, background)
    if image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    mode = "L" if channels == 1 else "RGB"
    return image if image.mode == mode else image.convert(mode)


def file_depth(image: "Image.Image", content: bytes) -> int | None:
    """Bits a sample as the file of `image` says, or None where its format has but one depth or Pillow scales it."""
    if image.format == "PNG":
        return content[24]  # of its first chunk, IHDR
    tags: Any = getattr(image, "tag_v2", None)
    return int(tags[BITS_PER_SAMPLE][0]) if tags and BITS_PER_SAMPLE in tags else None


def _tag(image: "Image.Image", tag: int) -> Any:
    """A TIFF's tag, the first of its values; 1, which means "as usual", where there is none."""
    value = getattr(image, "tag_v2", {}).get(tag, 1)
    return value[0] if isinstance(value, tuple) and value else value


def _upper_byte(image: "Image.Image", depth: int) -> "Image.Image":
    """Grey of 9 to 16 bits by its upper 8; a value that stands for transparent becomes an alpha channel."""
    from PIL import Image

    values = np.asarray(image)
    grey = (values >> (depth - 8)).clip(0, 255).astype(np.uint8)
    found = Image.fromarray(_upright_tones(image, grey))
    clear = image.info.get("transparency")
    if clear is None:
        return found
    return Image.merge("LA", (found, Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8))))


def _ranged(image: "Image.Image", value_range: tuple[float, float] | None) -> "Image.Image":
    from PIL import Image

    if value_range is None:
        kind = "floats" if image.mode == "F" else "32-bit or signed integers"
        raise ValueError(f"its pixels are {kind}, and nothing says which of them are black and white: give a range")
    low, high = value_range
    values = np.asarray(image)
    if image.mode == "I" and _tag(image, SAMPLE_FORMAT) == 1:
        values = values.view(np.uint32)  # Pillow has no unsigned mode: half of them look negative
    grey = np.empty(values.shape, np.uint8)
    for top, bottom in _strips(*values.shape):
        with np.errstate(all="ignore"):  # a signalling NaN warns where it is converted
            shares = (values[top:bottom].astype(np.float64) - low) / (high - low)
        if np.isnan(shares).any():
            raise ValueError("it holds NaN")
        grey[top:bottom] = np.rint(shares.clip(0, 1) * 255)
    return Image.fromarray(_upright_tones(image, grey))


def _upright_tones(image: "Image.Image", grey: np.ndarray) -> np.ndarray:
    """A TIFF may say that 0 is white; Pillow heeds it for 8 bits only."""
    return 255 - grey if _tag(image, PHOTOMETRIC) == 0 else grey


def _in_eight_bits(clear: Any, mode: str, depth: int) -> Any:
    """The value of a PNG that stands for transparent, in the file's depth, as Pillow scaled the pixels."""
    if mode == "L":
        return (clear & ((1 << depth) - 1)) * 255 // ((1 << depth) - 1)
    if mode == "RGB":
        return tuple(value >> 8 if depth == 16 else value & 255 for value in clear)
    return clear


def _on_background(image: "Image.Image", background: str) -> "Image.Image":
    from PIL import Image, ImageColor

    colour = ImageColor.getcolor(background, "RGB")
    flat = Image.new("RGB", image.size)
    for top, bottom in _strips(image.height, image.width):
        over = image.crop((0, top, image.width, bottom)).convert("RGBA")
        under = Image.new("RGB", over.size, colour).convert("RGBA")
        flat.paste(Image.alpha_composite(under, over).convert("RGB"), (0, top))
    return flat


def _strips(height: int, width: int) -> Iterator[tuple[int, int]]:
    """First row and row after the last of each piece of at most `STRIP` pixels."""
    rows = max(1, STRIP // max(1, width))
    return ((top, min(top + rows, height)) for top in range(0, height, rows))
