"""Prefect's record of a step's result, as text: written through `caching.py`, judged here without importing Prefect."""

import json
from pathlib import PurePath

from artifacts.digest import canonical_json, digest_json
from artifacts.executions import Execution
from artifacts.refs import StepResult
from artifacts.store import Store

# What Prefect writes of `caching.RefSerializer` into a record; of another one it would not be ours to believe.
SERIALIZER = {"type": "graft-ref"}


def record_name(key: str) -> str:
    """The name of Prefect's record for `key` under the store's `cache/prefect`."""
    return key.removeprefix("sha256:")


def result_text(result: StepResult) -> bytes:
    """The one form in which a result stands in Prefect's record."""
    outputs = [[name, ref.to_json()] for name, ref in result.outputs.items()]
    body = {"key": result.key, "outputs": outputs}
    return canonical_json({**body, "checksum": digest_json(body)})


def has_record(store: Store, execution: Execution) -> bool:
    """Whether Prefect's record for this execution is there and is, to the byte, one that Prefect writes of it.

    Two things in it are believed by nobody and may be anything: the folder that it was written to, since a store may
    be moved, and Prefect's version of then.
    """
    name = record_name(execution.key)
    result = result_text(StepResult(execution.key, execution.refs())).decode()
    try:
        content = (store.prefect / name).read_bytes().decode("utf-8")
        record = json.loads(content)
        written_to, by = (str(record["metadata"][part]) for part in ("storage_key", "prefect_version"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
    metadata = {"storage_key": written_to, "expiration": None, "serializer": SERIALIZER, "prefect_version": by}
    expected = {"metadata": {**metadata, "storage_block_id": None}, "result": result}
    whole = json.dumps(expected, ensure_ascii=False, separators=(",", ":"))
    return PurePath(written_to).name == name and content == whole
