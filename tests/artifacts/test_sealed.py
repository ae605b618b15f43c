"""Sealed records notice every alteration; a record is written whole or not at all."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged
from artifacts.sealed import _text, seal, unseal, write_atomically

BODY = {"step": "pretrain", "seconds": 1.5, "names": ["T-shirt", "Größe"], "none": None}
SEALED = seal(BODY)


def test_what_was_sealed_comes_back() -> None:
    assert unseal(SEALED, "record") == BODY


@given(position=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_noticed(position: int, bit: int) -> None:
    altered = bytearray(SEALED)
    altered[position] ^= 1 << bit
    with pytest.raises(RecordDamaged, match="the record: "):
        unseal(bytes(altered), "the record")


@given(length=st.integers(0, len(SEALED) - 1))
def test_any_truncation_is_noticed(length: int) -> None:
    with pytest.raises(RecordDamaged):
        unseal(SEALED[:length], "record")


@given(position=st.integers(0, len(SEALED)), added=st.sampled_from([b" ", b"\n", b"0", b"\x00"]))
def test_any_added_byte_is_noticed_even_where_json_would_not_mind(position: int, added: bytes) -> None:
    with pytest.raises(RecordDamaged):
        unseal(SEALED[:position] + added + SEALED[position:], "record")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"7", b"{}", b'{"checksum": 1}', b"\xff\xfe", b"[" * 9000])
def test_what_is_no_sealed_record_is_refused_as_one(content: bytes) -> None:
    with pytest.raises(RecordDamaged):
        unseal(content, "record")


def test_a_record_of_another_format_is_refused_by_name() -> None:
    body = {**BODY, "format": 2}
    with pytest.raises(RecordDamaged, match="another version of graft"):
        unseal(_text({**body, "checksum": digest_json(body)}), "record")


def test_a_folder_in_a_records_place_is_moved_aside(tmp_path: Path) -> None:
    (tmp_path / "record" / "inside").mkdir(parents=True)
    write_atomically(tmp_path / "record", b"text", tmp_path / "scratch")
    assert (tmp_path / "record").read_bytes() == b"text"
    assert len(list((tmp_path / "scratch").glob("damaged-*/inside"))) == 1


def test_readers_see_one_whole_record_or_the_other(tmp_path: Path) -> None:
    path, contents = tmp_path / "record", [letter * 200_000 for letter in (b"a", b"b")]
    write_atomically(path, contents[0], tmp_path / "scratch")
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(100):
        write_atomically(path, contents[number % 2], tmp_path / "scratch")
    done.set()
    reader.join()
    assert seen <= set(contents)
    assert list((tmp_path / "scratch").iterdir()) == []
