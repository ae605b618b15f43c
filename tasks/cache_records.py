"""Prefect's record of a step's result, as text: written through `caching.py`, judged here without importing Prefect."""

import json

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
    """Whether Prefect's record for this execution is there and says what the execution says."""
    try:
        record = json.loads((store.prefect / record_name(execution.key)).read_bytes())
        believed = record["metadata"]["expiration"] is None and record["metadata"]["serializer"] == SERIALIZER
        return bool(believed and record["result"] == result_text(StepResult(execution.key, execution.refs())).decode())
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False
