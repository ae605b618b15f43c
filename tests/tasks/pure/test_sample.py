"""The sample that ships: 7,000 images of Fashion-MNIST, and the script that makes it from the full set."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from tasks.pure.data import make_sample
from tasks.pure.readers import IDX_FILES, read
from tests.tasks.pure.small_archives import DEBIAN

DATA = Path(make_sample.__file__).parent
SAMPLE = DATA / "fashion_mnist_sample.npz"
NEEDS_FULL_SET = pytest.mark.skipif(not DEBIAN.is_dir(), reason="no Debian package dataset-fashion-mnist here")


def test_the_sample_has_600_and_100_images_of_each_class() -> None:
    raw = read("fashion_mnist_sample", {"fashion_mnist_sample.npz": SAMPLE})
    assert raw.x_train.shape == (6_000, 28, 28, 1) and raw.x_test.shape == (1_000, 28, 28, 1)
    assert np.bincount(raw.y_train).tolist() == [600] * 10 and np.bincount(raw.y_test).tolist() == [100] * 10
    assert SAMPLE.stat().st_size < 3_500_000
    assert "Zalando" in (DATA / "LICENSE-fashion-mnist.txt").read_text()


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


@NEEDS_FULL_SET
def test_the_sample_is_what_its_script_makes_of_the_full_set(tmp_path: Path) -> None:
    made = tmp_path / "made.npz"
    make_sample.make(DEBIAN, made)
    assert members(made) == members(SAMPLE)
    if zlib.ZLIB_RUNTIME_VERSION == "1.2.13":  # that of the shipped file; another may compress in another way
        assert made.read_bytes() == SAMPLE.read_bytes()


@NEEDS_FULL_SET
def test_the_sample_is_taken_from_the_right_splits() -> None:
    raw = read("fashion_mnist", {role: DEBIAN / role for role in IDX_FILES})
    sample = read("fashion_mnist_sample", {"fashion_mnist_sample.npz": SAMPLE})
    train, test = ({image.tobytes() for image in images} for images in (raw.x_train, raw.x_test))
    assert all(image.tobytes() in train for image in sample.x_train)
    assert all(image.tobytes() in test for image in sample.x_test)
