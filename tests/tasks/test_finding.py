"""Whether data bring a validation part of their own is seen without decoding a picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artifacts.store import Store
from tasks.finding import brings_validation
from tasks.pure.errors import BadData
from tests.flows.tiny import tiny_arrays


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def archive(folder: Path, *more: str) -> str:
    arrays = tiny_arrays()
    further = {name: arrays[f"{name[0]}_test"] for name in more}
    np.savez(folder / "own.npz", **arrays, **further)
    return str(folder / "own.npz")


def pictures(folder: Path, *parts: str) -> str:
    for part in parts:
        for name in ("cat", "dog"):
            (folder / "pictures" / part / name).mkdir(parents=True)
            shade = len(list(folder.rglob("*.png")))
            Image.new("L", (4, 4), shade).save(folder / "pictures" / part / name / "1.png")
    return str(folder / "pictures")


def brings(dataset: str, path: str | None, store: Store) -> bool:
    return brings_validation(dataset, path, store, "load_data.target")


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("x_validation", "y_validation")])
def test_an_archive_with_a_validation_part_brings_one(tmp_path: Path, store: Store, names: tuple[str, str]) -> None:
    assert not brings("npz", archive(tmp_path), store)
    assert brings("npz", archive(tmp_path, *names), store)


def test_half_a_validation_part_is_refused(tmp_path: Path, store: Store) -> None:
    with pytest.raises(BadData, match="found no `y_val`"):
        brings("npz", archive(tmp_path, "x_val"), store)


def test_folders_bring_one_by_the_name_of_a_part(tmp_path: Path, store: Store) -> None:
    assert not brings("folder", pictures(tmp_path, "train", "test"), store)
    assert brings("folder", pictures(tmp_path, "val"), store)


def test_data_that_come_with_graft_bring_none(store: Store) -> None:
    assert not brings("fashion_mnist_sample", None, store)
