"""Bytes ↔ inspections: what was found in the data sets, as canonical JSON, and a contact sheet of each as PNG."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.digest import canonical_json, digest_arrays
from artifacts.store import Encoded

SHEETS = ("source", "target")


def encode_inspection(findings: Mapping[str, Any], sheets: Mapping[str, bytes]) -> Encoded:
    """An inspection.

    Args:
        findings: plain JSON values, as `tasks/pure/data/looks.py` makes them.
        sheets: PNG bytes for each of `SHEETS`, or for the target alone.
    """
    there = [name for name in SHEETS if name in sheets]

    def write(folder: Path) -> None:
        (folder / "inspection.json").write_bytes(canonical_json(findings))
        for name in there:
            (folder / f"{name}.png").write_bytes(sheets[name])

    arrays = {name: np.frombuffer(sheets[name], np.uint8) for name in there}
    return Encoded("inspection", digest_arrays(arrays, findings), {"problems": findings["problems"]}, write)


def read_inspection(folder: Path) -> dict[str, Any]:
    """The findings of a stored inspection."""
    findings: dict[str, Any] = json.loads((folder / "inspection.json").read_bytes())
    return findings


def read_sheets(folder: Path) -> dict[str, bytes]:
    """Its contact sheets by name."""
    return {name: file.read_bytes() for name in SHEETS if (file := folder / f"{name}.png").is_file()}


def derive_inspection(folder: Path) -> str:
    """The digest of a stored inspection, from its files."""
    return encode_inspection(read_inspection(folder), read_sheets(folder)).digest
