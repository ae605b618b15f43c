"""Pictures, damaged pictures and litter are told apart by first bytes and names, without decoding."""

import numpy as np
import pytest
from PIL import Image

from tasks.pure.data.decoding import HEAD, DamagedPicture, Decoding, NotAPicture, decode, is_litter_name, is_picture
from tests.tasks.pure.data.small_pictures import encoded

NOISE = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "ICO", "JPEG2000", "AVIF", "MPO", "PCX", "QOI"]
)
def test_a_picture_is_known_by_its_content_whatever_its_name(kind: str) -> None:
    content = encoded(NOISE, kind)
    for name in ("a", "a.txt", "a.jpg", "a.npy"):
        assert is_picture(content[:HEAD], name)
    assert decode(content, "a.png", Decoding(3, None)).format in (kind, "JPEG")


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 50}, {"lossless": True, "exif": b"Exif\0\0II*\0"}])
def test_every_kind_of_webp_is_known(options: dict[str, object]) -> None:
    assert is_picture(encoded(NOISE, "WEBP", **options)[:HEAD], "a")


@pytest.mark.parametrize("depth", ["1", "L", "RGB"])
def test_every_kind_of_netpbm_is_known(depth: str) -> None:
    assert is_picture(encoded(Image.fromarray(NOISE).convert(depth), "PPM")[:HEAD], "a")
    assert is_picture(b"P2\n# by hand\n 2 1 255\n0 1\n", "a")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"no image", b"P5 is a format", b"BMW 320i, the green one", b"II. Introduction", b"MM", b"GIFT ideas\n",
        b"RIFF\0\0\0\0WAVEfmt ", b"PK\x03\x04", b"%PDF-1.7", b"\x7fELF", b"\0" * 64, b"\xff" * 64, b"\n\n\n",
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41", b"SQLite format 3\0", b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    ],
)  # fmt: skip
def test_what_is_none_is_litter_unless_its_name_promises_one(content: bytes) -> None:
    assert not is_picture(content, "notes.txt") and not is_picture(content, "notes")
    assert is_picture(content, "photos/cat.jpg") and is_picture(content, "CAT.PNG")
    with pytest.raises(NotAPicture):
        decode(content, "notes.txt", Decoding(3, None))
    with pytest.raises(DamagedPicture):
        decode(content, "cat.jpg", Decoding(3, None))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "IMG_1"), (b"\0\0\0\x18ftypheic", "IMG_1.HEIC"), (b"8BPS\0\1", "a"),
        (b"\xff\x0a\0", "a"), (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a"), (b"II*\0\x08\0\0\0", "IMG_2.CR2"),
        (b"II*\0\x08\0\0\0", "IMG_2.dng"),
    ],
)  # fmt: skip
def test_pictures_of_formats_that_are_not_read_are_no_litter(content: bytes, name: str) -> None:
    """A folder of a telephone's HEIC files passed over as litter would be a class without pictures."""
    assert is_picture(content, name)
    with pytest.raises(DamagedPicture, match="not read. Convert it to PNG or JPEG"):
        decode(content, name, Decoding(3, None))


@pytest.mark.parametrize(
    "name",
    [".DS_Store", "._cat.jpg", ".git", ".ipynb_checkpoints", "Thumbs.db", "THUMBS.DB", "desktop.ini", "__MACOSX",
     "@eaDir", "~$list.xlsx"],
)  # fmt: skip
def test_litter_is_known_by_its_name(name: str) -> None:
    assert is_litter_name(name)


@pytest.mark.parametrize("name", ["cat.jpg", "thumbs", "desktop", "1", "a.b", "_", "~", "Thumbs.db.jpg", "…"])
def test_other_names_are_no_litter(name: str) -> None:
    assert not is_litter_name(name)
