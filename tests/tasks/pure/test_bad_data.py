"""What bad data gets from the readers: an error with the file, what was expected, what was found, and the mend."""

import gzip
import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.pure.errors import BadData
from tasks.pure.readers import FILE_ROLES, IDX_FILES, RawData, read
from tests.tasks.pure.small_archives import (
    Arrays,
    cifar_archive,
    idx_bytes,
    python2_pickle,
    small_arrays,
    small_fashion,
    write_npz,
)


def read_own(folder: Path, arrays: Arrays) -> RawData:
    return read("npz", {"npz": write_npz(folder / "mine.npz", arrays)})


def spoil(changes: dict[str, object]) -> Callable[[Arrays], None]:
    return lambda arrays: arrays.update({name: np.asarray(value) for name, value in changes.items()})


def set_at(name: str, index: int, value: float, dtype: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        for images in [name, "x_test"] if name == "x_train" else [name]:
            arrays[images] = arrays[images].astype(dtype)
        arrays[name][index] = value

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a.pop("x_test"), "missing: x_test"),
        (spoil({"y_train": np.arange(11) % 3}), "12 images in `x_train` and 11 labels"),
        (set_at("y_train", 4, -1, "int64"), "found -1 (at index 4)"),
        (set_at("y_test", 2, 3, "int64"), "expected labels 0 to 2 in `y_test`, found 3"),
        (set_at("y_train", 2, 10**12, "int64"), "found the label 1,000,000,000,000"),
        (set_at("y_train", 0, 4, "int64"), "none with label 3 (3)"),
        (spoil({"y_train": np.arange(12) % 3 + 1, "y_test": [1, 2, 3, 1, 2, 3]}), "none with label 0 (0)"),
        (spoil({"y_train": np.zeros(12, int), "y_test": np.zeros(6, int)}), "two classes or more"),
        (spoil({"y_train": np.eye(3, dtype=int)[np.arange(12) % 3]}), "argmax"),
        (spoil({"y_train": np.arange(12) / 3}), "whole numbers of shape (n,)"),
        (set_at("x_train", 7, np.nan, "float32"), "NaN or infinity (first in the image at index 7)"),
        (set_at("x_train", 3, np.inf, "float64"), "NaN or infinity (first in the image at index 3)"),
        (set_at("x_train", 3, 1e300, "float64"), "NaN or infinity (first in the image at index 3)"),
        (set_at("x_train", 3, 256, "int16"), "0..255, found 0 to 256"),
        (set_at("x_train", 3, -1, "int16"), "0..255, found -1 to"),
        (spoil({"x_train": np.zeros((12, 5, 6, 4), np.uint8)}), "1 or 3 channels, found (12, 5, 6, 4)"),
        (spoil({"x_train": np.zeros((12, 30), np.uint8)}), "found (12, 30)"),
        (spoil({"x_train": np.zeros((12, 5, 6), bool)}), "found bool"),
        (spoil({"x_test": np.zeros((6, 5, 5), np.uint8)}), "of one shape and type"),
        (spoil({"x_test": np.zeros((6, 5, 6), np.float32)}), "of one shape and type"),
        (spoil({"x_test": np.zeros((0, 5, 6), np.uint8), "y_test": np.zeros(0, int)}), "`x_test`, found none"),
        (spoil({"x_train": np.array([np.zeros((5, 6)), None] * 6, dtype=object)}), "without pickles"),
        (spoil({"class_names": ["a", "b"]}), "expected labels 0 to 1"),
        (spoil({"class_names": ["a", "b", "c", "d"]}), "none with label 3 (d)"),
        (spoil({"class_names": ["a", "b", "a"]}), "distinct"),
        (spoil({"class_names": [1, 2, 3]}), "array of text"),
        (spoil({"class_names": np.array(["a", "b", "c"], dtype=object)}), "without pickles"),
    ],
)  # fmt: skip
def test_a_bad_own_file_is_refused_with_its_name_and_what_was_found(
    tmp_path: Path, change: Callable[[Arrays], None], expected: str
) -> None:
    arrays = small_arrays()
    change(arrays)
    with pytest.raises(BadData) as caught:
        read_own(tmp_path, arrays)
    assert expected in str(caught.value)
    assert str(tmp_path / "mine.npz") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="gone.npz: expected a whole npz file, found no such file"):
        read("npz", {"npz": tmp_path / "gone.npz"})
    files = small_fashion(tmp_path)
    files[IDX_FILES[0]].unlink()
    with pytest.raises(BadData, match=f"{IDX_FILES[0]}: expected a whole gzip file, found no such file"):
        read("fashion_mnist", files)


