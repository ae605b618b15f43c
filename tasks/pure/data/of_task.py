"""What `load_data` takes of a listing: the classes of the task, decoded alike, without what is damaged."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from tasks.pure.data.decoding import Decoding
from tasks.pure.data.labelled import Labelled
from tasks.pure.data.listed import Listed
from tasks.pure.datasets import Selection, wanted_classes
from tasks.pure.errors import BadData
from tasks.pure.readers import check_names

SHOWN = 10
CHANNELS = {"grey": 1, "rgb": 3}


def wanted(pictures: Sequence[Listed], class_names: tuple[str, ...], selection: Selection, where: str) -> list[Listed]:
    """The pictures of the task's classes.

    Args:
        class_names: all classes, in order, also those without a picture.
        where: the folder or table, for messages.

    Raises:
        BadData: there is no such class, or a class without a picture.
    """
    check_names(class_names, where)
    names = set(wanted_classes(class_names, selection))
    found = [each for each in pictures if each.name in names]
    empty = [name for name in class_names if name in names - {each.name for each in found}]
    if empty:
        raise BadData(
            f"{where}: expected pictures of each class, found none of "
            f"{', '.join(f'`{name}`' for name in empty[:SHOWN])}. Add some, take the folder away, or leave the class "
            "out of the task."
        )
    return found


def decoding_of(pictures: Sequence[Listed], selection: Selection, where: str) -> Decoding:
    """How the pictures are decoded, `auto` and a size that is not given settled by their headers.

    Raises:
        BadData: they differ in size and the recipe names none.
    """
    sound = [each.header for each in pictures if each.header.format]
    grey = all(header.is_grey for header in sound)
    channels = CHANNELS.get(selection.colour) or (1 if grey else 3)
    size = selection.image_size or _common_size(Counter((each.height, each.width) for each in sound), where)
    return Decoding(channels, size, selection.fit, selection.background, selection.value_range)


def _common_size(sizes: Counter[tuple[int, int]], where: str) -> tuple[int, int]:
    if len(sizes) == 1:
        return next(iter(sizes))
    if not sizes:
        raise BadData(f"{where}: expected pictures, found none that can be read.")
    shown = ", ".join(f"{height} × {width} ({count:,})" for (height, width), count in sizes.most_common(3))
    raise BadData(
        f"{where}: expected pictures of one size, found {len(sizes):,} sizes, most often (height × width) {shown}. Say "
        "to which they are brought: `image_size: 96`, or `image_size: [96, 128]` (height, width), and `fit`."
    )


def plain(decoding: Decoding) -> dict[str, Any]:
    """`decoding` as JSON gives it back."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(decoding).items()}


def refuse_damaged(damaged: Mapping[str, str], of: int) -> None:
    """Raises BadData with the first ten of `damaged` (path → why)."""
    if damaged:
        shown = "".join(f"\n- {why}" for why in list(damaged.values())[:SHOWN])
        more = f"\n- and {len(damaged) - SHOWN:,} more" if len(damaged) > SHOWN else ""
        raise BadData(
            f"{len(damaged):,} of {of:,} pictures cannot be decoded. Mend or remove them, or set `on_damaged: skip`:"
            f"{shown}{more}"
        )


def labelled(
    pictures: Sequence[Listed], images: np.ndarray, rows: Mapping[str, int], class_names: tuple[str, ...]
) -> Labelled:
    """The pictures that have a row, with what is known of them."""
    kept = [each for each in pictures if each.header.format and each.sha256 in rows]
    return Labelled(
        images,
        np.array([rows[each.sha256] for each in kept], np.int64),
        [each.sha256 for each in kept],
        [each.name for each in kept],
        [each.part for each in kept],
        [each.group for each in kept],
        class_names,
    )


def about(pictures: Sequence[Listed], decoding: Decoding, damaged: int) -> dict[str, Any]:
    """What a data set's manifest says of its pictures, all of it following from their content.

    Returns:
        `decoding` (see `Decoding`) and `pictures`: `count`, `sizes` ("width×height" → count, of the files), `modes`,
        `formats`, `animations` (of which the first frame was taken), `damaged`.
    """
    headers = [each.header for each in pictures if each.header.format]
    return {
        "decoding": plain(decoding),
        "pictures": {
            "count": len(pictures),
            "sizes": _counted(f"{header.width}×{header.height}" for header in headers),
            "modes": _counted(header.mode for header in headers),
            "formats": _counted(header.format for header in headers),
            "animations": sum(header.animated for header in headers),
            "damaged": damaged,
        },
    }


def remarks(skipped: Mapping[str, int], unread: Sequence[str], about: Mapping[str, Any]) -> Iterator[str]:
    """What a person should know of a folder or table: what was passed over, left out, or taken in part."""
    for why, count in sorted(skipped.items()):
        yield f"passed over {many(count, 'file or folder', 'files or folders')}: {why}"
    if unread:
        yield f"nobody reads the columns {', '.join(f'`{name}`' for name in unread)}"
    if about["animations"]:
        yield f"took the first frame of {many(about['animations'], 'animation', 'animations')}"
    if about["damaged"]:
        yield f"left out {many(about['damaged'], 'damaged picture', 'damaged pictures')} (`on_damaged: skip`)"


def many(count: int, one: str, more: str) -> str:
    """`1 picture`, `1,200 pictures`."""
    return f"{count:,} {one if count == 1 else more}"


def _counted(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))
