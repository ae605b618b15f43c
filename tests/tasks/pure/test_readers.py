"""What each reader reads. MNIST's and CIFAR's archives are small ones of the right format, made by `small_archives`."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tasks.pure.readers import CLASS_NAMES, FILE_ROLES, IDX_FILES, RawData, read
from tests.tasks.pure.small_archives import DEBIAN, Arrays, cifar_archive, small_arrays, small_fashion, write_npz

NEEDS_FULL_SET = pytest.mark.skipif(not DEBIAN.is_dir(), reason="no Debian package dataset-fashion-mnist here")


def read_own(folder: Path, arrays: Arrays) -> RawData:
    return read("npz", {"npz": write_npz(folder / "mine.npz", arrays)})


@NEEDS_FULL_SET
def test_the_full_fashion_mnist_is_read_as_it_is() -> None:
    raw = read("fashion_mnist", {role: DEBIAN / role for role in IDX_FILES})
    assert raw.x_train.shape == (60_000, 28, 28, 1) and raw.x_train.dtype == np.uint8
    assert raw.x_test.shape == (10_000, 28, 28, 1)
    assert np.bincount(raw.y_train).tolist() == [6_000] * 10 and np.bincount(raw.y_test).tolist() == [1_000] * 10
    assert raw.y_train[:5].tolist() == [9, 0, 0, 3, 0] and raw.y_train.dtype == np.int64
    assert raw.class_names[9] == "Ankle boot"


def test_idx_files_give_back_their_pixels_in_order(tmp_path: Path) -> None:
    raw = read("fashion_mnist", small_fashion(tmp_path))
    expected = np.random.default_rng(0).integers(0, 256, (30, 28, 28))
    assert np.array_equal(raw.x_train[..., 0], expected)
    assert raw.y_test.tolist() == [*range(10), *range(10)]


def test_mnist_is_read_from_keras_npz(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arrays = {name: generator.integers(0, 256, (n, 28, 28), np.uint8) for name, n in (("x_train", 20), ("x_test", 10))}
    arrays |= {name: np.arange(n, dtype=np.uint8) % 10 for name, n in (("y_train", 20), ("y_test", 10))}
    raw = read("mnist", {"mnist.npz": write_npz(tmp_path / "mnist.npz", arrays)})
    assert np.array_equal(raw.x_test[..., 0], arrays["x_test"])
    assert raw.x_train.shape == (20, 28, 28, 1) and raw.y_test.tolist() == list(range(10))
    assert raw.class_names == tuple("0123456789")


def test_cifar10_batches_are_joined_in_order_with_channels_last(tmp_path: Path) -> None:
    raw = read("cifar10", {FILE_ROLES["cifar10"][0]: cifar_archive(tmp_path / "c.tar.gz", "cifar10")})
    assert raw.x_train.shape == (100, 32, 32, 3) and raw.x_test.shape == (20, 32, 32, 3)
    second = np.random.default_rng(1).integers(0, 256, (20, 3072)).astype(np.uint8)
    assert np.array_equal(raw.x_train[20, :, :, 1].ravel(), second[0, 1024:2048])  # the green plane comes second
    assert raw.y_train[:3].tolist() == [0, 1, 2] and raw.class_names[8] == "ship"
    assert raw.x_train.flags.c_contiguous and raw.x_test.flags.c_contiguous


def test_cifar100_is_read_with_its_fine_labels(tmp_path: Path) -> None:
    raw = read("cifar100", {FILE_ROLES["cifar100"][0]: cifar_archive(tmp_path / "c.tar.gz", "cifar100")})
    assert raw.y_train.tolist() == list(range(100))
    assert len(raw.class_names) == 100 and raw.class_names[0] == "apple" and raw.class_names[99] == "worm"


def test_digits_keep_the_last_fifth_of_each_class_for_the_test() -> None:
    raw = read("digits", {})
    assert raw.x_train.shape[1:] == (8, 8, 1) and len(raw.x_train) + len(raw.x_test) == 1_797
    assert raw.x_train.dtype == np.uint8 and raw.x_train.max() == 255
    everything = np.bincount(np.concatenate([raw.y_train, raw.y_test]))
    assert np.array_equal(np.bincount(raw.y_test), everything // 5)


def test_an_own_file_may_be_grey_or_coloured(tmp_path: Path) -> None:
    assert read_own(tmp_path, small_arrays()).x_train.shape == (12, 5, 6, 1)
    assert read_own(tmp_path, small_arrays((3,))).x_train.shape == (12, 5, 6, 3)
    assert read_own(tmp_path, small_arrays((1,))).class_names == ("0", "1", "2")


def test_an_own_file_may_hold_other_whole_numbers_floats_columns_of_labels_and_names(tmp_path: Path) -> None:
    arrays = small_arrays()
    expected = arrays["x_train"].copy()
    arrays |= {"x_train": arrays["x_train"].astype(np.int32), "x_test": arrays["x_test"].astype(np.uint16)}
    arrays |= {"y_train": arrays["y_train"].reshape(-1, 1).astype(np.uint8), "class_names": np.array(["a", "b", "c"])}
    raw = read_own(tmp_path, arrays)
    assert raw.x_train.dtype == np.uint8 and np.array_equal(raw.x_train[..., 0], expected)
    assert raw.y_train.shape == (12,) and raw.y_train.dtype == np.int64 and raw.class_names == ("a", "b", "c")
    floats = small_arrays() | {name: small_arrays()[name] / 255 for name in ("x_train", "x_test")}
    assert read_own(tmp_path, floats).x_train.dtype == np.float32


def test_every_data_set_but_the_users_own_has_known_class_names() -> None:
    assert set(CLASS_NAMES) == set(FILE_ROLES) - {"npz", "folder", "list"}
    assert all(len(set(names)) == len(names) for names in CLASS_NAMES.values())


def test_the_full_set_in_a_folder_with_spaces_and_accents_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "meine Daten é"
    folder.mkdir()
    small_fashion(folder)
    shutil.copytree(folder, tmp_path / "copy é")
    assert len(read("fashion_mnist", {role: tmp_path / "copy é" / role for role in IDX_FILES}).x_train) == 30
