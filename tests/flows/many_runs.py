"""A store with many runs, made cheaply out of one."""

import json
from typing import Any

from artifacts.digest import digest_json
from artifacts.runs import RunRecord, Runs
from artifacts.sealed import seal
from artifacts.store import Store


def multiply(store: Store, total: int) -> None:
    """Give `store`, in which one run lies, the records that `total` runs with seeds of their own leave.

    They have one data set in common; all else was made anew each time. Of their artifacts there are only the names.
    """
    runs = Runs(store)
    record = runs.find("last")
    keys = [key for step, key in record.keys().items() if not step.startswith("load_data.")]
    texts = {key: store.execution_path(key).read_bytes() for key in keys}
    made = {output.ref.digest for key in keys for output in store.sound_execution(key).outputs.values()}
    for number in range(2, total + 1):
        runs.save(RunRecord(**{**vars(record), "id": f"{number:08x}-copy", "number": number}))
        for text in texts.values():
            for digest in made:
                text = text.replace(digest.encode(), digest_json([digest, number]).encode())
            body = _body(text)
            if body["identity"]["seed"] is not None:
                body["identity"]["seed"] += number
            body["key"] = digest_json(body["identity"])
            store.execution_path(body["key"]).write_bytes(seal(body))


def _body(text: bytes) -> dict[str, Any]:
    """The body of a record, whatever its checksum says."""
    body: dict[str, Any] = json.loads(text)
    return {name: value for name, value in body.items() if name not in ("checksum", "format")}
