"""JSON records that notice when they were altered.

A sealed record is one JSON object with a format version and a checksum of everything else in it. It is written in one
form only, and reading compares the bytes with that form: a changed digit, a lost line, even an added space is damage.
"""

import json
import os
import uuid
from pathlib import Path
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import RecordDamaged

FORMAT = 1


def seal(body: dict[str, Any]) -> bytes:
    """The bytes of a record: `body` with `format` and `checksum` added, indented for people who look."""
    versioned = {**body, "format": FORMAT}
    return _text({**versioned, "checksum": digest_json(versioned)})


def unseal(content: bytes, name: str) -> dict[str, Any]:
    """The body of a sealed record.

    Raises:
        RecordDamaged: `content` is not exactly what `seal` wrote, or is of a format that this graft cannot read.
    """
    try:
        record = json.loads(content.decode("utf-8"))
        checksum = record.pop("checksum")
        intact = checksum == digest_json(record) and content == _text({**record, "checksum": checksum})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise RecordDamaged(f"{name}: expected a sealed JSON record, found something else ({problem}).") from None
    if not intact:
        raise RecordDamaged(f"{name}: its checksum is not that of its content: it was altered after it was written.")
    if record.pop("format") != FORMAT:
        raise RecordDamaged(f"{name}: expected format {FORMAT}: it was written by another version of graft.")
    return record


def write_atomically(path: Path, content: bytes, scratch: Path) -> None:
    """Write to a unique temporary file under `scratch` (same file system), then rename: readers see all or nothing."""
    scratch.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = scratch / uuid.uuid4().hex
    temporary.write_bytes(content)
    if path.is_dir():  # damage of a rare sort; a folder is not replaced by a file
        os.replace(path, scratch / f"damaged-{uuid.uuid4().hex}")
    os.replace(temporary, path)


def _text(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")
