"""The same picture twice: exactly, nearly, or only alike."""

import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_images

from tasks.pure.data import duplicates
from tasks.pure.data.duplicates import Pictures, look, twins

SIDE = 96


def photographs(count: int = 24, side: int = SIDE) -> np.ndarray:
    """Tiles of two photographs that do not overlap, plain sky and dark background left out."""
    tiles = [
        photo[y : y + side, x : x + side]
        for photo in load_sample_images().images
        for y in range(0, photo.shape[0] - side, side)
        for x in range(0, photo.shape[1] - side, side)
    ]
    return np.stack([tile for tile in tiles if tile.std() > 40][:count])


def jpeg(image: Image.Image, quality: int = 75) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def resized(image: Image.Image, factor: float) -> Image.Image:
    side = round(image.width * factor)
    return image.resize((side, side), Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)


COPIES = {
    "JPEG of quality 75": jpeg,
    "10 % smaller": lambda image: resized(image, 0.9),
    "10 % larger": lambda image: resized(image, 1.1),
    "5 % brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.05),
    "5 % darker": lambda image: ImageEnhance.Brightness(image).enhance(0.95),
    "all of it": lambda image: jpeg(resized(ImageEnhance.Brightness(image).enhance(0.95), 0.9)),
}


def copies(images: np.ndarray, how: str) -> np.ndarray:
    return np.stack([np.asarray(COPIES[how](Image.fromarray(image))) for image in images])


def found(first: np.ndarray, second: np.ndarray) -> list[int]:
    return twins(look(first), look(second)).either.tolist()


@pytest.mark.parametrize("side", [64, SIDE])
@pytest.mark.parametrize("how", COPIES)
def test_a_photograph_that_was_encoded_resized_or_lit_anew_is_found(how: str, side: int) -> None:
    images = photographs(side=side)
    near = twins(look(images), look(copies(images, how))).near
    assert len(images) == 24 and np.mean(near == np.arange(24)) >= 0.95
    assert set(near.tolist()) <= {-1, *range(24)}


def test_equal_pixels_are_exact_copies_and_no_near_ones() -> None:
    images = photographs(4)
    pairs = twins(look(images), look(images[[2, 0]]))
    assert pairs.exact.tolist() == [2, 0] and pairs.near.tolist() == [-1, -1] and pairs.counts() == (2, 0)


def test_other_tiles_of_the_same_photograph_are_not_the_same_picture() -> None:
    images = photographs()
    assert found(images[:12], images[12:]) == [-1] * 12


def test_the_same_outline_with_another_print_or_in_another_light_is_not_the_same_picture() -> None:
    images = photographs(12)
    printed = images.copy()
    printed[:, 40:56, 40:56] = 255 - printed[:, 40:56, 40:56]
    ramp = np.linspace(-60, 60, SIDE)[:, np.newaxis, np.newaxis]
    lit = (images + ramp).clip(0, 255).astype(np.uint8)
    parts, places = [look(each) for each in (images, printed, lit)], np.arange(12)
    alike = [duplicates._alike((parts[0], places), (other, places)) for other in parts]
    assert alike[0].all() and not alike[1].any() and not alike[2].any()


def test_flat_images_are_exact_copies_or_none() -> None:
    """Their hash is noise: a hundred levels of grey would all be one picture, or none."""
    levels = np.repeat(np.arange(100, dtype=np.uint8), 16 * 16).reshape(100, 16, 16, 1)
    noise = np.random.default_rng(0).integers(0, 3, levels.shape, dtype=np.uint8)
    assert found(levels, levels[[7]] + np.uint8(100)) == [-1]
    assert found(levels + noise, levels[:50] + noise[50:]) == [-1] * 50
    assert found(levels, levels[[7]]) == [7]
    assert found(levels + noise, levels[:50] + noise[:50] + np.uint8(120)) == [-1] * 50  # another grey, equal noise


