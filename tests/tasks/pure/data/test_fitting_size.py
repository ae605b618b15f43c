"""Another size: stretched, cropped or padded, and smoothed where it shrinks."""

import numpy as np
import pytest

from tasks.pure.data.decoding import Decoding, decode, fit
from tests.tasks.pure.data.small_pictures import encoded

# Left half black, right half white, 8 rows of 16.
HALVES = np.repeat([[0] * 8 + [255] * 8], 8, axis=0).astype(np.uint8)[..., np.newaxis]


def stripes(width: int) -> np.ndarray:
    """Columns of black and white in turn."""
    return np.tile(np.array([0, 255], np.uint8), (8, width // 2))[..., np.newaxis]


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_what_has_the_size_already_is_left_alone(how: str, dtype: type) -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(dtype)
    assert fit(image, Decoding(3, (5, 7), how)) is image
    assert fit(image, Decoding(3, None, how)) is image


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_shrinking_smooths_so_that_no_pixel_is_passed_over(dtype: type) -> None:
    found = fit(stripes(64).astype(dtype), Decoding(1, (8, 8)))
    assert np.abs(found.astype(float) - 127.5).max() < 5  # without antialiasing: columns of 0 or of 255


def bilinear_shrink(row: np.ndarray, width: int) -> np.ndarray:
    """A row by the textbook: a triangle as wide as two new pixels, its weights summing to one."""
    scale = len(row) / width
    centres = np.arange(len(row)) + 0.5
    weights = [np.clip(1 - np.abs(centres - (place + 0.5) * scale) / scale, 0, None) for place in range(width)]
    return np.array([(weight * row).sum() / weight.sum() for weight in weights])


@pytest.mark.parametrize("width", [3, 5, 12])
def test_it_is_the_triangle_filter(width: int) -> None:
    row = np.random.default_rng(width).uniform(0, 255, 29)
    image = np.tile(row, (4, 1)).astype(np.float32)[..., np.newaxis]
    found = fit(image, Decoding(1, (4, width)))
    np.testing.assert_allclose(found[2, :, 0], bilinear_shrink(row, width), rtol=1e-5)


def test_stretching_changes_the_proportions() -> None:
    found = fit(HALVES, Decoding(1, (8, 4)))
    assert found.shape == (8, 4, 1)
    assert found[0, 0, 0] == 0 and found[0, -1, 0] == 255


def test_cropping_keeps_the_middle_and_the_proportions() -> None:
    numbered = np.repeat([np.arange(16)], 8, axis=0).astype(np.uint8)[..., np.newaxis]
    found = fit(numbered, Decoding(1, (8, 8), "crop"))
    assert found[0, :, 0].tolist() == list(range(4, 12))
    tall = fit(numbered.transpose(1, 0, 2), Decoding(1, (8, 8), "crop"))
    assert tall[:, 0, 0].tolist() == list(range(4, 12))


def test_cropping_scales_first_what_is_too_small() -> None:
    found = fit(HALVES, Decoding(1, (32, 32), "crop"))
    assert found[:, :12].max() == 0 and found[:, 20:].min() == 255


def test_padding_keeps_all_of_it_on_the_background() -> None:
    found = fit(np.full((8, 16, 3), 7, np.uint8), Decoding(3, (16, 16), "pad", "#0a1420"))
    assert np.array_equal(found[4:12], np.full((8, 16, 3), 7))
    assert found[:4].reshape(-1, 3).tolist() == [[10, 20, 32]] * 64
    assert found[12:].reshape(-1, 3).tolist() == [[10, 20, 32]] * 64


def test_padding_of_grey_and_of_floats_has_the_same_background() -> None:
    grey = fit(np.zeros((8, 4, 1), np.uint8), Decoding(1, (8, 8), "pad", "#ff0000"))
    assert grey[0, :, 0].tolist() == [76, 76, 0, 0, 0, 0, 76, 76]
    floats = fit(np.zeros((8, 4, 1), np.float32), Decoding(1, (8, 8), "pad", "#ff0000"))
    assert np.array_equal(floats, grey)
    colours = fit(np.zeros((8, 4, 3), np.float32), Decoding(3, (8, 8), "pad", "#0a1420"))
    assert colours[0, 0].tolist() == [10, 20, 32]


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (96, 128), (3, 2)])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (17, 31), (97, 89)])
def test_any_shape_becomes_any_size(how: str, size: tuple[int, int], shape: tuple[int, int]) -> None:
    bright = np.full((*shape, 3), 200, np.uint8)
    found = fit(bright, Decoding(3, size, how, "#c8c8c8"))
    assert found.shape == (*size, 3)
    assert (found.min(), found.max()) == (200, 200)


@pytest.mark.parametrize("how", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_and_an_array_of_its_pixels_are_fitted_to_the_same_bits(how: str, channels: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    rules = Decoding(channels, (24, 20), how)
    found = decode(encoded(noise, "PNG"), "x", rules)
    assert np.array_equal(found.pixels, fit(decode(encoded(noise, "PNG"), "x", Decoding(channels, None)).pixels, rules))
    assert (found.pixels.shape, found.size) == ((24, 20, channels), (37, 53))
