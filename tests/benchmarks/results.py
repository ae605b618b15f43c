"""What a benchmark found, as values and as JSON: `results.json` keeps every section until it is measured again.

A comparison is two sides and a target for the ratio of their medians. Each side keeps its seconds one by one, so that
the spread can be seen, and a ratio is never rounded before it is judged.
"""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """What the ratio has to be; a comparison without one is for information.

    Attributes:
        at_least, aim: not below the first; the second is what we hope for.
        at_most, never_above: not above the first; between the two is a miss that can be borne.
    """

    at_least: float | None = None
    aim: float | None = None
    at_most: float | None = None
    never_above: float | None = None


@dataclass(frozen=True)
class Side:
    """One of the two things that are compared: what it is, and the seconds of each repeat in order."""

    label: str
    seconds: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


@dataclass(frozen=True)
class Comparison:
    """The median of `over` divided by that of `under`."""

    what: str
    over: Side
    under: Side
    target: Target = field(default_factory=Target)

    @property
    def ratio(self) -> float:
        return self.over.median / self.under.median

    def verdict(self) -> str:
        """`met`, `not met` and shades of them; a dash where there is no target."""
        target, ratio = self.target, self.ratio
        if target.at_least is not None:
            return "met" if ratio >= target.at_least else "not met"
        if target.at_most is None:
            return "–"
        if ratio <= target.at_most:
            return "met"
        borne = target.never_above is not None and ratio <= target.never_above
        return f"not met, but not above {target.never_above:g}" if borne else "not met"


@dataclass(frozen=True)
class Curve:
    """Seconds against a number, for one of the two small panels.

    Attributes:
        panel: `images` or `runs`, what the number counts.
        points: (number, median seconds).
    """

    panel: str
    label: str
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Findings:
    """What a section found.

    Attributes:
        notes: sentences for the reader: what else was seen, what a figure includes.
        skipped: why nothing was measured, or "".
        how: when, by which command, on which machine (`machine.circumstances`).
    """

    comparisons: Sequence[Comparison] = ()
    curves: Sequence[Curve] = ()
    notes: Sequence[str] = ()
    skipped: str = ""
    how: Mapping[str, Any] = field(default_factory=dict)


def load(path: Path) -> dict[str, Findings]:
    """Section → what it found when it was last measured; empty where there is no file."""
    if not path.exists():
        return {}
    return {name: _findings(body) for name, body in json.loads(path.read_text(encoding="utf-8")).items()}


def save(path: Path, found: Mapping[str, Findings]) -> None:
    """Write all sections."""
    text = json.dumps({name: asdict(each) for name, each in found.items()}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _findings(body: Mapping[str, Any]) -> Findings:
    return Findings(
        comparisons=[_comparison(each) for each in body["comparisons"]],
        curves=[
            Curve(each["panel"], each["label"], [tuple(point) for point in each["points"]]) for each in body["curves"]
        ],
        notes=body["notes"],
        skipped=body["skipped"],
        how=body["how"],
    )


def _comparison(body: Mapping[str, Any]) -> Comparison:
    return Comparison(body["what"], Side(**body["over"]), Side(**body["under"]), Target(**body["target"]))
