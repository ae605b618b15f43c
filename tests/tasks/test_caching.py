"""Prefect's cache carries graft's: a record is believed only while everything behind it is sound."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts.array_codecs import DATASET_PARTS, encode_dataset
from artifacts.errors import ArtifactDamaged, ArtifactMissing, RecordDamaged
from artifacts.executions import Execution
from artifacts.refs import StepResult
from artifacts.store import Store
from tasks.cache_records import has_record, record_name, result_text
from tasks.caching import RefSerializer


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "store"))
    return Store()


@pytest.fixture
def execution(store: Store) -> Execution:
    """An execution in the store, with one artifact."""
    part = np.zeros((1, 2, 2, 1), np.uint8), np.zeros(1, np.int64)
    output = store.put(encode_dataset(dict.fromkeys(DATASET_PARTS, part), ["cat", "dog"]))
    execution = Execution({"step": "load_data.source"}, {"dataset": output}, 0.1, {})
    store.record(execution)
    return execution


@pytest.fixture
def written(execution: Execution) -> bytes:
    return RefSerializer().dumps(StepResult(execution.key, execution.refs()))


def test_a_result_comes_back_as_references(written: bytes, execution: Execution) -> None:
    assert RefSerializer().loads(written) == StepResult(execution.key, execution.refs())
    assert "zeros" not in written.decode()


def test_a_record_is_not_believed_once_an_array_was_altered(written: bytes, store: Store) -> None:
    for path in store.artifacts.glob("**/x_train.npy"):
        path.write_bytes(b"altered")
    with pytest.raises(ArtifactDamaged):
        RefSerializer().loads(written)


def test_a_record_is_not_believed_once_its_execution_is_gone(
    written: bytes, execution: Execution, store: Store
) -> None:
    store.execution_path(execution.key).unlink()
    with pytest.raises(ArtifactMissing):
        RefSerializer().loads(written)


def test_a_record_that_says_something_else_is_not_believed(written: bytes) -> None:
    body = json.loads(written)
    body["outputs"][0][1]["digest"] = "sha256:" + "0" * 64
    with pytest.raises(RecordDamaged, match="not the one that was written"):
        RefSerializer().loads(json.dumps(body).encode())


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("exploded"),)  # type: ignore[return-value]


@pytest.mark.parametrize("blob", [b"", b"null", b"[]", b"{}", pickle.dumps(Bomb()), b'{"__class__": "os.system"}'])
def test_what_graft_did_not_write_is_not_believed_nor_run(
    blob: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, KeyError, TypeError)):
        RefSerializer().loads(blob)
    assert not (tmp_path / "exploded").exists()


def record(execution: Execution, metadata: object = None, **changed: object) -> str:
    """Prefect's record as Prefect 3.8 writes it, with changes to its metadata."""
    sound = {
        "storage_key": f"/elsewhere/store/cache/prefect/{record_name(execution.key)}",
        "expiration": None,
        "serializer": {"type": "graft-ref"},
        "prefect_version": "3.8.8",
        "storage_block_id": None,
    }
    text = result_text(StepResult(execution.key, execution.refs())).decode()
    whole = {"metadata": metadata if metadata is not None else {**sound, **changed}, "result": text}
    return json.dumps(whole, separators=(",", ":"))


@pytest.fixture
def path(store: Store, execution: Execution) -> Path:
    store.prefect.mkdir(parents=True)
    return store.prefect / record_name(execution.key)


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[" * 9000, b'{"result": "other"}'])
def test_plan_sees_a_missing_or_damaged_record_without_prefect(
    store: Store, execution: Execution, path: Path, content: bytes | None
) -> None:
    path.write_text(record(execution))
    assert has_record(store, execution)
    path.unlink() if content is None else path.write_bytes(content)
    assert not has_record(store, execution)


@pytest.mark.parametrize(
    "changed",
    [
        {"metadata": {}},
        {"metadata": []},
        {"expiration": "2020-01-01T00:00:00Z"},
        {"serializer": {"type": "pickle"}},
        {"storage_block_id": "6b2d1a52-5c2e-4ea3-8e5e-0a1e2cbd6f2b"},
        {"storage_key": "/elsewhere/store/cache/prefect/other"},
        {"more": None},
    ],
)
def test_plan_believes_no_record_that_prefect_would_not_take_or_would_read_otherwise(
    store: Store, execution: Execution, path: Path, changed: dict[str, Any]
) -> None:
    path.write_text(record(execution, **changed))
    assert not has_record(store, execution)


@pytest.mark.parametrize("after", [" ", "\n", "{}"])
def test_plan_believes_no_record_with_bytes_after_its_end(
    store: Store, execution: Execution, path: Path, after: str
) -> None:
    path.write_text(record(execution) + after)
    assert not has_record(store, execution)
