"""Arrays that come a block at a time have the bytes and digests of those in memory."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from artifacts import array_codecs, codecs, digest
from artifacts.array_codecs import DATASET_PARTS, encode_dataset, save_array
from artifacts.digest import digest_arrays
from artifacts.store import Store
from tasks.pure.data import rows


class InPieces:
    """As `tasks.pure.data.rows.Rows`, which artifacts do not know."""

    def __init__(self, array: np.ndarray, rows: int) -> None:
        self.array, self.rows, self.shape, self.dtype = array, rows, array.shape, array.dtype

    def blocks(self, _size: int) -> Iterator[np.ndarray]:
        return (self.array[start : start + self.rows] for start in range(0, len(self.array), self.rows))


ARRAYS = npst.arrays(
    st.sampled_from(["u1", "<f4", ">f4", "<i8", ">i8", "?"]),
    npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=7),
    elements={"allow_nan": False, "allow_infinity": False},
)


def saved(array: Any, path: Path) -> bytes:
    save_array(path, array)
    return path.read_bytes()


@given(array=ARRAYS, rows=st.integers(1, 9), order=st.sampled_from("CF"), block=st.integers(1, 64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_bytes_and_digests_do_not_depend_on_how_an_array_comes(
    array: np.ndarray, rows: int, order: Any, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "BLOCK_BYTES", block)
    laid_out = np.asarray(array, order=order)
    expected = io.BytesIO()
    np.save(expected, np.ascontiguousarray(array, array.dtype.newbyteorder("<")), allow_pickle=False)
    whole = digest_arrays({"x": array, "y": np.arange(3)}, ["a"])
    for each in (laid_out, InPieces(laid_out, rows)):
        assert saved(each, tmp_path / "x.npy") == expected.getvalue()
        assert digest_arrays({"x": each, "y": np.arange(3)}, ["a"]) == whole
    np.save(tmp_path / "mapped.npy", laid_out)
    mapped = np.load(tmp_path / "mapped.npy", mmap_mode="r")
    assert saved(mapped, tmp_path / "x.npy") == expected.getvalue()
    assert digest_arrays({"x": mapped, "y": np.arange(3)}, ["a"]) == whole


def test_a_digest_is_what_it_always_was() -> None:
    """Data sets that lie in stores are named by it."""
    found = digest_arrays({"x": np.arange(6, dtype=">f4").reshape(2, 3), "y": np.array(3)}, ["a"])
    assert found == "sha256:1d52c8f68cf70508af923a3bf8821a6580da3fb94f872e1882b6d20cb6075860"


@pytest.mark.parametrize(
    "images, expected",
    [
        (np.array([[3, 200], [7, 9]], np.uint8).reshape(2, 2, 1, 1), [3, 200]),
        (np.array([-0.25, 0.5], ">f4").reshape(2, 1, 1, 1), [-0.25, 0.5]),
        (np.zeros((0, 2, 2, 1), np.uint8), None),
    ],
)
def test_a_data_set_tells_the_range_of_its_training_pixels(images: np.ndarray, expected: Any) -> None:
    others = (np.full((1, *images.shape[1:]), 99, images.dtype), np.zeros(1, np.int64))
    for each in (images, InPieces(images, 1)):
        parts = {**dict.fromkeys(DATASET_PARTS, others), "train": (each, np.arange(len(images)))}
        assert encode_dataset(parts, ["a", "b"]).facts["pixel_range"] == expected


def test_a_data_set_in_pieces_is_stored_read_back_and_verified_in_pieces(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(array_codecs, "MAPPED_BYTES", 200)
    images, labels = np.random.default_rng(0).integers(0, 256, (40, 3, 3, 1), np.uint8), np.arange(40) % 2
    rest = dict.fromkeys(DATASET_PARTS, (images[:2], labels[:2]))
    content = encode_dataset({**rest, "train": (InPieces(images, 7), labels)}, ["a", "b"])
    assert content.digest == encode_dataset({**rest, "train": (images, labels)}, ["a", "b"]).digest
    folder = store.folder(store.put(content).ref)
    back, small = (array_codecs.read_part(folder, part)[0] for part in ("train", "test"))
    assert isinstance(back, np.memmap) and not isinstance(small, np.memmap)
    np.testing.assert_array_equal(back, images)
    assert codecs.derive_digest("dataset", folder) == content.digest


def test_all_of_fashion_mnist_is_held_and_what_is_little_larger_is_mapped(tmp_path: Path) -> None:
    """A mapped array is read again for every epoch. What may be held counts several times: a part each of two data
    sets and a copy of TensorFlow's; with 64 MiB a run on 3 GB of pictures took 80 MB more than with 48."""
    assert array_codecs.MAPPED_BYTES == rows.HELD_BYTES
    for name, count in (("x_train", 60_000), ("x_test", 65_000)):
        save_array(tmp_path / f"{name}.npy", np.zeros((count, 28, 28, 1), np.uint8))
        save_array(tmp_path / f"{name.replace('x', 'y')}.npy", np.zeros(count, np.int64))
    held, mapped = (array_codecs.read_part(tmp_path, part)[0] for part in ("train", "test"))
    assert not isinstance(held, np.memmap) and isinstance(mapped, np.memmap)
    assert isinstance(rows.chosen(mapped, np.arange(60_000)), np.ndarray)
    assert isinstance(rows.chosen(mapped, np.arange(65_000)), rows.Rows)
