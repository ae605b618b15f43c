"""Manifests and executions: what an artifact is, what happened; each refuses to be taken for another."""

from pathlib import Path

import pytest

from artifacts.digest import digest_bytes
from artifacts.errors import RecordDamaged
from artifacts.executions import Execution, Output
from artifacts.manifest import MANIFEST, Manifest, describe
from artifacts.refs import KINDS, HistoryRef, ModelRef, Ref, ref_from_json

IDENTITY = {"step": "pretrain", "parameters": {"epochs": 2}, "seed": 7}
OUTPUTS = {
    "model": Output(ModelRef("sha256:aa"), "sha256:01"),
    "history": Output(HistoryRef("sha256:bb"), "sha256:02"),
}


def test_a_manifest_names_every_file_with_hash_and_size_but_itself(tmp_path: Path) -> None:
    (tmp_path / "b.npy").write_bytes(b"bb")
    (tmp_path / "a.npy").write_bytes(b"")
    (tmp_path / MANIFEST).write_bytes(b"an older one")
    manifest = describe(tmp_path, "dataset", "sha256:00", {"classes": 2})
    assert {name: (entry.sha256, entry.size) for name, entry in manifest.files.items()} == {
        "a.npy": (digest_bytes(b""), 0),
        "b.npy": (digest_bytes(b"bb"), 2),
    }
    assert Manifest.from_bytes(manifest.to_bytes(), "manifest") == manifest


def test_an_execution_comes_back_with_its_outputs_in_order() -> None:
    execution = Execution(IDENTITY, OUTPUTS, 1.25, {"host": "none"})
    again = Execution.from_bytes(execution.to_bytes(), execution.key)
    assert again == execution
    assert list(again.outputs) == ["model", "history"]  # the main one first, whatever sorts first


def test_the_seconds_are_no_part_of_the_key() -> None:
    assert Execution(IDENTITY, OUTPUTS, 1.0, {}).key == Execution(IDENTITY, {}, 2.0, {"x": 1}).key


def test_the_record_of_another_key_is_refused() -> None:
    execution = Execution(IDENTITY, OUTPUTS, 1.0, {})
    other = Execution({**IDENTITY, "seed": 8}, OUTPUTS, 1.0, {})
    with pytest.raises(RecordDamaged, match="the record of another key"):
        Execution.from_bytes(execution.to_bytes(), other.key)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reference_comes_back_from_json_with_its_kind(kind: str) -> None:
    ref = KINDS[kind]("sha256:00")
    assert ref_from_json(ref.to_json()) == ref
    assert isinstance(ref, Ref)


@pytest.mark.parametrize(
    "value", [{}, {"kind": "modle", "digest": "x"}, {"kind": "model"}, {"kind": [], "digest": "x"}]
)
def test_what_is_no_reference_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="Expected a reference with a kind of pictures, dataset, inspection, model"):
        ref_from_json(value)


def test_references_of_two_kinds_are_never_equal() -> None:
    assert ModelRef("sha256:00") != HistoryRef("sha256:00")
