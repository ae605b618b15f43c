"""What there is to say of two data sets before anything is trained: counts, ranges, brightness, the same picture twice.

Pairs of parts are named `train|test`, `validation|test`, … for the target's own, `source train|target test` and
`source train|source test` for the others. What is counted of a pair is pictures of the second part that lie in the
first; of `train|train` (exact copies only) those that are there once more.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tasks.pure.data import problems
from tasks.pure.data.duplicates import FLAT, Pictures, Twins, look, twins
from tasks.pure.data.ranges import pixel_range
from tasks.pure.data.rows import Images

Part = tuple[Images, np.ndarray]
LEAKS = (("train", "test"), ("validation", "test"), ("gate", "test"), ("train", "validation"), ("train", "gate"))
TRAINED_ON = ("train|test", "validation|test", "source train|target test")
MOST_EXAMPLES = 5
COMPARED_BYTES = 2**24


@dataclass(frozen=True)
class Data:
    """A data set.

    Attributes:
        class_names: in the order of the labels.
        parts: images (n, height, width, channels) and labels (n,) of each part that has images, by its name.
        files: (n, 32) uint8 of each part: the SHA-256 of the pictures' files; empty where they have none.
    """

    class_names: tuple[str, ...]
    parts: Mapping[str, Part]
    files: Mapping[str, np.ndarray] = field(default_factory=dict)


def findings(source: Data | None, target: Data) -> dict[str, Any]:
    """All that is found, as plain JSON values; nothing about a source where there is none.

    Returns:
        `source`, `target`: `class_names`, `parts` (part → class → count), `size` (height, width), `mode`, `pixels`
        (part → smallest and largest), `floats`, `brightness` (part → `mean`, `low`, `high` of the pictures' means, of
        255), `plain` (part → pictures of one colour), `untested`, `smallest` (`class`, `count`);
        `duplicates` (`exact`, `near`: pair → count); `examples` (`pair`; `first`, `second`: places in the
        parts; `first_file`, `second_file`: hex SHA-256, or "" where pictures have no files);
        `trained_on` (places of the target's test images that lie in a part that is trained on, the source's too);
        `conflicts` (pictures of the target that are there under two classes); `problems` (sentences).
    """
    ours = _looked(target, {})
    theirs = _looked(source, {part: (target.parts[part][0], ours[part]) for part in ours}) if source else {}
    found = dict(_all_twins(theirs, ours))
    said: dict[str, Any] = {
        **({"source": _summary(source, theirs)} if source else {}),
        "target": _summary(target, ours),
        "duplicates": _counted(found, ours),
        "examples": [
            {**example, **_named(example, source, target)}
            for pair, each in found.items()
            for example in _examples(pair, each)
        ],
        "trained_on": _rows([found[pair] for pair in TRAINED_ON if pair in found]),
        "conflicts": _conflicts(target, ours),
    }
    return {**said, "problems": problems.problems(said)}


def _looked(data: Data, known: Mapping[str, tuple[Images, Pictures]]) -> dict[str, Pictures]:
    """Each part's pictures; a part that is the same as the known one of that name is not looked at again."""
    found = {}
    for part, (images, _) in data.parts.items():
        same = part in known and _equal(images, known[part][0])
        found[part] = known[part][1] if same else look(images, white=pixel_range(images).white)
    return found


def _equal(first: Images, second: Images) -> bool:
    """Whether two arrays are equal, a block at a time."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    size = max(1, COMPARED_BYTES // max(int(np.prod(first.shape[1:])) * first.dtype.itemsize, 1))
    begins = range(0, len(first), size)
    return all(np.array_equal(first[at : at + size], second[at : at + size]) for at in begins)


def _all_twins(source: Mapping[str, Pictures], target: Mapping[str, Pictures]) -> Iterator[tuple[str, Twins]]:
    pairs = [(f"{first}|{second}", target.get(first), target.get(second)) for first, second in LEAKS]
    pairs.append(("source train|target test", source.get("train"), target.get("test")))
    pairs.append(("source train|source test", source.get("train"), source.get("test")))
    done: dict[tuple[int, int], Twins] = {}  # where both data sets hold the same images they are compared once
    for name, first, second in pairs:
        if first is not None and second is not None:
            key = (id(first), id(second))
            done[key] = done.get(key) or twins(first, second)
            yield name, done[key]


def _counted(found: Mapping[str, Twins], target: Mapping[str, Pictures]) -> dict[str, dict[str, int]]:
    exact = {pair: each.counts()[0] for pair, each in found.items()}
    within = {f"{part}|{part}": each.repeated() for part, each in target.items()}
    return {"exact": {**exact, **within}, "near": {pair: each.counts()[1] for pair, each in found.items()}}


def _examples(pair: str, found: Twins) -> list[dict[str, Any]]:
    either = found.either
    rows = np.flatnonzero(either >= 0)[:MOST_EXAMPLES].tolist()
    return [{"pair": pair, "first": int(either[row]), "second": row} for row in rows]


def _named(example: Mapping[str, Any], source: Data | None, target: Data) -> dict[str, str]:
    """The files of an example's two pictures."""
    told = {}
    for place, part in zip(("first", "second"), str(example["pair"]).split("|"), strict=True):
        data = source if source and part.startswith("source ") else target  # no such pair without a source
        hashes = data.files.get(part.removeprefix("source ").removeprefix("target "))
        told[f"{place}_file"] = hashes[example[place]].tobytes().hex() if hashes is not None else ""
    return told


def _rows(found: list[Twins]) -> list[int]:
    return sorted({int(row) for each in found for row in np.flatnonzero(each.either >= 0)})


def _conflicts(data: Data, pictures: Mapping[str, Pictures]) -> int:
    """How many pictures, equal ones counted once, are there under more than one class."""
    seen = {
        (digest, label)
        for part, each in pictures.items()
        for digest, label in zip(each.exact, data.parts[part][1].tolist(), strict=True)
    }
    return sum(count > 1 for count in Counter(digest for digest, _ in seen).values())


def _summary(data: Data, pictures: Mapping[str, Pictures]) -> dict[str, Any]:
    names = data.class_names
    counts = {part: np.bincount(labels, minlength=len(names)).tolist() for part, (_, labels) in data.parts.items()}
    images = data.parts["train"][0]
    ranges = {part: pixel_range(each) for part, (each, _) in data.parts.items()}
    fewest = int(np.argmin(counts["train"]))
    return {
        "class_names": list(names),
        "parts": {part: dict(zip(names, each, strict=True)) for part, each in counts.items()},
        "size": [int(side) for side in images.shape[1:3]],
        "mode": "grey" if images.shape[3] == 1 else "RGB",
        "pixels": {part: [each.low, each.high] for part, each in ranges.items()},
        "floats": ranges["train"].floats,
        "brightness": {part: _brightness(each) for part, each in pictures.items()},
        "plain": {part: int((each.contrast < FLAT).sum()) for part, each in pictures.items()},
        "untested": [
            name for name, count in zip(names, counts.get("test", [0] * len(names)), strict=True) if not count
        ],
        "smallest": {"class": names[fewest], "count": counts["train"][fewest]},
    }


def _brightness(pictures: Pictures) -> dict[str, float]:
    low, high = np.quantile(pictures.brightness, [0.05, 0.95])
    return {
        "mean": round(float(pictures.brightness.mean()), 1),
        "low": round(float(low), 1),
        "high": round(float(high), 1),
    }