def test_a_copy_of_another_size_or_type_is_not_exact() -> None:
    images = photographs(2)
    assert not set(look(images).exact) & set(look(images.astype(np.float32)).exact)
    square, wide = (np.arange(64, dtype=np.uint8).reshape(1, *shape, 1) for shape in ((8, 8), (4, 16)))
    assert look(square).exact != look(wide).exact


def test_a_near_copy_of_another_size_and_in_grey_is_found() -> None:
    """As between a source of small grey images and a target of large ones in colour."""
    images = photographs(8)
    small = np.stack([np.asarray(Image.fromarray(image).convert("L").resize((64, 64))) for image in images])
    pairs = twins(look(small[..., np.newaxis]), look(images))
    assert (pairs.exact == -1).all() and np.mean(pairs.near == np.arange(8)) >= 0.75


def test_floats_of_0_to_1_are_as_bytes() -> None:
    images = photographs(8)
    floats = look((images / 255).astype(np.float32), white=1.0)
    whole = look(images)
    assert np.bitwise_count(floats.near ^ whole.near).max() == 0
    assert np.allclose(floats.brightness, whole.brightness, atol=0.01)


def test_the_hash_is_imagehashs_but_for_its_rounding() -> None:
    """Pillow rounds a thumbnail to whole levels: at most a bit pair at the median falls otherwise, now and then."""
    images = photographs()
    theirs = [imagehash.phash(Image.fromarray(image)).hash.reshape(-1) for image in images]
    packed = np.packbits(np.stack(theirs), axis=1).view(np.uint64)[:, 0]
    differing = np.bitwise_count(packed ^ look(images).near)
    assert differing.max() <= 2 and differing.mean() <= 0.5


def test_brightness_and_contrast_are_those_of_the_picture() -> None:
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1))[np.newaxis, ..., np.newaxis]
    seen = look(np.concatenate([ramp, ramp * 0 + 9]))
    assert seen.brightness == pytest.approx([126, 9], abs=0.5)
    assert seen.contrast == pytest.approx([74, 0], abs=2)


def test_the_candidates_are_all_pairs_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(1)
    first = generator.integers(0, 2**64, 40, dtype=np.uint64)
    flips = [sum((np.uint64(1) << np.uint64(bit) for bit in generator.choice(64, n, replace=False)), np.uint64(0))
             for n in range(8) for _ in range(40)]  # fmt: skip
    second = np.tile(first, 8) ^ np.array(flips, np.uint64)
    monkeypatch.setattr(duplicates, "BLOCK_PAIRS", 7)
    pairs = [pair for here, there in duplicates._candidates(first, second) for pair in zip(here, there, strict=True)]
    every = np.bitwise_count(first[:, np.newaxis] ^ second) <= duplicates.HASH_BITS
    assert sorted(pairs) == sorted(zip(*np.nonzero(every), strict=True)) and len(pairs) == 200


def test_some_rows_of_an_array_are_looked_at_as_if_cut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    images = photographs(8)
    rows = np.array([6, 1, 3])
    monkeypatch.setattr(duplicates, "BLOCK_PIXELS", SIDE * SIDE * 3 * 2)  # two images at a time
    chosen, cut = look(images, rows), look(images[rows])
    assert chosen.exact == cut.exact and chosen.near.tolist() == cut.near.tolist()
    again = copies(images, "JPEG of quality 75")
    assert twins(chosen, look(again)).either.tolist() == [-1, 1, -1, 2, -1, -1, 0, -1]


def test_of_several_copies_the_first_is_named() -> None:
    images = photographs(3)
    assert found(images[[1, 0, 0]], images[[0]]) == [1]
    again = copies(images[[0]], "JPEG of quality 75")
    assert found(images[[1, 0, 0]], again) == [1]


def test_nothing_is_a_copy_of_nothing() -> None:
    none: Pictures = look(np.empty((0, 8, 8, 1), np.uint8))
    some = look(photographs(2))
    assert twins(none, some).either.tolist() == [-1, -1] and twins(some, none).either.tolist() == []


def test_repeated_pictures_are_counted_once_less() -> None:
    assert look(photographs(3)[[0, 1, 0, 0]]).repeated() == 2
