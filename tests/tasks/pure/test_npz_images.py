"""The images of an npz file come one at a time, equal to what NumPy reads, and what is none is refused by name."""

import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.errors import BadData
from tasks.pure.npz_images import open_npz

Save = Callable[..., None]
SAVES = {"stored": np.savez, "deflated": np.savez_compressed}


def noise(shape: tuple[int, ...], dtype: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
@pytest.mark.parametrize("dtype", ["u1", ">u2", "<i8", "f2", ">f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_what_comes_is_what_numpy_reads(save: Save, dtype: str, order: str, tmp_path: Path) -> None:
    array = np.asarray(noise((5, 4, 3, 3), dtype), order=order)  # type: ignore[call-overload]
    save(tmp_path / "a.npz", images=array, y=np.arange(5))
    found = open_npz(tmp_path / "a.npz", 3)
    assert (len(found), found.shape) == (5, (5, 4, 3, 3))
    assert np.array_equal(np.stack(list(found)), array)


def test_images_without_an_axis_of_channels_are_grey_ones(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=noise((2, 4, 3)))
    assert [image.shape for image in open_npz(tmp_path / "a.npz", 1)] == [(4, 3, 1)] * 2


def test_the_first_of_the_known_names_is_taken(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_test=noise((2, 4, 3)), x=noise((3, 4, 3)))
    assert (open_npz(tmp_path / "a.npz", 1).name, len(open_npz(tmp_path / "a.npz", 1))) == ("x", 3)


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
@pytest.mark.parametrize("order", ["C", "F"])
def test_memory_does_not_grow_with_the_number_of_images(save: Save, order: str, tmp_path: Path) -> None:
    save(tmp_path / "a.npz", images=np.asarray(noise((2000, 100, 100)), order=order))  # type: ignore[call-overload]
    tracemalloc.start()
    assert sum(1 for _ in open_npz(tmp_path / "a.npz", 1)) == 2000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6  # bytes; the array has 20 million


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pictures": noise((2, 8, 8))}, "expected an array named images, x, x_test, found pictures"),
        ({"images": noise((2, 8))}, r"expected images \(n, height, width, 1\)"),
        ({"images": noise((2, 8, 8, 3))}, r"found uint8 \(2, 8, 8, 3\)"),
        ({"images": noise((2, 0, 28))}, r"found uint8 \(2, 0, 28\)"),
        ({"images": noise((0, 8, 8))}, r"found uint8 \(0, 8, 8\)"),
        ({"images": noise((2, 8, 8), complex)}, "found complex128"),
        ({"images": noise((2, 8, 8), bool)}, "found bool"),
        ({"images": np.full((2, 8, 8), "a")}, "found <U1"),
        ({"images": np.full((2, 8, 8), None)}, "an array of Python objects"),
        ({}, "found none"),
    ],
)
def test_what_holds_no_such_images_is_refused(arrays: dict[str, np.ndarray], said: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", **arrays)
    with pytest.raises(BadData, match=f"odd.npz: .*{said}"):
        open_npz(tmp_path / "odd.npz", 1)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + b"x" * 40])
def test_what_is_no_zip_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.npz").write_bytes(content)
    with pytest.raises(BadData, match="odd.npz: cannot be read as npz"):
        open_npz(tmp_path / "odd.npz", 1)


def test_an_altered_pixel_is_noticed_at_the_end_of_the_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.full((30, 100, 100), 7, np.uint8))
    content = (tmp_path / "a.npz").read_bytes()
    at = content.rindex(b"\x07" * 100)
    (tmp_path / "a.npz").write_bytes(content[:at] + b"\x08" + content[at + 1 :])
    with pytest.raises(BadData, match="cut short or damaged.*CRC"):
        list(open_npz(tmp_path / "a.npz", 1))


def test_an_array_that_is_shorter_than_its_header_says_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", noise((3, 8, 8)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        file.writestr("images.npy", (tmp_path / "a.npy").read_bytes()[:-1])
    with pytest.raises(BadData, match="its header says more than it holds"):
        open_npz(tmp_path / "a.npz", 1)
