"""A contact sheet: some pictures of each class in each part, a class a row, so that a person can look at the data."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure import canvas
from tasks.pure.data.ranges import pixel_range
from tasks.pure.data.rows import Images

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Part = tuple[Images, np.ndarray]
MOST_CLASSES = 10
LARGEST = 190_000  # bytes; beyond it fewer pictures a class are shown
WIDTH, LABELS, GAP, APART, HEADER, FOOTER = 1200, 200, 6, 26, 40, 34  # dots
TILE = 72  # the most
COLUMNS = {1: 12, 2: 6, 3: 4, 4: 3}  # pictures of a class, by the number of parts
INK, SOFT = "#111827", "#6B7280"


def contact_sheet(class_names: Sequence[str], parts: Mapping[str, Part]) -> bytes:
    """PNG bytes, the same for the same pictures; of many classes the first ten.

    Args:
        class_names: in the order of the labels.
        parts: images (n, height, width, 1 or 3) and labels (n,) of each part that has images.
    """
    for columns in range(COLUMNS[len(parts)], 0, -1):
        drawn = _draw(class_names, parts, columns)
        if len(drawn) <= LARGEST:
            break
    return drawn


def _draw(class_names: Sequence[str], parts: Mapping[str, Part], columns: int) -> bytes:
    shown = min(len(class_names), MOST_CLASSES)
    room = (WIDTH - LABELS - APART * (len(parts) - 1)) // len(parts)
    tile = _side(parts, min(TILE, room // columns - GAP))
    more = len(class_names) - shown
    height = HEADER + shown * (tile + GAP) + (FOOTER if more else 0)
    with canvas.plain_style():
        figure = canvas.blank(WIDTH, height)
        for place, (part, (images, labels)) in enumerate(parts.items()):
            left = LABELS + place * (columns * (tile + GAP) + APART)
            _write(figure, left, HEADER / 2, f"{part} · {len(labels):,}", INK)
            white = pixel_range(images).white
            for label in range(shown):
                top = HEADER + label * (tile + GAP)
                chosen = _spread(np.flatnonzero(labels == label), columns)
                _row(figure, left, top, tile, [_tile(images[index], white, tile) for index in chosen])
        for label in range(shown):
            middle = HEADER + label * (tile + GAP) + tile / 2
            _write(figure, 0, middle, canvas.shortened(class_names[label], 20), INK)
        if more:
            _write(figure, 0, height - FOOTER / 2, f"and {more:,} classes more", SOFT)
        return canvas.png(figure, colours=256 if images.shape[-1] == 1 else 128)


def _side(parts: Mapping[str, Part], most: int) -> int:
    """Of the square that a picture stands in: small pictures are enlarged a whole number of times."""
    longest = max(max(images.shape[1:3]) for images, _ in parts.values())
    return int(longest * (most // longest)) if longest <= most else most


def _row(figure: "Figure", left: int, top: int, tile: int, pictures: list[np.ndarray]) -> None:
    if not pictures:
        _write(figure, left, top + tile / 2, "none", SOFT)
    for place, picture in enumerate(pictures):
        figure.figimage(picture, left + place * (tile + GAP), _from_below(figure, top + picture.shape[0]))


def _spread(members: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of `members`, evenly spread."""
    return members[np.unique(np.linspace(0, len(members) - 1, min(len(members), count)).astype(int))]


def _tile(image: np.ndarray, white: float, side: int) -> np.ndarray:
    """(h, w, 3) uint8 within `side` × `side`: enlarged a whole number of times, or else shrunk smoothly."""
    from PIL import Image

    pixels = np.rint(image.astype(np.float64) * (255 / white)).clip(0, 255).astype(np.uint8)
    pixels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    longest = max(pixels.shape[:2])
    if longest <= side:
        times = side // longest
        return np.asarray(pixels.repeat(times, axis=0).repeat(times, axis=1))
    height, width = (max(1, length * side // longest) for length in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def _from_below(figure: "Figure", top: float) -> int:
    return round(figure.bbox.height - top)


def _write(figure: "Figure", left: float, middle: float, text: str, colour: str) -> None:
    width, height = figure.bbox.size
    figure.text(left / width, 1 - middle / height, text, ha="left", va="center", fontsize=8, color=colour)
