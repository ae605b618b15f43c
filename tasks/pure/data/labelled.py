"""From decoded pictures and what is known of each to the raw data of a task: what trains, what is for testing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.pure.data import ranges
from tasks.pure.data.dividing import aside, check_apart
from tasks.pure.data.rows import Rows, blocks
from tasks.pure.errors import BadData
from tasks.pure.readers import RawData


@dataclass(frozen=True)
class Labelled:
    """Pictures in files, as far as they could be decoded.

    Attributes:
        images: (m, height, width, channels) uint8, mapped: each content once.
        rows: (n,) int64: the row in `images` of each picture.
        contents: n hex SHA-256 of the files.
        names: n classes.
        parts: n of train, validation, test, or "" where the recipe's `test` divides them.
        groups: n names, "" for none.
        class_names: all classes, in order.
    """

    images: np.ndarray
    rows: np.ndarray
    contents: Sequence[str]
    names: Sequence[str]
    parts: Sequence[str]
    groups: Sequence[str]
    class_names: tuple[str, ...]


def raw_data(pictures: Labelled, test: float | None, where: str) -> RawData:
    """Divide the pictures.

    Args:
        test: the fraction that is for testing, drawn by group or by content; None where the parts say it.
        where: the folder or table, for messages.

    Raises:
        BadData: a group in two parts; a `test` where there is a test part, or none where there is not; nothing to
            train on or to test with.
    """
    check_apart(pictures.groups, pictures.parts)
    parts = _divided(pictures, test, where)
    places = {part: np.flatnonzero(parts == part) for part in ("train", "validation", "test")}
    for part in ("train", "test"):
        if not len(places[part]):
            raise BadData(f"{where}: expected pictures for the {part} part, found none. Add some, or mend `test`.")
    number = {name: label for label, name in enumerate(pictures.class_names)}
    labels = np.array([number[name] for name in pictures.names], np.int64)
    decides = _decides(pictures)
    images = {part: Rows(pictures.images, pictures.rows[chosen]) for part, chosen in places.items()}
    _check_bright(where, images)
    train = places["train"]
    return RawData(
        images["train"],
        labels[train],
        images["test"],
        labels[places["test"]],
        pictures.class_names,
        images["validation"],
        labels[places["validation"]],
        tuple(decides[place] for place in train),
        _numbered([decides[place] for place in train]) if any(pictures.groups) else None,
        files={
            part: _hashes([pictures.contents[place] for place in chosen.tolist()]) for part, chosen in places.items()
        },
    )


def _hashes(contents: Sequence[str]) -> np.ndarray:
    """(n, 32) uint8 of hex digests."""
    return np.frombuffer(bytes.fromhex("".join(contents)), np.uint8).reshape(len(contents), 32)


def _check_bright(where: str, parts: Mapping[str, Rows]) -> None:
    """Refuse a part of masks, saved as bytes of 0 and 1; as a rule a look at its first few pictures clears it."""
    for part, images in parts.items():
        if not any(block.max(initial=0) > 1 for block in blocks(images)):
            ranges.check(where, {part: images})


def _divided(pictures: Labelled, test: float | None, where: str) -> np.ndarray:
    """The part of each picture."""
    parts = np.array(pictures.parts, dtype="U10")
    named = set(pictures.parts) - {""}
    if "test" in named:
        if test is not None:
            raise BadData(f"{where} has a test part of its own; leave `test` ({test}) out.")
        return parts
    if test is None:
        raise BadData(
            f"{where}: expected pictures for testing, found none set apart. Put some into a part `test`, or let a "
            "fraction be drawn: `test: 0.2`."
        )
    free = np.flatnonzero((parts == "") | (parts == "train"))
    parts[free] = "train"
    decides = _decides(pictures)
    chosen = aside([decides[place] for place in free], "test", test)
    parts[free[chosen]] = "test"
    return parts


def _decides(pictures: Labelled) -> list[str]:
    """What decides the side of each picture: its group, else its content."""
    return [
        f"group:{group}" if group else content
        for group, content in zip(pictures.groups, pictures.contents, strict=True)
    ]


def _numbered(decides: Sequence[str]) -> np.ndarray:
    """A number for each group; a picture of none is one by itself, with its copies."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) for each in decides], np.int64)
