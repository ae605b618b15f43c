"""Which pixels a network may be fed, and the mend for the others."""

import numpy as np
import pytest

from tasks.pure.data import ranges
from tasks.pure.data.ranges import PixelRange, check, fault, pixel_range
from tasks.pure.errors import BadData

BYTES = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 1), dtype=np.uint8)
BYTES[0, 0, :2, 0] = 0, 255
FLOATS = BYTES.astype(np.float32)
UNIT = FLOATS / 255


def standardised(images: np.ndarray) -> np.ndarray:
    return (images - images.mean()) / images.std()


@pytest.mark.parametrize(
    "images",
    [BYTES, FLOATS, UNIT, BYTES // 64, BYTES * 0, BYTES * 0 + 1, FLOATS * 0 + 255, UNIT * 0.3, FLOATS * 0],
    ids=["bytes", "floats", "unit", "dark", "black", "plain", "white floats", "dark unit", "black floats"],
)
def test_what_is_legitimate_stays_so(images: np.ndarray) -> None:
    check("mine", {"train": images, "test": images})


@pytest.mark.parametrize(
    ("images", "said"),
    [
        (BYTES % 2, "0 and 1 only.*times 255"),
        (standardised(FLOATS), r"standardising.*images \* std \+ mean"),
        (UNIT * 1.02, r"beyond 0–1.*clip\(0, 1\)"),
        (UNIT * 1.04 - 0.02, r"beyond 0–1.*clip\(0, 1\)"),
        (FLOATS * 1.1 - 10, r"beyond 0–255.*clip\(0, 255\)"),
        (FLOATS + 0.4, r"beyond 0–255.*clip\(0, 255\)"),
        (FLOATS * 257, r"16 bits.*images / 257"),
        (FLOATS * 16, r"12 bits.*images / 4095"),
        (FLOATS * 1e6, "beyond every usual range"),
        (UNIT * 2 - 1, r"range -1 to 1.*\(images \+ 1\) \* 127.5"),
        (FLOATS - FLOATS.mean(), r"taking a mean away.*images \+ mean"),
    ],
    ids=[
        "bits",
        "standard",
        "1.02",
        "ringing",
        "ringing 255",
        "a little",
        "16 bits",
        "12 bits",
        "huge",
        "-1 to 1",
        "centred",
    ],
)
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_pixels_that_no_network_should_be_fed_are_refused_in_every_part_with_the_mend(
    images: np.ndarray, said: str, part: str
) -> None:
    fine = images if images.dtype.kind == "f" and images.min() >= 0 and images.max() <= 1 else BYTES
    with pytest.raises(BadData, match=f"mine: expected pixels of 0–255, found in `{part}`.*{said}"):
        check("mine", {"train": fine, "validation": fine, "test": fine, part: images})


def test_parts_on_different_scales_are_refused() -> None:
    said = "floats of 0 to 255 in `train`, but floats of 0 to 1 in `test`.*Save `test` times 255"
    with pytest.raises(BadData, match=said):
        check("mine", {"train": FLOATS, "test": UNIT})
    with pytest.raises(BadData, match="bytes of 0 to 255 in `test`, but floats of 0 to 1 in `train`"):
        check("mine", {"train": UNIT, "test": BYTES})


def test_bytes_and_floats_of_0_to_255_are_one_scale() -> None:
    check("mine", {"train": FLOATS, "test": BYTES})


def test_an_empty_or_a_plain_part_is_on_no_scale() -> None:
    check("mine", {"train": FLOATS, "validation": UNIT[:0], "test": UNIT * 0})


@pytest.mark.parametrize("given", [BYTES, FLOATS, BYTES // 64, BYTES * 0], ids=["bytes", "floats", "dark", "black"])
def test_pixels_of_0_to_255_are_no_fault_however_dark(given: np.ndarray) -> None:
    assert fault(pixel_range(given)) is None


def test_ringing_over_0_to_1_is_a_fault_however_strong() -> None:
    for high in (1.02, 1.2, 1.9):
        assert "clip(0, 1)" in str(fault(PixelRange(0.0, high, floats=True)))
    assert fault(PixelRange(0.0, 90.0, floats=True)) is None


def test_whole_numbers_beyond_bytes_are_refused_with_the_mend_for_their_bits() -> None:
    assert fault(PixelRange(0, 65535, floats=False)) == (
        "whole numbers of 0 to 65535, the range of 16 bits. Save `images / 257`"
    )
    assert "12 bits" in str(fault(PixelRange(0, 4000, floats=False)))
    assert "below zero" in str(fault(PixelRange(-128, 127, floats=False)))


def test_the_range_of_many_blocks_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "BLOCK_PIXELS", 16)
    images = np.full((5, 4, 4, 1), 7, np.uint8)
    images[1, 0, 0], images[4, 3, 3] = 3, 250
    assert pixel_range(images) == PixelRange(3.0, 250.0, floats=False)
    assert pixel_range(images[:0]) == PixelRange(0.0, 0.0, floats=False)
