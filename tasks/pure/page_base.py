"""What a page says of a base that was taken in: what it is, where it came from, and under which licence."""

from collections.abc import Mapping
from typing import Any

KINDS = {
    "application": "from keras.applications",
    "file": "a file of one's own",
    "package": "from an installed package",
    "kerashub": "from KerasHub",
    "run": "the network of an earlier run",
}
UNKNOWN_LICENCE = "not known: ask where it came from before you pass it on"


def base_rows(taken_in: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(name, value) rows; none where the base was trained here.

    Args:
        taken_in: what `TakenIn.about` said, and `called` (what people call it), `trained` (whether `pretrain` went on
            training it).
    """
    if not taken_in:
        return []
    kind, called = str(taken_in.get("kind", "")), str(taken_in.get("called") or taken_in.get("name"))
    further = "trained further on the source task" if taken_in.get("trained") else "taken in as it is, not trained here"
    rows = [
        ("Network", ", ".join(filter(None, [called, KINDS.get(kind, kind)]))),
        ("Training", further),
        ("Weights", taken_in.get("weights")),
        ("From", taken_in.get("origin")),
        ("Licence", taken_in.get("licence") or UNKNOWN_LICENCE),
        ("Parameters", _count(taken_in.get("parameters"))),
        ("Pictures it takes", _size(taken_in.get("input_size"))),
        ("Classes it knew", _classes(taken_in.get("classes"))),
        ("Head, left out", _head(taken_in.get("head"))),
    ]
    return [(name, str(value)) for name, value in rows if value]


def _count(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _size(value: Any) -> str:
    """[96, 96] → "96 × 96 pixels"; 96 means the same."""
    sides = [value, value] if isinstance(value, int) else list(value or [])[:2]
    return f"{' × '.join(str(side) for side in sides)} pixels" if sides else ""


def _classes(value: Any) -> str:
    return f"{value if isinstance(value, int) else len(value):,}" if value else ""


def _head(value: Any) -> str:
    """Names of layers, or a mapping with `layers` (and `classes`, their number)."""
    layers = value.get("layers") if isinstance(value, Mapping) else value
    return layers if isinstance(layers, str) else ", ".join(str(layer) for layer in layers or [])
