"""Image files of every sort become what the network's input wants."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

from tasks.pure.data.decoding import DamagedPicture, Decoding, NotAPicture, decode
from tasks.pure.errors import BadData
from tests.tasks.pure.data.small_pictures import encoded

RAMP = np.linspace(0, 255, 12, dtype=np.uint8).reshape(3, 4)
COLOURS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [200, 100, 50]]], np.uint8).repeat(8, 0).repeat(8, 1)
LOSSLESS = ("PNG", "BMP", "DIB", "TIFF", "PPM", "PCX", "QOI", "TGA", "JPEG2000")


def pixels(content: bytes, channels: int = 3, **rules: object) -> np.ndarray:
    return decode(content, "x.tga", Decoding(channels, None, **rules)).pixels  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "YCbCr", "LAB", "HSV"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_colour_mode_is_read(mode: str, channels: int) -> None:
    image = Image.new("RGB", (7, 5), (255, 255, 255))
    if mode == "I;16":
        image = Image.fromarray(np.full((5, 7), 65535, np.uint16))
    elif mode == "LAB":
        image = Image.new("LAB", (7, 5), (255, 128, 128))  # lightness 100, a and b 0
    elif mode == "PA":
        image = image.convert("P").convert("PA")
    elif mode != "RGB":
        image = image.convert(mode)
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG", "LAB": "TIFF"}.get(mode, "PNG")
    content = encoded(image.convert("RGB") if mode in ("HSV", "PA") else image, kind)
    found = decode(content, "white", Decoding(channels, None))
    assert (found.pixels.shape, found.pixels.dtype) == ((5, 7, channels), np.uint8)
    assert found.pixels.min() >= 250


@pytest.mark.parametrize("kind", LOSSLESS)
def test_every_lossless_format_gives_the_very_pixels(kind: str) -> None:
    found = decode(encoded(COLOURS, kind), "x.tga", Decoding(3, None))
    assert np.array_equal(found.pixels, COLOURS)
    assert (found.format, found.mode, found.size, found.frames) == (kind, "RGB", (8, 32), 1)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_every_lossy_format_gives_nearly_the_pixels(kind: str) -> None:
    found = pixels(encoded(COLOURS, kind, quality=95)).astype(int)
    assert np.abs(found[4, 4::8] - COLOURS[4, 4::8].astype(int)).max() < 12


def test_a_gif_and_an_icon_are_read() -> None:
    assert np.array_equal(pixels(encoded(COLOURS, "GIF")), COLOURS)
    assert np.array_equal(
        pixels(encoded(COLOURS[:, :8].repeat(2, 0).repeat(2, 1), "ICO")), COLOURS[:, :8].repeat(2, 0).repeat(2, 1)
    )


def test_grey_pixels_come_as_they_are() -> None:
    assert np.array_equal(pixels(encoded(RAMP, "PNG"), 1)[:, :, 0], RAMP)


def test_colours_become_grey_by_their_brightness() -> None:
    assert pixels(encoded(COLOURS, "PNG"), 1)[0, ::8, 0].tolist() == [76, 150, 29, 124]  # .299, .587, .114: BT.601


def test_a_palette_is_looked_up() -> None:
    image = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    assert pixels(encoded(image, "PNG")).tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [10, 20, 30]]]


def test_the_inverted_cmyk_of_a_printers_jpeg_is_turned_round() -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # Pillow writes it as Adobe does, inverted, and says so
    found = pixels(encoded(red, "JPEG", quality=95))[8, 8]
    assert found[0] > 245 and found[1] < 10 and found[2] < 10


@pytest.mark.parametrize(
    ("background", "expected"), [("white", [255, 255, 255]), ("#204060", [32, 64, 96]), ("rgb(1, 2, 3)", [1, 2, 3])]
)
def test_what_is_transparent_lies_on_the_background(background: str, expected: list[int]) -> None:
    clear = Image.new("RGBA", (2, 2), (0, 0, 0, 0))
    assert pixels(encoded(clear, "PNG"), background=background)[0, 0].tolist() == expected


def test_what_is_half_transparent_is_mixed_with_it() -> None:
    half = Image.new("RGBA", (1, 1), (100, 0, 200, 51))  # a fifth
    assert pixels(encoded(half, "PNG"))[0, 0].tolist() == [224, 204, 244]
    assert pixels(encoded(Image.new("LA", (1, 1), (100, 51)), "PNG"), 1).item() == 224


@pytest.mark.parametrize("clear", [1, b"\xff\x00\xff"])
def test_a_transparent_colour_of_a_palette_lies_on_it_too(clear: int | bytes) -> None:
    image = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    found = pixels(encoded(image, "PNG", transparency=clear), background="black")
    assert found.tolist() == [[[10, 20, 30], [0, 0, 0], [70, 80, 90]]]


def test_a_transparent_gif_lies_on_it() -> None:
    image = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert pixels(encoded(image, "GIF", transparency=0)).tolist() == [[[255, 255, 255], [40, 50, 60]]]


def test_premultiplied_colours_are_divided_again() -> None:
    content = encoded(Image.new("RGBA", (2, 2), (100, 50, 200, 128)), "TIFF")
    associated = content.replace(b"\x52\x01\x03\x00\x01\x00\x00\x00\x02", b"\x52\x01\x03\x00\x01\x00\x00\x00\x01")
    assert associated != content  # ExtraSamples: 2 unassociated, 1 associated alpha
    red = (100 * 255 // 128) * 128 / 255 + 127  # as stored, 100 is what is left after the multiplication
    assert abs(int(pixels(associated)[0, 0, 0]) - red) <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize(
    ("orientation", "expected"),
    [
        (1, [[0, 1, 2], [3, 4, 5]]),
        (2, [[2, 1, 0], [5, 4, 3]]),
        (3, [[5, 4, 3], [2, 1, 0]]),
        (4, [[3, 4, 5], [0, 1, 2]]),
        (5, [[0, 3], [1, 4], [2, 5]]),
        (6, [[3, 0], [4, 1], [5, 2]]),
        (7, [[5, 2], [4, 1], [3, 0]]),
        (8, [[2, 5], [1, 4], [0, 3]]),
        (9, [[0, 1, 2], [3, 4, 5]]),
    ],
)
def test_a_photo_is_turned_upright_once(kind: str, orientation: int, expected: list[list[int]]) -> None:
    if kind == "AVIF" and orientation == 9:
        pytest.skip("Pillow does not write it")
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = (np.arange(6, dtype=np.uint8).reshape(2, 3) * 40).repeat(16, 0).repeat(16, 1)
    found = decode(encoded(np.stack([stored] * 3, 2), kind, exif=exif), "x", Decoding(1, None))
    tiles = (found.pixels[8::16, 8::16, 0].astype(int) + 20) // 40
    assert tiles.tolist() == expected
    assert found.size == (16 * len(expected), 16 * len(expected[0]))


def test_damaged_exif_data_stop_nothing_and_cost_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 100
    rng = np.random.default_rng(0)
    whole = exif.tobytes()
    for content in [whole[:40], b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", *(rng.bytes(60) for _ in range(20))]:
        for kind in ("JPEG", "PNG", "WEBP"):
            assert np.array_equal(
                pixels(encoded(RAMP, kind, exif=content, **({"lossless": True} if kind == "WEBP" else {})), 1).shape,
                (3, 4, 1),
            )
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_an_animation_the_first_frame_is_taken_and_said_so(kind: str) -> None:
    frames = [Image.new("RGB", (16, 16), (shade, shade, shade)) for shade in (0, 128, 255)]
    found = decode(encoded(frames[0], kind, save_all=True, append_images=frames[1:]), "x", Decoding(1, None))
    assert found.frames == 3
    assert found.pixels.max() < 5


def test_a_second_eye_is_no_animation() -> None:
    both = encoded(Image.fromarray(COLOURS), "MPO", save_all=True, append_images=[Image.fromarray(255 - COLOURS)])
    found = decode(both, "x", Decoding(3, None))
    assert (found.format, found.frames) == ("MPO", 1)


def test_what_lies_behind_the_first_frame_may_be_damaged() -> None:
    frames = [Image.fromarray(np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8)) for seed in range(2)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(pixels(content[:-200], 1)[:, :, 0], np.asarray(frames[0]))


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"x" * 40, b"GIF89a"])
def test_what_only_calls_itself_an_image_is_damaged_and_named(content: bytes) -> None:
    with pytest.raises(DamagedPicture, match=r"strange\.png: "):
        decode(content, "strange.png", Decoding(1, None))


def test_what_does_not_even_do_that_is_no_picture() -> None:
    with pytest.raises(NotAPicture, match=r"notes\.txt: expected an image such as PNG or JPEG, found something else"):
        decode(b"P5 is a fine format", "notes.txt", Decoding(1, None))


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": 4}, {"size": (0, 5)}, {"size": (5, 100_000)}, {"fit": "squeeze"}, {"background": "hwite"},
        {"value_range": (1.0, 1.0)}, {"value_range": (0.0, float("inf"))}, {"value_range": (float("nan"), 1.0)},
    ],
)  # fmt: skip
def test_rules_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadData, match="Expected"):
        Decoding(**{"channels": 3, "size": (8, 8), **wrong})  # type: ignore[arg-type]


def test_rules_are_plain_json_and_come_back_from_it() -> None:
    rules = Decoding(3, (96, 128), "pad", "#102030", (0.0, 1.5))
    assert Decoding.of(json.loads(json.dumps(dataclasses.asdict(rules)))) == rules
    assert Decoding.of(dataclasses.asdict(Decoding(1, None))) == Decoding(1, None)
