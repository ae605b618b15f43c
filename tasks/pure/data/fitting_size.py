"""Pictures of one size out of pictures of any: stretched, cropped or padded, and smoothed where they shrink."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

FITS = ("stretch", "crop", "pad")


def fitted(image: "Image.Image", size: tuple[int, int], fit: str, background: str) -> "Image.Image":
    """`image` in another size; the same image where it has that size already.

    Bilinear: Pillow widens the filter by as much as the image shrinks, so that every pixel counts (antialiasing), and
    it never overshoots, so that no value becomes brighter or darker than those that it is a mean of.

    Args:
        image: of mode L, RGB or F.
        size: (height, width) in pixels.
        fit: `stretch` changes the proportions; `crop` keeps the middle that has the new ones; `pad` keeps all, in the
            middle of a `background`.
        background: a colour as Pillow names it; used by `pad`.
    """
    from PIL import Image

    height, width = size
    if image.size == (width, height):
        return image
    if fit == "pad":
        return _padded(image, width, height, background)
    box = _middle(image, width, height) if fit == "crop" else None
    return image.resize((width, height), Image.Resampling.BILINEAR, box)


def _middle(image: "Image.Image", width: int, height: int) -> tuple[float, float, float, float]:
    """The largest box in the middle that has the proportions of `width` and `height`, to fractions of a pixel."""
    across = min(image.width, image.height * width / height)
    down = min(image.height, image.width * height / width)
    left, top = (image.width - across) / 2, (image.height - down) / 2
    return left, top, min(left + across, image.width), min(top + down, image.height)


def _padded(image: "Image.Image", width: int, height: int, background: str) -> "Image.Image":
    from PIL import Image, ImageColor

    inner = _inside(image, width, height)
    colour = ImageColor.getcolor(background, "L" if image.mode == "F" else image.mode)
    whole = Image.new(image.mode, (width, height), colour)
    shrunk = image if image.size == inner else image.resize(inner, Image.Resampling.BILINEAR)
    whole.paste(shrunk, ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return whole


def _inside(image: "Image.Image", width: int, height: int) -> tuple[int, int]:
    """(width, height) of the whole image inside; in whole numbers, so that no rounding depends on a machine."""
    if image.width * height >= image.height * width:
        return width, max(1, (2 * image.height * width + image.width) // (2 * image.width))
    return max(1, (2 * image.width * height + image.height) // (2 * image.height)), height
