"""What a page says of the data, as plain strings: the section of every report, and the page of `graft data`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.pure.data.problems import named
from tasks.pure.data.problems import problems as problems_of

ROLES = ("target", "source")
_MOST_CLASSES, _AT_EITHER_END = 12, 3
_MOST_FILES = 10
_PARTS = ("train", "validation", "gate", "test")
_WITHIN = "within {} (no leak)"


@dataclass(frozen=True)
class DataSet:
    """What is said of one data set.

    Attributes:
        role: `target` or `source`.
        headers, counts: of the table of pictures by class and part.
        note: which classes the table leaves out; "" where it has all.
        facts: (name, value) rows: size, colours, pixels, brightness, files.
        sheet: name of its contact sheet among the page's pictures.
    """

    role: str
    headers: list[str]
    counts: list[list[str]]
    note: str
    facts: list[tuple[str, str]]
    sheet: str


def alone(found: Mapping[str, Any]) -> dict[str, Any]:
    """An inspection of data without a source: all that is about one is left out."""
    duplicates = {
        kind: {pair: count for pair, count in counts.items() if not pair.startswith("source ")}
        for kind, counts in found["duplicates"].items()
    }
    kept = {name: value for name, value in found.items() if name != "source"}
    told = problems_of({**kept, "duplicates": duplicates})
    examples = [each for each in found["examples"] if not each["pair"].startswith("source ")]
    return {**kept, "duplicates": duplicates, "examples": examples, "problems": told}


def parts(found: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Part → class → count of one data set, in the order in which people name them."""
    names, counts = found["class_names"], found["parts"]
    return {part: {name: counts[part][name] for name in names} for part in _PARTS if part in counts}


def data_sets(data: Mapping[str, Any]) -> list[DataSet]:
    """The data sets of a page's `data`: `inspection` as `looks.findings` makes it, `pictures` (role → the facts of a
    folder of pictures, or None), `dropped` (`exact`, `near`: what `duplicates: drop` left out, or None)."""
    found = data.get("inspection")
    if not found:
        return []
    return [
        _data_set(role, found[role], (data.get("pictures") or {}).get(role) or {}) for role in ROLES if role in found
    ]


def problems(data: Mapping[str, Any]) -> list[str]:
    """Every problem as a sentence, those of the files last."""
    found = data.get("inspection") or {}
    files = [sentence for role in ROLES for sentence in file_problems((data.get("pictures") or {}).get(role) or {})]
    told = problems_of(found, data.get("names")) if found else []
    return [*told, *dict.fromkeys(files)]  # one folder may be both, source and target


def file_problems(pictures: Mapping[str, Any]) -> list[str]:
    """What a folder's facts say of files that could not be used."""
    damaged = pictures.get("damaged") or []
    if not damaged:
        return []
    shown = "; ".join(each["problem"].rstrip(".") for each in damaged[:_MOST_FILES])
    count = pictures.get("num_damaged", len(damaged))
    more = f"; and {count - _MOST_FILES:,} more" if count > _MOST_FILES else ""
    return [f"Damaged pictures, left out ({count:,}): {shown}{more}."]


def duplicate_rows(data: Mapping[str, Any]) -> list[list[str]]:
    """Pair of parts, exact copies, near copies; pairs without any are left out. What is within a part comes last."""
    counts = (data.get("inspection") or {}).get("duplicates") or {"exact": {}, "near": {}}
    exact, near = counts["exact"], counts["near"]
    rows = [[_pair(pair), f"{exact[pair]:,}", f"{near.get(pair, 0):,}"] for pair in exact if not _is_within(pair)]
    within = [[_pair(pair), f"{exact[pair]:,}", "not looked for"] for pair in exact if _is_within(pair)]
    return [row for row in [*rows, *within] if row[1] != "0" or row[2] not in ("0", "not looked for")]


