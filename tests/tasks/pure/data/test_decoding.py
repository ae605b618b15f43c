"""Image files of every sort become what the network's input wants."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.pure.data.decoding import Decoding
from tasks.pure.data.decoding import decode as decode_bytes
from tasks.pure.errors import BadData

RAMP = np.linspace(0, 255, 12, dtype=np.uint8).reshape(3, 4)


def decode(path: Path, channels: int) -> np.ndarray:
    return decode_bytes(path.read_bytes(), str(path), Decoding(channels, None)).pixels


def saved(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "YCbCr"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_colour_mode_is_read(mode: str, channels: int, tmp_path: Path) -> None:
    image = (
        Image.fromarray(np.full((5, 7), 65535, np.uint16))
        if mode == "I;16"
        else Image.new("RGB", (7, 5), (255, 255, 255)).convert(mode)
    )
    suffix = ".jpg" if mode in ("CMYK", "YCbCr") else ".png"
    found = decode(saved(image, tmp_path / f"white{suffix}"), channels)
    assert (found.shape, found.dtype) == ((5, 7, channels), np.uint8)
    assert found.min() >= 250


def test_grey_pixels_come_as_they_are(tmp_path: Path) -> None:
    found = decode(saved(Image.fromarray(RAMP), tmp_path / "ramp.png"), 1)
    assert np.array_equal(found[:, :, 0], RAMP)


def test_sixteen_bits_become_eight_by_their_upper_byte(tmp_path: Path) -> None:
    wide = RAMP.astype(np.uint16) * 256 + 17
    assert np.array_equal(decode(saved(Image.fromarray(wide), tmp_path / "wide.png"), 1)[:, :, 0], RAMP)


def test_colours_become_grey_by_their_brightness(tmp_path: Path) -> None:
    found = decode(saved(Image.new("RGB", (1, 1), (255, 0, 0)), tmp_path / "red.png"), 1)
    assert found.item() == 76  # 0.299 · 255, ITU-R BT.601


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    found = decode(saved(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), tmp_path / "clear.png"), 3)
    assert found.min() == 255


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held sideways
    path = saved(Image.fromarray(np.zeros((2, 6), np.uint8)), tmp_path / "sideways.jpg", exif=exif)
    assert decode(path, 1).shape == (6, 2, 1)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"x" * 40, b"GIF89a"])
def test_what_is_no_image_is_said_with_its_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "strange.png").write_bytes(content)
    with pytest.raises(BadData, match="strange.png: "):
        decode(tmp_path / "strange.png", 1)


def test_a_truncated_image_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    path = saved(Image.fromarray(noise), tmp_path / "cut.png")
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(BadData, match="cut.png: cannot be decoded"):
        decode(path, 1)


def test_an_image_too_large_to_be_meant_well_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(BadData, match="cannot be decoded"):
        decode(saved(Image.new("L", (10, 10)), tmp_path / "bomb.png"), 1)


def test_odd_metadata_costs_no_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    image = Image.fromarray(RAMP)
    exif = Image.Exif()
    exif[0x010E] = "x" * 100
    content = exif.tobytes()[:40]  # cut in the middle: Pillow warns of corrupt EXIF data
    path = saved(image, tmp_path / "odd.jpg", exif=content)
    recwarn.clear()
    assert decode(path, 1).shape == (3, 4, 1)
    assert [str(warning.message) for warning in recwarn] == []
