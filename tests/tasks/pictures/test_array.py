"""The array that pictures are decoded into."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from artifacts.errors import DataError
from tasks.pictures.array import Array
from tasks.pure.data.decoding import Decoding


def of(side: int, scratch: Path) -> Array:
    return Array(scratch, 30, Decoding(size=(side, side), fit="pad", channels=3))


def free(monkeypatch: pytest.MonkeyPatch, num_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=num_bytes))


def test_what_the_disk_has_no_room_for_is_refused_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free(monkeypatch, 10**9)
    said = r"30 pictures of 65,535 × 65,535 pixels × 3 bytes are 386\.5 GB, .* 1\.0 GB are free.*`image_size`"
    with pytest.raises(DataError, match=said), of(65_535, tmp_path):
        pytest.fail("entered")
    assert list(tmp_path.iterdir()) == []


def test_what_just_has_room_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 30 * 8 * 8 * 3)
    with of(8, tmp_path) as array:
        assert array.path.is_file()
    with pytest.raises(DataError), of(9, tmp_path):
        pytest.fail("entered")
