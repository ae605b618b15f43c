"""Image files to arrays, as a network's input wants them."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.errors import BadData

if TYPE_CHECKING:
    from PIL import Image

WHITE = (255, 255, 255, 255)


def decode(path: Path, channels: int) -> np.ndarray:
    """One image file as uint8 (height, width, channels) of 0–255, in its own size.

    Pillow decodes it and turns it upright where its EXIF data say so; what is transparent lies on white; 16-bit pixels
    become 8-bit ones by their upper byte.

    Args:
        channels: 1 for grey, 3 for RGB.

    Raises:
        BadData: no image, a damaged one, or one too large to be meant well.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as opened:  # of odd metadata; the pixels count
            upright = ImageOps.exif_transpose(opened)
            pixels = np.asarray(_eight_bits(upright).convert("L" if channels == 1 else "RGB"))
    except UnidentifiedImageError:
        raise BadData(f"{path}: expected an image such as PNG or JPEG, found something else.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        raise BadData(f"{path}: cannot be decoded ({problem}).") from None
    return pixels.reshape(*pixels.shape[:2], channels)


def _eight_bits(image: "Image.Image") -> "Image.Image":
    """`image` with 8 bits a channel and nothing transparent."""
    from PIL import Image

    mode = image.mode
    if mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        wide = values.max(initial=0) > 255
        return Image.fromarray(np.clip(values / 256 if wide else values, 0, 255).astype(np.uint8))
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, WHITE), over)
    return image
