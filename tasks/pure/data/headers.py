"""What a picture's file says of itself before it is decoded: format, colour mode, size, frames."""

import io
from typing import NamedTuple

from tasks.pure.data.decoding import LARGE, MOST_PIXELS, _quiet
from tasks.pure.data.recognising import HEAD, format_of

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange height and width
ORIENTATION = 0x0112


class Header(NamedTuple):
    """What the first bytes of a picture say. A tuple, since there may be 50,000 and a plan waits for them.

    Attributes:
        format: Pillow's name, such as JPEG; "" where the file cannot be read as its name or content promises.
        mode: Pillow's colour mode, such as RGB.
        height, width: in pixels, upright.
        animated: whether there are several frames.
    """

    format: str
    mode: str
    height: int
    width: int
    animated: bool

    @property
    def is_grey(self) -> bool:
        """Whether there is no colour in it. A palette counts as colour: only its pixels could tell."""
        return self.mode in GREY_MODES


UNREADABLE = Header("", "", 0, 0, False)


def header(content: bytes, name: str) -> Header:
    """The header of a picture; `UNREADABLE` where it has none that can be read: `decoding.decode` says why.

    Args:
        content: all bytes of the file.
        name: its name; some formats are known by that alone.
    """
    from PIL import Image

    try:
        kind = format_of(content[:HEAD], name)
        with _quiet, Image.open(io.BytesIO(content), formats=[kind]) as image:
            height, width = image.height, image.width
            if height * width > MOST_PIXELS:  # a bomb, or absurd: `decode` says so
                return UNREADABLE
            # Pillow decodes all of a PNG to look for EXIF data behind the pixels, which few have; the size of a TIFF is
            # that of the upright picture already.
            small_png = b"eXIf" in content and height * width <= LARGE
            may_be_turned = image.format != "TIFF" and (image.format != "PNG" or small_png)
            if may_be_turned and image.getexif().get(ORIENTATION) in TURNED:
                height, width = width, height
            animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))
            return Header(str(image.format), image.mode, height, width, animated)
    except MemoryError:
        raise  # it says nothing of the file, and what is returned here is remembered
    except Exception:  # noqa: BLE001 - whatever a plugin raises on outside bytes: there is no header to be had
        return UNREADABLE
