"""Equal arrays are stored once, and no artifact is harmed by another's end."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from artifacts.errors import ArtifactDamaged
from artifacts.sharing import SHARED_BYTES
from artifacts.store import Encoded, Store
from artifacts.verify import verify


def content(letter: str, **files: bytes) -> Encoded:
    """An artifact named by a letter, with these files."""

    def write(folder: Path) -> None:
        for name, data in files.items():
            (folder / name).write_bytes(data)

    return Encoded("dataset", "sha256:" + letter * 64, {}, write)


LARGE = b"x" * SHARED_BYTES
SMALL = b"x" * (SHARED_BYTES - 1)


@pytest.fixture
def twins(store: Store) -> tuple[Path, Path]:
    """Two artifacts with one large array in common, under different names."""
    first = store.put(content("a", x_test=LARGE, y_test=b"a"))
    second = store.put(content("b", x_train=LARGE, y_test=b"b"))
    return store.folder(first.ref), store.folder(second.ref)


def test_equal_large_files_are_one_file(twins: tuple[Path, Path]) -> None:
    assert twins[0].joinpath("x_test").samefile(twins[1] / "x_train")


def test_small_files_are_not_worth_it(store: Store) -> None:
    folders = [store.folder(store.put(content(letter, x=SMALL)).ref) for letter in "ab"]
    assert not folders[0].joinpath("x").samefile(folders[1] / "x")


def test_deleting_one_leaves_the_other_sound(twins: tuple[Path, Path], store: Store) -> None:
    shutil.rmtree(twins[0])
    assert store.put(content("b", x_train=LARGE, y_test=b"b")).ref.digest == "sha256:" + "b" * 64
    assert (twins[1] / "x_train").read_bytes() == LARGE


def test_a_third_one_finds_the_first_when_the_one_last_remembered_is_gone(
    twins: tuple[Path, Path], store: Store
) -> None:
    shutil.rmtree(twins[1])
    third = store.folder(store.put(content("c", x=LARGE)).ref)
    assert third.joinpath("x").samefile(twins[0] / "x_test")


def test_damage_written_into_a_shared_file_is_noticed_in_both_and_mended_by_either(
    twins: tuple[Path, Path], store: Store
) -> None:
    outputs = [store.put(content("a", x_test=LARGE, y_test=b"a")), store.put(content("b", x_train=LARGE, y_test=b"b"))]
    with (twins[0] / "x_test").open("r+b") as file:
        file.write(b"y")
    for output in outputs:
        with pytest.raises(ArtifactDamaged):
            store.check(output.ref, output.manifest)
    store.put(content("a", x_test=LARGE, y_test=b"a"))
    for output in outputs:
        store.check(output.ref, output.manifest)
    assert twins[0].joinpath("x_test").samefile(twins[1] / "x_train")


def test_a_damaged_file_is_never_shared(store: Store) -> None:
    first = store.put(content("a", x=LARGE))
    with (store.folder(first.ref) / "x").open("r+b") as file:
        file.write(b"y")
    second = store.put(content("b", x=LARGE))
    store.check(second.ref, second.manifest)


@pytest.mark.parametrize("index", [b"", b"../../../../etc/passwd", b"\xff\xfe", b"dataset/nowhere/x"])
def test_a_damaged_index_misleads_nobody(store: Store, index: bytes) -> None:
    first = store.put(content("a", x=LARGE))
    for path in (store.cache / "shared").iterdir():
        path.write_bytes(index)
    second = store.put(content("b", x=LARGE))
    store.check(second.ref, second.manifest)
    assert (store.folder(second.ref) / "x").samefile(store.folder(first.ref) / "x")


def test_an_artifact_with_the_same_large_file_twice_is_sound(store: Store) -> None:
    output = store.put(content("a", one=LARGE, two=LARGE))
    store.check(output.ref, output.manifest)


def test_the_cache_may_be_deleted(twins: tuple[Path, Path], store: Store) -> None:
    shutil.rmtree(store.cache)
    assert store.put(replace(content("a", x_test=LARGE, y_test=b"a"))).ref.digest == "sha256:" + "a" * 64
    assert [problem for problem in verify(store).problems if "altered" in problem["what"]] == []
