"""File hashes are remembered only while the file is provably the same."""

import os
import time
from pathlib import Path

import pytest

from artifacts import remembered
from artifacts.digest import digest_bytes
from artifacts.remembered import SMALL_BYTES, Readings, file_sha256


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A file that is worth remembering, at rest for long enough."""
    path = tmp_path / "large.npy"
    path.write_bytes(b"x" * (SMALL_BYTES + 1))
    return path


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of remembered hashes; files count as settled at once."""
    monkeypatch.setattr(remembered, "SETTLED_SECONDS", -1.0)
    return tmp_path / "cache" / "hashes"


def read_counter(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that are read whole from now on."""
    read: list[Path] = []
    real = remembered.digest_file
    monkeypatch.setattr(remembered, "digest_file", lambda path: read.append(path) or real(path))
    return read


def test_a_file_at_rest_is_read_once(large: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_counter(monkeypatch)
    assert file_sha256(large, memory) == file_sha256(large, memory) == digest_bytes(large.read_bytes())
    assert read == [large]


def test_a_small_file_is_read_each_time(tmp_path: Path, memory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = read_counter(monkeypatch)
    (tmp_path / "small").write_bytes(b"x")
    file_sha256(tmp_path / "small", memory)
    file_sha256(tmp_path / "small", memory)
    assert len(read) == 2
    assert not memory.exists()


def test_a_file_altered_in_place_with_its_size_and_time_restored_is_noticed(large: Path, memory: Path) -> None:
    before = file_sha256(large, memory)
    status = large.stat()
    with large.open("r+b") as file:
        file.write(b"y")
    os.utime(large, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file_sha256(large, memory) != before


def test_another_file_moved_to_its_place_is_noticed(large: Path, memory: Path, tmp_path: Path) -> None:
    before = file_sha256(large, memory)
    status = large.stat()
    other = tmp_path / "other"
    other.write_bytes(b"z" * status.st_size)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(other, large)
    assert file_sha256(large, memory) != before


def test_a_file_that_changed_just_now_is_not_remembered_yet(large: Path, tmp_path: Path) -> None:
    file_sha256(large, tmp_path / "memory")
    assert not (tmp_path / "memory").exists()


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff"])
def test_a_damaged_memory_costs_time_never_truth(large: Path, memory: Path, damage: bytes) -> None:
    expected = file_sha256(large, memory)
    for record in memory.iterdir():
        record.write_bytes(damage)
    assert file_sha256(large, memory) == expected


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path, memory: Path) -> None:
    with pytest.raises(OSError):
        file_sha256(tmp_path / "nowhere", memory)


def test_what_was_made_of_a_file_is_made_anew_only_when_it_changed(large: Path) -> None:
    readings, made = Readings[bytes](), []

    def make(content: bytes) -> bytes:
        made.append(content)
        return content[:1]

    time.sleep(2 * remembered.SETTLED_SECONDS)
    first = [readings.read(large, make) for _ in range(3)]
    assert len(made) == 1 and len(set(first)) == 1
    before = large.stat()
    large.write_bytes(b"Z" + made[0][1:])
    os.utime(large, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [readings.read(large, make) for _ in range(2)] == [b"Z", b"Z"]
    assert len(made) == 3  # changed just now, it could change again within the clock's tick


def test_a_reading_that_failed_is_not_kept(large: Path) -> None:
    def fail(_content: bytes) -> bytes:
        raise ValueError("damaged")

    readings = Readings[bytes]()
    with pytest.raises(ValueError, match="damaged"):
        readings.read(large, fail)
    assert readings.read(large, len) == large.stat().st_size