def duplicates_note(data: Mapping[str, Any]) -> str:
    """What the table of duplicates means, or that there are none; and what was dropped."""
    dropped = data.get("dropped") or {}
    left_out = ""
    if dropped.get("exact") or dropped.get("near"):
        left_out = (
            f" `duplicates: drop` left {dropped['exact']:,} exact and {dropped['near']:,} near copies of test pictures "
            "out of the training part."
        )
    if not duplicate_rows(data):
        return "No picture lies in two parts, neither exactly nor nearly." + left_out
    return (
        "How many pictures of the one part lie in the other too: with equal pixels, or nearly the same (encoded again, "
        "resized, a little brighter)." + left_out
    )


def _data_set(role: str, found: Mapping[str, Any], pictures: Mapping[str, Any]) -> DataSet:
    there = list(parts(found))
    headers, counts, note = _counts(found, there)
    return DataSet(role, headers, counts, note, _facts(found, there, pictures), f"data_{role}")


def _counts(found: Mapping[str, Any], parts: Sequence[str]) -> tuple[list[str], list[list[str]], str]:
    names = list(found["class_names"])
    shown, note = names, ""
    if len(names) > _MOST_CLASSES:
        by_size = sorted(names, key=lambda name: found["parts"]["train"][name])
        shown = [*by_size[:_AT_EITHER_END], *by_size[-_AT_EITHER_END:]]
        note = f"The {_AT_EITHER_END} smallest and the {_AT_EITHER_END} largest of {len(names)} classes."
    rows = [[name, *(_count(found["parts"][part][name], part) for part in parts)] for name in shown]
    totals = ["all", *(f"{sum(found['parts'][part].values()):,}" for part in parts)]
    return ["class", *parts], [*rows, totals], note


def _count(count: int, part: str) -> str:
    return f"{count:,}" if count or part != "test" else "not tested"


def _facts(found: Mapping[str, Any], parts: Sequence[str], pictures: Mapping[str, Any]) -> list[tuple[str, str]]:
    height, width = found["size"]
    light = {part: found["brightness"][part] for part in parts}
    kind = "floats" if found["floats"] else "bytes"
    rows = [
        ("Size, as the network gets it", f"{width} × {height}, {found['mode']}"),
        ("Pixels", ", ".join(f"{part} {_range(found['pixels'][part])}" for part in parts) + f" ({kind})"),
        ("Mean brightness, of 255", ", ".join(f"{part} {each['mean']:.0f}" for part, each in light.items())),
        ("Smallest class", _smallest(found)),
    ]
    for name, key in (("Sizes of the files", "sizes"), ("Colours", "modes"), ("Formats", "formats")):
        rows.append((name, _common(pictures.get(key) or {})))
    rows.append(("Animations, first frame taken", f"{pictures['animations']:,}" if pictures.get("animations") else ""))
    rows.append(("Files passed over", _common(pictures.get("skipped_why") or {})))
    rows.append(("Not tested", named(found["untested"]).replace("`", "")))
    return [(name, value) for name, value in rows if value]


def _smallest(found: Mapping[str, Any]) -> str:
    name, count = found["smallest"]["class"], found["smallest"]["count"]
    even = max(found["parts"]["train"].values()) == count
    return f"all have {count:,} to train on" if even else f"{name}: {count:,} to train on"


def _range(ends: Sequence[float]) -> str:
    return f"{ends[0]:.4g}–{ends[1]:.4g}"


def _common(counts: Mapping[str, int], most: int = 4) -> str:
    """ "640x480 (12), 64x64 (3) and 7 more"."""
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    more = f" and {len(ordered) - most:,} more" if len(ordered) > most else ""
    return ", ".join(f"{name} ({count:,})" for name, count in ordered[:most]) + more


def _is_within(pair: str) -> bool:
    first, _, second = pair.partition("|")
    return first == second


def _pair(pair: str) -> str:
    first, _, second = pair.partition("|")
    return _WITHIN.format(first) if first == second else f"{second} in {first}"
