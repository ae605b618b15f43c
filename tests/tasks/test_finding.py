"""How many images a user's data have for a task is known without decoding a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts.store import Store
from flows import arguments
from flows.recipe import Recipe
from tasks.finding import OwnParts, own_parts
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


def parts(path: str | None, store: Store, **target: Any) -> OwnParts | None:
    recipe = {"source": {"dataset": "digits", "task": {"classes": "all"}}, "target": {**target, "path": path}}
    wanted = arguments.selection(Recipe.model_validate(recipe), "target")
    return own_parts(wanted, path, store, "load_data.target")


NPZ: dict[str, Any] = {"dataset": "npz", "task": {"classes": [2, 3]}}
FOLDER: dict[str, Any] = {"dataset": "folder", "task": {"classes": ["cat", "dog"]}}


@pytest.mark.parametrize("names", [("x_val", "y_val"), ("x_validation", "y_validation")])
def test_an_archive_with_a_validation_part_brings_one(tmp_path: Path, store: Store, names: tuple[str, str]) -> None:
    assert parts(archive(tmp_path), store, **NPZ) == OwnParts(80, 0)
    assert parts(archive(tmp_path, *names), store, **NPZ) == OwnParts(80, 40)


def test_classes_that_the_task_leaves_out_do_not_count(tmp_path: Path, store: Store) -> None:
    others = archive(tmp_path, "x_val", "y_val", classes=(0, 1))
    assert parts(others, store, **NPZ) == OwnParts(80, 0)
    assert parts(others, store, dataset="npz", task={"one_vs_rest": 2}) == OwnParts(160, 40)  # all that is not 2
    assert parts(archive(tmp_path, "x_val", "y_val", classes=()), store, **NPZ) == OwnParts(80, 0)


def test_half_a_validation_part_is_refused(tmp_path: Path, store: Store) -> None:
    with pytest.raises(BadData, match="found no `y_val`"):
        parts(archive(tmp_path, "x_val"), store, **NPZ)


def test_folders_name_their_parts(tmp_path: Path, store: Store) -> None:
    for part in ("train", "test"):
        folder = pictures(tmp_path, part, "cat", "dog", "owl")
    assert parts(folder, store, **FOLDER) == OwnParts(2, 0)
    assert parts(pictures(tmp_path, "val", "owl"), store, **FOLDER) == OwnParts(2, 0)
    assert parts(pictures(tmp_path, "val", "cat"), store, **FOLDER) == OwnParts(2, 1)


def test_folders_without_parts_are_all_for_training_until_a_test_part_is_set_apart(
    tmp_path: Path, store: Store
) -> None:
    folder = pictures(tmp_path, ".", "cat", "dog")
    assert parts(folder, store, **FOLDER, test=0.2) == OwnParts(2, 0)


def test_data_that_come_with_graft_are_not_counted(store: Store) -> None:
    assert parts(None, store, dataset="fashion_mnist_sample", task={"classes": [0, 1]}) is None
