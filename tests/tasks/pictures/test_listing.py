"""The pictures of a folder or table: known by content, read once, and what changes their digest."""

import os
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from artifacts.errors import DataError
from artifacts.store import Store
from tasks import progress
from tasks.fingerprint import Fingerprint
from tasks.pictures import remembered
from tasks.pictures.listing import LISTINGS, Listing, listing
from tests.tasks.pictures.folders import fill, put


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are opened, in no order. Files count as settled at once."""
    opened: list[str] = []
    before = remembered._read

    def note(path: str) -> Any:
        opened.append(Path(path).name)
        return before(path)

    monkeypatch.setattr(remembered, "_read", note)
    monkeypatch.setattr(remembered, "SETTLED_SECONDS", -1.0)
    return opened


def look(root: Path, store: Store, dataset: str = "folder") -> Listing:
    return listing(dataset, root, store, "load_data.target")


def test_an_unchanged_folder_is_not_read_again(tmp_path: Path, store: Store, read: list[str]) -> None:
    first = look(fill(tmp_path / "photos"), store)
    assert len(read) == 36
    read.clear()
    second = look(tmp_path / "photos", store)
    assert read == []
    assert (second.pictures, second.digest) == (first.pictures, first.digest)


def test_a_new_file_is_the_only_one_that_is_read(tmp_path: Path, store: Store, read: list[str]) -> None:
    first = look(fill(tmp_path / "photos"), store)
    read.clear()
    put(tmp_path / "photos" / "train" / "red" / "new.png", 99)
    second = look(tmp_path / "photos", store)
    assert read == ["new.png"]
    assert second.digest != first.digest


def test_touching_renaming_and_moving_change_nothing(tmp_path: Path, store: Store, read: list[str]) -> None:
    first = look(fill(tmp_path / "photos"), store)
    red = tmp_path / "photos" / "train" / "red"
    os.utime(red / "0.png", (1, 1))
    (red / "1.png").rename(red / "other.png")
    (red / "deep").mkdir()
    (red / "2.png").rename(red / "deep" / "2.png")
    assert look(tmp_path / "photos", store).digest == first.digest
    shutil.move(tmp_path / "photos", tmp_path / "elsewhere")
    assert look(tmp_path / "elsewhere", store).digest == first.digest


def test_litter_changes_nothing_and_is_counted(tmp_path: Path, store: Store) -> None:
    first = look(fill(tmp_path / "photos"), store)
    (tmp_path / "photos" / "train" / "red" / "notes.txt").write_text("of no use")
    (tmp_path / "photos" / "train" / "red" / "Thumbs.db").write_bytes(b"\0")
    second = look(tmp_path / "photos", store)
    assert second.digest == first.digest
    assert second.skipped == {"no pictures": 1, "hidden, or a system's own": 1}


@pytest.mark.parametrize("change", ["content", "class", "part", "copy", "gone", "empty class"])
def test_what_changes_the_data_changes_the_digest(tmp_path: Path, store: Store, change: str) -> None:
    first = look(fill(tmp_path / "photos"), store)
    train = tmp_path / "photos" / "train"
    if change == "content":
        put(train / "red" / "0.png", 77)
    elif change == "class":
        (train / "red" / "0.png").rename(train / "blue" / "00.png")
    elif change == "part":
        (train / "red" / "0.png").rename(tmp_path / "photos" / "test" / "red" / "00.png")
    elif change == "copy":
        shutil.copy(train / "red" / "0.png", train / "red" / "00.png")
    elif change == "gone":
        (train / "red" / "0.png").unlink()
    else:
        (train / "yellow").mkdir()
    assert look(tmp_path / "photos", store).digest != first.digest


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_seen(
    tmp_path: Path, store: Store, read: list[str]
) -> None:
    file = fill(tmp_path / "photos") / "train" / "red" / "0.png"
    first, before = look(tmp_path / "photos", store), file.stat()
    content = bytearray(file.read_bytes())
    content[-20] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert look(tmp_path / "photos", store).digest != first.digest  # its change time tells


def test_what_changed_a_moment_ago_is_read_again(tmp_path: Path, store: Store, read: list[str]) -> None:
    remembered.SETTLED_SECONDS = 3600.0  # put back by the fixture's monkeypatch
    look(fill(tmp_path / "photos", count=1), store)
    read.clear()
    look(tmp_path / "photos", store)
    assert len(read) == 6


@pytest.mark.parametrize("damage", [b"", b"x", b"0" * 64 + b"\n{}"])
def test_a_damaged_memory_costs_time_and_never_truth(
    tmp_path: Path, store: Store, read: list[str], damage: bytes
) -> None:
    first = look(fill(tmp_path / "photos"), store)
    (record,) = (store.cache / LISTINGS).iterdir()
    record.write_bytes(damage)
    read.clear()
    assert look(tmp_path / "photos", store).digest == first.digest
    assert len(read) == 36


def test_a_remembered_hash_that_was_altered_is_not_believed(tmp_path: Path, store: Store, read: list[str]) -> None:
    first = look(fill(tmp_path / "photos"), store)
    (record,) = (store.cache / LISTINGS).iterdir()
    wanted = first.pictures[0].sha256.encode()
    record.write_bytes(record.read_bytes().replace(wanted, b"0" * 64))
    assert look(tmp_path / "photos", store).digest == first.digest


def test_numbered_classes_are_in_the_order_of_their_numbers(tmp_path: Path, store: Store) -> None:
    fill(tmp_path / "photos", [""], 1, [str(number) for number in range(1, 12)])
    assert look(tmp_path / "photos", store).classes == tuple(str(number) for number in range(1, 12))


def test_the_reading_is_told(tmp_path: Path, store: Store) -> None:
    told: list[Any] = []
    with progress.listening(told.append):
        look(fill(tmp_path / "photos"), store)
    assert [(news.step, news.doing) for news in told] == [("load_data.target", "read")] * len(told)
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 36, 36)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "photos", count=1)

    def refuse(path: str, *_: Any) -> Any:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(remembered, "open", refuse, raising=False)
    with pytest.raises(DataError, match=r"\.png: expected a file that can be read, but Permission denied\. Change its"):
        look(tmp_path / "photos", store)


def test_a_folder_without_classes_is_refused(tmp_path: Path, store: Store) -> None:
    put(tmp_path / "photos" / "1.png", 1)
    with pytest.raises(DataError, match="expected a folder for each class"):
        look(tmp_path / "photos", store)


def test_fifty_thousand_files_are_known_without_reading_one(tmp_path: Path, store: Store, read: list[str]) -> None:
    """The size of the record and the pass over it, with stand-ins of a few bytes for pictures.

    How long it may take is said beside a plain look at the same files: machines differ, and are busy.
    """
    root = tmp_path / "photos"
    for name in range(10):
        (root / f"class{name}").mkdir(parents=True)
        for number in range(5_000):
            (root / f"class{name}" / f"{number}.jpg").write_bytes(b"\xff\xd8\xff%d/%d" % (name, number))
    first = look(root, store)
    read.clear()
    plain, ours = [], []
    for _ in range(3):
        began = time.process_time()
        assert len([path.stat().st_mtime_ns for path in root.rglob("*.jpg")]) == 50_000
        between = time.process_time()
        assert look(root, store).digest == first.digest
        plain.append(between - began)
        ours.append(time.process_time() - between)
    assert len(first.pictures) == 50_000
    assert not read
    ratio = statistics.median(ours) / statistics.median(plain)
    assert ratio < 3, f"{ours} s of work to find 50,000 files unchanged, {plain} s to look at them"


def test_another_pillow_reads_the_headers_anew(
    tmp_path: Path, store: Store, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    look(fill(tmp_path / "photos"), store)
    read.clear()
    before = remembered.fingerprint("decode")
    newer = Fingerprint(before.files, {**before.versions, "PIL": "99.0"})
    monkeypatch.setattr(remembered, "fingerprint", lambda _: newer)
    look(tmp_path / "photos", store)
    assert len(read) == 36
