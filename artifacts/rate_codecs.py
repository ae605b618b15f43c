"""Bytes ↔ searches for a learning rate: the curve as canonical JSON, and its picture as PNG."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.digest import canonical_json, digest_arrays
from artifacts.store import Encoded


def encode_rates(curve: Mapping[str, Any], picture: bytes) -> Encoded:
    """A search.

    Args:
        curve: `rates`, `losses`, `averaged`, an entry an update, and `suggested`: plain JSON values.
        picture: PNG bytes.
    """

    def write(folder: Path) -> None:
        (folder / "rates.json").write_bytes(canonical_json(curve))
        (folder / "rates.png").write_bytes(picture)

    digest = digest_arrays({"picture": np.frombuffer(picture, np.uint8)}, curve)
    return Encoded("rates", digest, {"suggested": curve["suggested"], "updates": len(curve["rates"])}, write)


def read_rates(folder: Path) -> dict[str, Any]:
    """The stored curve."""
    curve: dict[str, Any] = json.loads((folder / "rates.json").read_bytes())
    return curve


def read_rate_picture(folder: Path) -> bytes:
    """Its picture, PNG bytes."""
    return (folder / "rates.png").read_bytes()


def derive_rates(folder: Path) -> str:
    """The digest of a stored search, from its files."""
    return encode_rates(read_rates(folder), read_rate_picture(folder)).digest
