"""A user's npz file: a validation part of its own, and arrays that nobody reads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.data.own_archive import own_arrays
from tasks.pure.datasets import Selection, select
from tasks.pure.errors import BadData
from tasks.pure.readers import read

BASE = {
    "x_train": np.arange(6 * 4, dtype=np.uint8).reshape(6, 2, 2), "y_train": np.array([0, 1, 2] * 2),
    "x_test": np.zeros((3, 2, 2), np.uint8), "y_test": np.array([0, 1, 2]),
}  # fmt: skip


def write(folder: Path, **more: Any) -> Path:
    np.savez(folder / "own.npz", **{**BASE, **more})
    return folder / "own.npz"


def selection(**more: Any) -> Selection:
    given = {"classes": "all", "one_vs_rest": None, "labels": "all", "validation": 0.0, "gate": 0.0, "seed": None}
    return Selection("npz", **{**given, **more})


@pytest.mark.parametrize("pair", [("x_validation", "y_validation"), ("x_val", "y_val")])
def test_a_validation_part_of_its_own_is_taken(tmp_path: Path, pair: tuple[str, str]) -> None:
    images = np.full((2, 2, 2), 7, np.uint8)
    file = write(tmp_path, **{pair[0]: images, pair[1]: np.array([2, 1])})
    found = select(read("npz", {"npz": file}), selection(classes=(2, 1)))
    assert found.y_validation.tolist() == [0, 1]  # as the task numbers its classes
    assert np.asarray(found.x_validation).reshape(2, -1).tolist() == [[7] * 4] * 2
    assert len(found.y_train) == 4


def test_its_own_part_and_a_drawn_one_are_too_many(tmp_path: Path) -> None:
    file = write(tmp_path, x_val=np.zeros((1, 2, 2), np.uint8), y_val=np.array([0]))
    with pytest.raises(BadData, match=r"validation part of its own \(1 images\).*Set `validation: 0`"):
        select(read("npz", {"npz": file}), selection(validation=0.5, seed=1))


def test_arrays_that_nobody_reads_are_named(tmp_path: Path) -> None:
    assert read("npz", {"npz": write(tmp_path, weights=np.ones(6), x_valid=np.ones(1))}).unread == (
        "weights",
        "x_valid",
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"x_val": BASE["x_test"]}, "found no `y_val`"),
        ({"y_validation": BASE["y_test"]}, "found no `x_validation`"),
        (
            {"x_val": 0, "y_val": 0, "x_validation": 0, "y_validation": 0},
            "one validation part, found `x_validation`, `y_validation`, `x_val`, `y_val`",
        ),
    ],
)
def test_half_a_part_or_two_are_refused(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(BadData, match=message):
        own_arrays(write(tmp_path, **more))


@pytest.mark.parametrize("part", ["val", "validation"])
def test_its_labels_shape_and_range_are_checked_as_the_others_are_and_named_as_the_file_does(
    tmp_path: Path, part: str
) -> None:
    def reads(images: np.ndarray, label: int = 0) -> None:
        read("npz", {"npz": write(tmp_path, **{f"x_{part}": images, f"y_{part}": np.array([label])})})

    with pytest.raises(BadData, match=f"expected labels 0 to 2 in `y_{part}`, found 5"):
        reads(np.zeros((1, 2, 2), np.uint8), label=5)
    with pytest.raises(BadData, match=rf"found \(2, 2, 1\) uint8 in `x_train` and \(3, 2, 1\) uint8 in `x_{part}`"):
        reads(np.zeros((1, 3, 2), np.uint8))
    with pytest.raises(BadData, match=f"`x_{part}` bytes of 0 and 1 only"):
        reads(np.eye(2, dtype=np.uint8)[None])


def test_class_names_are_in_one_unicode_form(tmp_path: Path) -> None:
    file = write(tmp_path, class_names=np.array(["cafe\u0301", "b", "c"]))
    assert read("npz", {"npz": file}).class_names[0] == "caf\u00e9"


def test_dropping_duplicates_reaches_the_files_own_validation_part(tmp_path: Path) -> None:
    draws = np.random.default_rng(0).integers(0, 255, (12, 8, 8), np.uint8)
    arrays = {"x_train": draws[:6], "x_test": draws[6:9], "x_val": draws[[6, 9, 10]], "y_val": np.array([0, 1, 2])}
    found = select(read("npz", {"npz": write(tmp_path, **arrays)}), selection(drop_duplicates=True))
    assert (found.y_validation.tolist(), found.dropped) == ([1, 2], (1, 0))
