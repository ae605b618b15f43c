"""Which file belongs to which class and part, by where it lies. What could be either is refused, litter is counted."""

import os
from collections import Counter
from pathlib import Path

import pytest

from artifacts.errors import DataError
from tasks.pictures.scanning import scan
from tests.tasks.pictures.folders import fill, put


def held(root: Path) -> Counter[tuple[str, str]]:
    """(part, class) → files."""
    return Counter((part, name) for _, part, name in scan(root).files)


def test_parts_and_classes_are_folders(tmp_path: Path) -> None:
    fill(tmp_path, count=2, names=["cat", "dog"])
    assert held(tmp_path) == {
        ("train", "cat"): 2, ("train", "dog"): 2, ("test", "cat"): 2, ("test", "dog"): 2
    }  # fmt: skip


@pytest.mark.parametrize("name", ["validation", "val", "valid", "Val"])
def test_a_validation_part_has_several_names(tmp_path: Path, name: str) -> None:
    fill(tmp_path, ("train", "test", name), 1, ["cat"])
    assert held(tmp_path)["validation", "cat"] == 1


def test_classes_alone_are_left_for_the_recipe_to_divide(tmp_path: Path) -> None:
    fill(tmp_path, [""], 3, ["cat", "dog"])
    assert held(tmp_path) == {("", "cat"): 3, ("", "dog"): 3}


def test_subfolders_of_a_class_count_to_it(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "black" / "young" / "1.png", 1)
    put(tmp_path / "cat" / "2.png", 2)
    assert held(tmp_path) == {("", "cat"): 2}


def test_litter_is_passed_over_and_counted(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "1.png", 1)
    for litter in ("Thumbs.db", "desktop.ini", ".DS_Store", "._1.png"):
        (tmp_path / "cat" / litter).write_bytes(b"x")
    put(tmp_path / "cat" / ".ipynb_checkpoints" / "1.png", 1)
    put(tmp_path / ".cache" / "2.png", 2)
    put(tmp_path / "cover.png", 3)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    (tmp_path / "cat" / "gone.png").symlink_to("nowhere.png")
    found = scan(tmp_path)
    assert [Path(path).name for path, _, _ in found.files] == ["1.png"]
    assert found.classes == {"cat"}
    assert found.skipped == {
        "hidden, or a system's own": 6,
        "in no class's folder": 1,
        "a link to nothing, or no regular file": 2,
    }


def test_links_are_followed_and_one_in_a_circle_ends(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "1.png", 1)
    root = tmp_path / "photos"
    put(root / "cat" / "2.png", 2)
    (root / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "again").symlink_to(root / "cat")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "elsewhere")
    found = scan(root)
    assert sorted(Path(path).name for path, _, _ in found.files) == ["1.png", "2.png"]
    assert found.skipped == {"a link to a folder that was there already": 2}


def test_a_link_to_itself_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "1.png", 1)
    for loop in (tmp_path / "loop", tmp_path / "cat" / "loop"):
        loop.symlink_to(loop)
    found = scan(tmp_path)
    assert len(found.files) == 1
    assert found.skipped == {"a link to nothing, or no regular file": 2}


def test_a_folder_reached_twice_counts_once(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "batch 3" / "1.png", 1)
    (tmp_path / "cat" / "latest").symlink_to(tmp_path / "cat" / "batch 3")
    assert held(tmp_path) == {("", "cat"): 1}


def test_a_class_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    put(tmp_path / os.fsdecode(b"caf\xe9") / "1.png", 1)
    with pytest.raises(DataError, match=r"caf\\xe9: expected a class's name in UTF-8"):
        scan(tmp_path)


@pytest.mark.parametrize("name", ["Kätzchen", "猫", "my cat", 'a "quoted" cat', "two\nlines", "'", "$(rm)"])
def test_any_name_may_be_a_class(tmp_path: Path, name: str) -> None:
    put(tmp_path / name / "a picture.png", 1)
    assert scan(tmp_path).classes == {name}


def test_one_name_in_two_unicode_forms_is_one_class(tmp_path: Path) -> None:
    put(tmp_path / "train" / "caf\u00e9" / "1.png", 1)
    put(tmp_path / "test" / "cafe\u0301" / "2.png", 2)
    assert scan(tmp_path).classes == {"caf\u00e9"}
    assert held(tmp_path) == {("train", "caf\u00e9"): 1, ("test", "caf\u00e9"): 1}


@pytest.mark.parametrize(
    "folders", [("train", "bus"), ("test", "cat"), ("val", "cat"), ("test",)], ids=" and ".join
)  # fmt: skip
def test_what_may_be_a_part_or_a_class_is_refused_with_both_readings(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for name in folders:
        put(tmp_path / name / "x" / "1.png", 1)
    with pytest.raises(DataError, match=r"are they parts or classes\? Parts: .* Classes: "):
        scan(tmp_path)


def test_two_folders_for_one_part_are_refused(tmp_path: Path) -> None:
    fill(tmp_path, ("train", "val", "validation"), 1, ["cat"])
    with pytest.raises(DataError, match="one folder for the validation part, found `val`, `validation`"):
        scan(tmp_path)


def test_an_empty_class_is_a_class(tmp_path: Path) -> None:
    put(tmp_path / "cat" / "1.png", 1)
    (tmp_path / "dog").mkdir()
    assert scan(tmp_path).classes == {"cat", "dog"}
