"""Files that were made to break a decoder, or are broken: one kind of error, with the file's name, and nothing else."""

import struct
import subprocess
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile

from tasks.pure.data import decoding as module
from tasks.pure.data.decoding import DamagedPicture, Decoding, decode
from tasks.pure.errors import BadData
from tests.tasks.pure.data.small_pictures import chunk, encoded, png

NOISE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
FRAMES = {"save_all": True, "append_images": [Image.fromarray(255 - NOISE)]}
FILES = {
    **{kind: encoded(NOISE, kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "ICO")},
    **{kind: encoded(NOISE, kind) for kind in ("JPEG2000", "AVIF", "PCX", "TGA", "QOI")},
    **{f"{kind} animated": encoded(NOISE, kind, **FRAMES) for kind in ("GIF", "PNG", "WEBP", "TIFF", "MPO")},
    **{f"TIFF {how}": encoded(NOISE, "TIFF", compression=how) for how in ("tiff_lzw", "tiff_deflate", "packbits")},
    "PNG palette": encoded(Image.fromarray(NOISE).quantize(64), "PNG", transparency=3),
    "PNG 16": encoded(NOISE[:, :, 0].astype(np.uint16) * 257, "PNG"),
    "TIFF float": encoded(NOISE[:, :, 0].astype(np.float32), "TIFF"),
    "JPEG CMYK": encoded(Image.fromarray(NOISE).convert("CMYK"), "JPEG"),
    "BMP palette": encoded(Image.fromarray(NOISE).quantize(16), "BMP"),
}


def damaged(content: bytes, generator: np.random.Generator) -> bytes:
    """Cut short, or with bytes altered, most of them where the headers are."""
    if generator.random() < 0.3:
        return content[: generator.integers(1, len(content))]
    altered = bytearray(content)
    for _ in range(generator.integers(1, 6)):
        end = min(len(altered), 200) if generator.random() < 0.7 else len(altered)
        altered[generator.integers(0, end)] = generator.choice([0, 1, 127, 128, 255, generator.integers(0, 256)])
    return bytes(altered)


@pytest.mark.parametrize("kind", FILES)
def test_whatever_is_damaged_gives_pixels_or_one_kind_of_error(kind: str, recwarn: pytest.WarningsRecorder) -> None:
    generator = np.random.default_rng(zlib.crc32(kind.encode()))
    rules = Decoding(3, (8, 8), "pad", value_range=(0, 1))
    failed = 0
    for _ in range(60):
        try:
            found = decode(damaged(FILES[kind], generator), "the file.tga", rules)
        except BadData as problem:
            assert str(problem).startswith("the file.tga: ")
            failed += 1
        else:
            assert (found.pixels.shape, found.pixels.dtype) == ((8, 8, 3), np.uint8)
    assert failed
    assert [str(warning.message) for warning in recwarn] == []


RAISED = [
    struct.error("x"),
    IndexError(),
    TypeError("x"),
    ZeroDivisionError(),
    MemoryError(),
    RecursionError(),
    KeyError(1),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_whatever_pillow_raises_becomes_that_error(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: object) -> None:
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(DamagedPicture, match=r"a\.bmp: cannot be decoded \(.+\)"):
        decode(FILES["BMP"], "a.bmp", Decoding(3, None))


def test_an_interrupt_is_not_taken_for_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(KeyboardInterrupt):
        decode(FILES["BMP"], "a.bmp", Decoding(3, None))


EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 20
%%EndComments
0 0 20 20 rectfill
showpage
%%EOF
"""


BINARY_EPS = b"\xc5\xd0\xd3\xc6" + struct.pack("<6I", 30, len(EPS), 0, 0, 0, 0) + b"\0\0" + EPS


@pytest.mark.parametrize("content", [EPS, BINARY_EPS, EPS.replace(b" EPSF-3.0", b"")])
@pytest.mark.parametrize("name", ["a.eps", "a.jpg", "a", "a.tga"])
def test_no_picture_starts_a_process(content: bytes, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow reads EPS by starting Ghostscript."""
    started = []

    def start(*arguments: object, **_: object) -> None:
        started.append(arguments)
        raise OSError

    for function in ("check_call", "Popen", "call", "run"):
        monkeypatch.setattr(subprocess, function, start)
    with pytest.raises(BadData, match=rf"{name}: "):
        decode(content, name, Decoding(3, None))
    assert started == []


def header_only(width: int, height: int) -> bytes:
    return png(b"", width, height, 8, 2)


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (9460, 9460), (100_000, 1), (1, 65_536)])
def test_absurd_sizes_are_refused_before_anything_is_decoded(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(DamagedPicture, match=r"cannot be decoded \(.*pixels"):
        decode(header_only(width, height), "bomb.png", Decoding(3, (8, 8)))


def test_text_that_is_a_bomb_is_refused() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * (64 << 20)))
    assert len(bomb) < 70_000
    with pytest.raises(DamagedPicture, match=r"bomb\.png: .*too large"):
        decode(png(b"\0\0\0\0", 1, 1, 8, 2, bomb), "bomb.png", Decoding(3, None))


def test_a_colour_profile_that_is_a_bomb_is_refused() -> None:
    bomb = chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(b"\0" * (64 << 20)))
    with pytest.raises(DamagedPicture, match=r"bomb\.png: .*too large"):
        decode(png(b"\0\0\0\0", 1, 1, 8, 2, bomb), "bomb.png", Decoding(3, None))


def in_threads(work: Callable[[], object], count: int) -> None:
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(work) for _ in range(count)]:
            done.result()


def test_large_pictures_are_decoded_one_at_a_time_and_small_ones_together(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most = 0, 0
    together, lock = threading.Barrier(3), threading.Lock()
    load = ImageFile.ImageFile.load

    def watched(self: ImageFile.ImageFile) -> object:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        if NOISE.shape[0] * NOISE.shape[1] < module.LARGE:
            together.wait(30)  # ends only if all three are in here at once
        time.sleep(0.02)  # long enough for another to come in, if it may
        found = load(self)
        with lock:
            inside -= 1
        return found

    monkeypatch.setattr(ImageFile.ImageFile, "load", watched)
    in_threads(lambda: decode(FILES["BMP"], "a", Decoding(3, None)), 3)
    assert most == 3
    most = 0
    monkeypatch.setattr(module, "LARGE", 100)
    in_threads(lambda: decode(FILES["BMP"], "a", Decoding(3, None)), 3)
    assert most == 1


def test_many_threads_decode_to_the_same_pixels_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    import warnings

    before = list(warnings.filters)
    odd = encoded(NOISE, "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    expected = decode(odd, "a", Decoding(1, (9, 9))).pixels
    in_threads(
        lambda: [
            np.testing.assert_array_equal(decode(odd, "a", Decoding(1, (9, 9))).pixels, expected) for _ in range(40)
        ],
        8,
    )
    assert [str(warning.message) for warning in recwarn] == []
    assert list(warnings.filters) == before
