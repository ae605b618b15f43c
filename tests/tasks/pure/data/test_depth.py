"""The depth of a picture is its file's, never how bright it happens to be."""

import struct

import numpy as np
import pytest
from PIL import Image

from tasks.pure.data.decoding import DamagedPicture, Decoding, decode
from tests.tasks.pure.data.small_pictures import chunk, encoded, png, tiff

DARK = np.array([[0, 1, 100], [255, 256, 511]], np.uint16)  # nothing brighter than 511 of 65,535
DARK_8 = [[0, 0, 0], [0, 1, 1]]


def grey(content: bytes, **rules: object) -> list[list[int]]:
    return decode(content, "x.tif", Decoding(1, None, **rules)).pixels[:, :, 0].tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG2000"])
def test_a_dark_picture_of_16_bits_stays_dark(kind: str) -> None:
    options = {"irreversible": False} if kind == "JPEG2000" else {}
    assert grey(encoded(DARK, kind, **options)) == DARK_8
    assert grey(encoded(DARK // 2, kind, **options)) == [[0, 0, 0], [0, 0, 0]]  # not one brighter than 255


def test_a_bright_picture_of_16_bits_ends_white() -> None:
    assert grey(encoded(np.array([[0, 32767, 32768, 65535]], np.uint16), "PNG")) == [[0, 127, 128, 255]]


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_of_a_tiff_are_read(order: str) -> None:
    assert grey(tiff(DARK.astype(f"{order}u2").tobytes(), 3, 2, 16, order=order)) == DARK_8


def test_a_pgm_of_16_bits_or_of_any_maximum_is_read_by_its_maximum() -> None:
    assert grey(b"P5 3 2 65535\n" + DARK.astype(">u2").tobytes()) == DARK_8
    assert grey(b"P5 4 1 1000\n" + np.array([0, 1, 499, 1000], ">u2").tobytes()) == [[0, 0, 127, 255]]
    assert grey(b"P2 3 1 15\n0 8 15\n") == [[0, 136, 255]]


def test_twelve_bits_are_known_by_the_tiffs_own_word() -> None:
    packed = bytes([0x00, 0x0F, 0xFF, 0x80, 0x00, 0x10])  # 0, 4095, 2048, 16 of 4,095
    assert grey(tiff(packed, 4, 1, 12)) == [[0, 255, 128, 1]]


@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_may_say_that_0_is_white(bits: int) -> None:
    pixels = np.array([0, 1, (1 << bits) - 1], f"<u{bits // 8}")
    assert grey(tiff(pixels.tobytes(), 3, 1, bits, photometric=0)) == [[255, 254 if bits == 8 else 255, 0]]


def test_sixteen_bits_of_colour_end_by_the_upper_byte_too() -> None:
    pixel = struct.pack(">3H", 0x12FF, 0x3400, 0xFFFF)
    found = decode(png(b"\0" + pixel, 1, 1, 16, 2), "x", Decoding(3, None))
    assert found.pixels.tolist() == [[[0x12, 0x34, 0xFF]]]
    with_alpha = png(b"\0" + pixel + struct.pack(">H", 0), 1, 1, 16, 6)
    assert decode(with_alpha, "x", Decoding(3, None)).pixels.tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize(("depth", "row", "expected"), [(1, 0b01_000000, [0, 255]), (4, 0x1F, [17, 255])])
def test_few_bits_are_spread_over_all_of_0_to_255(depth: int, row: int, expected: list[int]) -> None:
    assert grey(png(bytes([0, row]), 2, 1, depth, 0)) == [expected]


@pytest.mark.parametrize(("depth", "row"), [(4, b"\x1f"), (8, b"\x11\xff"), (16, b"\x11\x00\xff\xff")])
def test_the_value_that_a_png_calls_transparent_is_meant_in_its_own_depth(depth: int, row: bytes) -> None:
    clear = {4: 1, 8: 0x11, 16: 0x1100}[depth]
    content = png(b"\0" + row, 2, 1, depth, 0, chunk(b"tRNS", struct.pack(">H", clear)))
    assert grey(content, background="black") == [[0, 255]]
    assert grey(content, background="#646464") == [[100, 255]]


def test_the_transparent_colour_of_a_png_of_16_bits_is_found() -> None:
    pixels = struct.pack(">6H", 0x1200, 0x3400, 0x5600, 0xFF00, 0, 0)
    content = png(b"\0" + pixels, 2, 1, 16, 2, chunk(b"tRNS", struct.pack(">3H", 0x1200, 0x3400, 0x5600)))
    assert decode(content, "x", Decoding(3, None)).pixels.tolist() == [[[255, 255, 255], [255, 0, 0]]]


FLOATS = np.array([[-1, 0, 0.25, 0.5, 1, 2]], "<f4")


def test_floats_are_refused_unless_a_range_says_what_is_black_and_white() -> None:
    content = tiff(FLOATS.tobytes(), 6, 1, 32, sample_format=3)
    with pytest.raises(DamagedPicture, match=r"x\.tif: .*floats.*give a range"):
        grey(content)
    assert grey(content, value_range=(0, 1)) == [[0, 0, 64, 128, 255, 255]]  # 63.75 and 127.5, to even
    assert grey(content, value_range=(-1, 1)) == [[0, 128, 159, 191, 255, 255]]
    assert grey(b"Pf 2 1 -1\n" + FLOATS[0, 3:5].tobytes(), value_range=(0, 1)) == [[128, 255]]


def test_floats_that_are_no_number_are_refused_whatever_the_range() -> None:
    content = tiff(np.array([0, np.nan], "<f4").tobytes(), 2, 1, 32, sample_format=3)
    with pytest.raises(DamagedPicture, match="NaN"):
        grey(content, value_range=(0, 1))
    endless = tiff(np.array([-np.inf, np.inf], "<f4").tobytes(), 2, 1, 32, sample_format=3)
    assert grey(endless, value_range=(0, 1)) == [[0, 255]]


@pytest.mark.parametrize(("bits", "sample_format"), [(16, 2), (32, 1), (32, 2)])
def test_signed_and_32_bit_integers_need_a_range_too(bits: int, sample_format: int) -> None:
    kind = f"<{'i' if sample_format == 2 else 'u'}{bits // 8}"
    content = tiff(np.array([0, 50, 100], kind).tobytes(), 3, 1, bits, sample_format=sample_format)
    with pytest.raises(DamagedPicture, match="32-bit or signed integers"):
        grey(content)
    assert grey(content, value_range=(0, 100)) == [[0, 128, 255]]


def test_unsigned_integers_of_32_bits_reach_beyond_what_pillow_counts() -> None:
    content = tiff(np.array([0, 1 << 31, (1 << 32) - 1], "<u4").tobytes(), 3, 1, 32)
    assert grey(content, value_range=(0, (1 << 32) - 1)) == [[0, 128, 255]]


def test_a_large_picture_is_converted_in_strips_like_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.pure.data import eight_bits

    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 4), np.uint8)
    files = [encoded(noise, "PNG"), encoded(Image.fromarray(noise[:, :, 0].astype(np.float32)), "TIFF")]
    whole = [decode(each, "x", Decoding(3, None, value_range=(0, 255))).pixels for each in files]
    monkeypatch.setattr(eight_bits, "STRIP", 100)
    strips = [decode(each, "x", Decoding(3, None, value_range=(0, 255))).pixels for each in files]
    assert all(np.array_equal(one, other) for one, other in zip(whole, strips, strict=True))
