"""What a file says of itself before it is decoded, and that asking costs no decoding."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.pure.data.headers import UNREADABLE, Header, header
from tests.tasks.pure.data.small_pictures import encoded

TALL = np.zeros((6, 4, 3), np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_height_and_width_are_those_of_the_picture_held_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert header(encoded(TALL, kind), "x") == Header(kind, "RGB", 6, 4, False)
    assert header(encoded(TALL, kind, exif=exif), "x") == Header(kind, "RGB", 4, 6, False)


def test_an_animation_is_one() -> None:
    frames = [Image.new("L", (4, 6), value) for value in (0, 90, 200)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    assert header(content.getvalue(), "x").animated
    assert not header(encoded(TALL, "GIF"), "x").animated


def test_the_pixels_of_a_png_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", None)
    assert header(encoded(TALL, "PNG"), "x") == Header("PNG", "RGB", 6, 4, False)


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "x.jpg"), (b"\xff\xd8\xff junk", "x"), (encoded(TALL, "PNG")[:20], "x"), (encoded(TALL, "TIFF"), "x.dng")],
)
def test_what_has_no_header_has_none_and_raises_nothing(content: bytes, name: str) -> None:
    assert header(content, name) == UNREADABLE


@pytest.mark.parametrize(("mode", "grey"), [("L", True), ("1", True), ("I;16", True), ("RGB", False), ("P", False)])
def test_which_modes_have_no_colour(mode: str, grey: bool) -> None:
    assert Header("PNG", mode, 1, 1, False).is_grey is grey