def test_an_own_file_that_is_cut_short_altered_or_a_pickle_is_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mine.npz", small_arrays())
    whole = path.read_bytes()
    middle = whole.index(b"x_train.npy") + 60
    altered = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    for content in (whole[: len(whole) // 2], altered, pickle.dumps(small_arrays()), b""):
        path.write_bytes(content)
        with pytest.raises(BadData, match="mine.npz"):
            read("npz", {"npz": path})


@pytest.mark.parametrize("keep", [0, 5, 12, 200, -1, -5])
def test_a_truncated_gzip_is_refused(tmp_path: Path, keep: int) -> None:
    files = small_fashion(tmp_path)
    whole = files[IDX_FILES[0]].read_bytes()
    files[IDX_FILES[0]].write_bytes(whole[:keep])
    with pytest.raises(BadData, match=IDX_FILES[0]):
        read("fashion_mnist", files)


@pytest.mark.parametrize(
    ("role", "content", "expected"),
    [
        (IDX_FILES[0], idx_bytes(np.zeros(30)), "magic number 0x00000803, found 0x00000801"),
        (IDX_FILES[0], idx_bytes(np.zeros((30, 28, 27))), r"elements of shape \(28, 28\)"),
        (IDX_FILES[0], idx_bytes(np.zeros((30, 28, 28)))[:-3], "3 bytes too few"),
        (IDX_FILES[0], idx_bytes(np.zeros((30, 28, 28))) + b"0", "more bytes than that"),
        (IDX_FILES[0], bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**31, 28, 28), "more than a file of"),
        (IDX_FILES[0], bytes([0, 0, 8, 3, 0]), "a header that says"),
        (IDX_FILES[1], idx_bytes(np.arange(29) % 10), "30 images in `x_train` and 29 labels"),
        (IDX_FILES[1], idx_bytes(np.arange(30) % 11), "found 10 .at index 10"),
        (IDX_FILES[1], idx_bytes(np.arange(30) % 9), r"none with label 9 \(Ankle boot\)"),
    ],
)  # fmt: skip
def test_a_wrong_idx_file_is_refused(tmp_path: Path, role: str, content: bytes, expected: str) -> None:
    files = small_fashion(tmp_path)
    files[role].write_bytes(gzip.compress(content))
    with pytest.raises(BadData, match=expected) as caught:
        read("fashion_mnist", files)
    assert str(tmp_path) in str(caught.value)


def test_a_header_that_asks_for_more_memory_than_there_is_is_said(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mine.npz", small_arrays())
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    giant = io.BytesIO()
    np.lib.format.write_array_header_1_0(giant, {"descr": "|u1", "fortran_order": False, "shape": (2**50, 28, 28)})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (members | {"x_train.npy": giant.getvalue()}).items():
            archive.writestr(name, content)
    with pytest.raises(BadData, match="mine.npz: expected `x_train` to fit into memory, but Unable to allocate"):
        read("npz", {"npz": path})


def test_another_npz_in_the_place_of_mnist_is_refused(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mnist.npz", small_arrays())
    with pytest.raises(BadData, match="dataset: npz"):
        read("mnist", {"mnist.npz": path})


class RunsCode:
    """What a hostile archive would hold: unpickled in the usual way, it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.mkdir, (str(self.folder),)


def test_code_in_a_cifar_batch_is_never_run(tmp_path: Path) -> None:
    hostile = pickle.dumps(RunsCode(tmp_path / "harm"), protocol=2)
    archive = cifar_archive(tmp_path / "c.tar.gz", "cifar100", lambda content: hostile)
    with pytest.raises(BadData, match="mkdir.*which no CIFAR archive needs"):
        read("cifar100", {FILE_ROLES["cifar100"][0]: archive})
    assert not (tmp_path / "harm").exists()
    pickle.loads(hostile)
    assert (tmp_path / "harm").exists()  # so it would have done harm


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda content: content[:-500], "expected a pickle of plain arrays"),
        (lambda content: pickle.dumps([1, 2]), "expected a dict with `data` and `fine_labels`"),
        (lambda content: pickle.dumps({b"data": 1, b"fine_labels": [0]}), "uint8 of shape (n, 3072), found int"),
        (lambda content: python2_pickle(np.zeros((5, 10), np.uint8), "fine_labels", [0] * 5), "(5, 10)"),
        (lambda content: pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"fine_labels": ["a"]}, 3), "whole"),
        (lambda content: python2_pickle(np.zeros((5, 3072), np.uint8), "fine_labels", [0] * 4), "5 images"),
    ],
)  # fmt: skip
def test_a_bad_cifar_batch_is_refused(tmp_path: Path, change: Callable[[bytes], bytes], expected: str) -> None:
    archive = cifar_archive(tmp_path / "c.tar.gz", "cifar100", change)
    with pytest.raises(BadData) as caught:
        read("cifar100", {FILE_ROLES["cifar100"][0]: archive})
    assert expected in str(caught.value) and str(archive) in str(caught.value)


def test_a_truncated_or_wrong_cifar_archive_is_refused(tmp_path: Path) -> None:
    archive = cifar_archive(tmp_path / "c.tar.gz", "cifar10")
    whole = archive.read_bytes()
    for content in (whole[:100], whole[: len(whole) // 2], b"no archive", b""):
        archive.write_bytes(content)
        with pytest.raises(BadData, match="c.tar.gz"):
            read("cifar10", {FILE_ROLES["cifar10"][0]: archive})
    with pytest.raises(BadData, match="missing: cifar-10-batches-py/data_batch_1"):
        read("cifar10", {FILE_ROLES["cifar10"][0]: cifar_archive(archive, "cifar100")})


def test_a_member_that_leads_out_of_the_archive_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(pickle.dumps({}))
    with tarfile.open(tmp_path / "c.tar.gz", "w:gz") as archive:
        for name in ("cifar-100-python/train", "cifar-100-python/test"):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
            archive.addfile(member)
    with pytest.raises(BadData, match="missing: cifar-100-python/train"):
        read("cifar100", {FILE_ROLES["cifar100"][0]: tmp_path / "c.tar.gz"})


def test_an_unknown_data_set_and_a_role_without_a_path_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="No data set named `fashion`. Those there are: fashion_mnist"):
        read("fashion", {})
    files = small_fashion(tmp_path)
    del files[IDX_FILES[3]]
    with pytest.raises(BadData, match=f"no path was given for {IDX_FILES[3]}"):
        read("fashion_mnist", files)
