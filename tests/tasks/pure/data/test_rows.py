"""Rows of a file: what an array would give, and no more of it in memory than was asked for."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pure.data import rows
from tasks.pure.data.rows import Rows, blocks, chosen, lazily

COUNT = 23


@pytest.fixture
def plain() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (COUNT, 4, 3, 2), np.uint8)


@pytest.fixture
def mapped(plain: np.ndarray, tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "x.npy", plain)
    array: np.ndarray = np.load(tmp_path / "x.npy", mmap_mode="r")
    return array


def resident_file_bytes() -> int:
    return int(Path("/proc/self/status").read_text().split("RssFile:")[1].split()[0]) * 1024


@pytest.mark.parametrize(
    "wanted",
    [
        3,
        -1,
        np.int64(5),
        slice(None),
        slice(5, 9),
        slice(-4, None),
        slice(20, 3, -3),
        slice(50, 60),
        [4, 0, 4, -2],
        np.array([], int),
        np.arange(COUNT) % 3 == 0,
    ],
    ids=str,
)
@pytest.mark.parametrize("places", [None, np.random.default_rng(1).permutation(COUNT)], ids=["all", "chosen"])
def test_rows_are_those_of_the_array(
    wanted: Any, places: np.ndarray | None, plain: np.ndarray, mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = plain if places is None else plain[places]
    for touched in (rows.TOUCHED_BYTES, 1):  # in one piece, and row by row
        monkeypatch.setattr(rows, "TOUCHED_BYTES", touched)
        found = Rows(mapped, places)[wanted]
        assert type(found) is np.ndarray and found.flags.writeable
        np.testing.assert_array_equal(found, expected[wanted])


def test_they_look_like_an_array(plain: np.ndarray, mapped: np.ndarray) -> None:
    taken = Rows(mapped).take(np.array([7, 2, 9])).take(np.array([True, False, True]))
    assert (len(taken), taken.shape, taken.ndim, taken.dtype) == (2, (2, 4, 3, 2), 4, np.uint8)
    assert taken.nbytes == plain[[7, 9]].nbytes
    np.testing.assert_array_equal(np.asarray(taken), plain[[7, 9]])
    np.testing.assert_array_equal(np.stack(list(taken)), plain[[7, 9]])


@pytest.mark.parametrize("wanted", [COUNT, -COUNT - 1, [0, COUNT], (0, 1), np.ones(COUNT + 1, bool)], ids=str)
def test_what_is_not_there_is_an_error(wanted: Any, mapped: np.ndarray) -> None:
    for each in (Rows(mapped), Rows(mapped, np.arange(COUNT))):
        with pytest.raises(IndexError):
            each[wanted]


@given(st.integers(0, 40), st.integers(1, 200))
def test_blocks_are_the_rows_in_order_and_none_is_larger_than_asked(count: int, size: int) -> None:
    array = np.arange(count * 6, dtype=np.float32).reshape(count, 3, 2)
    pieces = list(blocks(array, size))
    assert all(len(piece) == 1 or 0 < piece.nbytes <= size for piece in pieces)
    np.testing.assert_array_equal(np.concatenate([array[:0], *pieces]), array)


def test_few_rows_of_a_file_become_an_array_and_many_stay_there(
    plain: np.ndarray, mapped: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = np.array([9, 3, 4])
    few = chosen(mapped, places)
    monkeypatch.setattr(rows, "HELD_BYTES", 2 * plain[0].nbytes)
    many = chosen(mapped, places)
    assert type(few) is np.ndarray and isinstance(many, Rows)
    for found in (few, many[:], chosen(plain, places)):
        np.testing.assert_array_equal(found, plain[places])
    assert lazily(plain) is plain and isinstance(lazily(mapped), Rows)


def test_a_pass_over_a_file_leaves_none_of_it_in_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((64, 2**20), np.uint8))
    array = np.load(tmp_path / "x.npy", mmap_mode="r")
    before, most = resident_file_bytes(), 0
    for read in (lambda at: Rows(array)[at : at + 4], lambda at: Rows(array)[[63 - at, at]]):
        for at in range(0, 64, 4):
            read(at)
            most = max(most, resident_file_bytes() - before)
    assert most < 8 * 2**20
    int(array.sum())
    assert resident_file_bytes() - before > 48 * 2**20, "the pages of a map do count"


def test_what_was_written_to_a_private_map_is_not_lost(plain: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", plain)
    private = np.load(tmp_path / "x.npy", mmap_mode="c")
    private[3] = 7
    assert (Rows(private)[2:4][1] == 7).all() and (private[3] == 7).all()
