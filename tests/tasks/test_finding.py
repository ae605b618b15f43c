"""Whether data bring a validation part of their own is seen without decoding a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts.store import Store
from flows import arguments
from flows.recipe import Recipe
from tasks.finding import brings_validation
from tasks.pure.errors import BadData
from tests.flows.tiny import tiny_arrays


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def archive(folder: Path, *more: str, classes: tuple[int, ...] = (0, 1, 2, 3)) -> str:
    arrays = tiny_arrays()
    chosen = np.isin(arrays["y_test"], classes)
    np.savez(folder / "own.npz", **arrays, **{name: arrays[f"{name[0]}_test"][chosen] for name in more})
    return str(folder / "own.npz")


def pictures(folder: Path, part: str, *names: str) -> str:
    for name in names:
        (folder / "pictures" / part / name).mkdir(parents=True)
        shade = len(list(folder.rglob("*.png")))
        Image.new("L", (4, 4), shade).save(folder / "pictures" / part / name / "1.png")
    return str(folder / "pictures")


def brings(path: str | None, store: Store, **target: Any) -> bool:
    recipe = {"source": {"dataset": "digits", "task": {"classes": "all"}}, "target": {**target, "path": path}}
    wanted = arguments.selection(Recipe.model_validate(recipe), "target")
    return brings_validation(wanted, path, store, "load_data.target")


NPZ: dict[str, Any] = {"dataset": "npz", "task": {"classes": [2, 3]}}
FOLDER: dict[str, Any] = {"dataset": "folder", "task": {"classes": ["cat", "dog"]}}


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("x_validation", "y_validation")])
def test_an_archive_with_a_validation_part_brings_one(tmp_path: Path, store: Store, names: tuple[str, str]) -> None:
    assert not brings(archive(tmp_path), store, **NPZ)
    assert brings(archive(tmp_path, *names), store, **NPZ)


def test_a_validation_part_without_a_class_of_the_task_is_none(tmp_path: Path, store: Store) -> None:
    others = archive(tmp_path, "x_val", "y_val", classes=(0, 1))
    assert not brings(others, store, **NPZ)
    assert brings(others, store, dataset="npz", task={"one_vs_rest": 2})  # all that is not 2
    assert not brings(archive(tmp_path, "x_val", "y_val", classes=()), store, **NPZ)


def test_half_a_validation_part_is_refused(tmp_path: Path, store: Store) -> None:
    with pytest.raises(BadData, match="found no `y_val`"):
        brings(archive(tmp_path, "x_val"), store, **NPZ)


def test_folders_bring_one_by_the_name_of_a_part(tmp_path: Path, store: Store) -> None:
    for part in ("train", "test"):
        folder = pictures(tmp_path, part, "cat", "dog", "owl")
    assert not brings(folder, store, **FOLDER)
    assert not brings(pictures(tmp_path, "val", "owl"), store, **FOLDER)
    assert brings(pictures(tmp_path, "val", "cat"), store, **FOLDER)


def test_data_that_come_with_graft_bring_none(store: Store) -> None:
    assert not brings(None, store, dataset="fashion_mnist_sample", task={"classes": [0, 1]})
