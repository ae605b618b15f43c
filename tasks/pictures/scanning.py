"""What lies in a folder of pictures: which file belongs to which class and part. No file is opened.

    photos/train/CLASS/**   photos/test/CLASS/**   photos/validation/CLASS/** (also val/, valid/)
    photos/CLASS/**         with `test: 0.2` in the recipe

Nothing is chosen silently: what could be a part or a class is refused, litter is counted.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from artifacts.errors import DataError
from tasks.pictures.names import printable
from tasks.pure.data.naming import one_form
from tasks.pure.data.recognising import is_litter_name

PARTS = {"train": "train", "test": "test", "validation": "validation", "val": "validation", "valid": "validation"}
NOTHING = "a link to nothing, or no regular file"
HIDDEN = "hidden, or a system's own"
WHOLE = ""  # the part of pictures that the recipe's `test` divides


@dataclass
class Found:
    """What a walk through a folder saw.

    Attributes:
        files: (path, part, class) of every file that may be a picture.
        classes: every class that has a folder, pictures or not.
        skipped: why → how many files and folders were passed over.
    """

    files: list[tuple[str, str, str]] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)


def scan(root: Path) -> Found:
    """Walk through `root`, following links, in no particular order.

    Raises:
        DataError: a folder that cannot be read, or that may be a part as well as a class.
    """
    found = Found()
    tops = _folders(root, found)
    parts = _parts(root, tops)
    if parts is None:
        _classes(tops, WHOLE, found)
    else:
        for part, folder in parts.items():
            _classes(_folders(folder, found), part, found)
    return found


def _parts(root: Path, tops: list[Path]) -> dict[str, Path] | None:
    """Part → folder, or None where the folders at the top are classes."""
    named: dict[str, list[Path]] = {}
    for folder in tops:
        part = PARTS.get(folder.name.casefold())
        if part:
            named.setdefault(part, []).append(folder)
    if not named:
        return None
    others = [folder.name for folder in tops if folder.name.casefold() not in PARTS]
    if "train" not in named or others:
        beside = f"beside {_some(others)}" if others else "without `train`"
        raise DataError(
            f"{root}: found {_some(folder.name for each in named.values() for folder in each)} {beside}: are they "
            "parts or classes? Parts: put each class into `train` and `test`. Classes: put all into one `train`."
        )
    for part, folders in named.items():
        if len(folders) > 1:
            raise DataError(
                f"{root}: expected one folder for the {part} part, found {_some(each.name for each in folders)}. "
                "Put their pictures together, or take one away."
            )
    return {part: folders[0] for part, folders in named.items()}


def _some(names: "Iterator[str] | list[str]") -> str:
    every = sorted(f"`{name}`" for name in names)
    return ", ".join(every[:10]) + (f" and {len(every) - 10:,} more" if len(every) > 10 else "")


def _folders(folder: Path, found: Found) -> list[Path]:
    """The folders in `folder`; files there belong to no class."""
    folders = []
    for entry in _entries(folder):
        if is_litter_name(entry.name):
            found.skipped[HIDDEN] += 1
        elif _is(entry.is_dir):
            folders.append(folder / entry.name)
        else:
            found.skipped["in no class's folder" if _is(entry.is_file) else NOTHING] += 1
    return folders


def _classes(folders: list[Path], part: str, found: Found) -> None:
    for folder in folders:
        name = one_form(folder.name)
        if printable(name) != name:
            raise DataError(
                f"{printable(str(folder))}: expected a class's name in UTF-8, found other bytes. Rename the folder."
            )
        found.classes.add(name)
        found.files.extend((path, part, name) for path in _below(str(folder), found, set()))


def _below(folder: str, found: Found, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Every regular file in `folder` and below it, links followed, each folder once: links may go in circles."""
    here = _identity(folder)
    if here in seen:
        found.skipped["a link to a folder that was there already"] += 1
        return
    seen.add(here)
    for entry in _entries(folder):
        if is_litter_name(entry.name):
            found.skipped[HIDDEN] += 1
        elif _is(entry.is_dir):
            yield from _below(entry.path, found, seen)
        elif _is(entry.is_file):
            yield entry.path
        else:
            found.skipped[NOTHING] += 1


def _is(asked: Callable[[], bool]) -> bool:
    """What `entry.is_dir` or `entry.is_file` says; False of a link to itself, at which the system gives up."""
    try:
        return asked()
    except OSError:
        return False


def _identity(folder: str) -> tuple[int, int]:
    try:
        status = os.stat(folder)
    except OSError as problem:
        raise _unreadable(folder, problem) from None
    return status.st_dev, status.st_ino


def _entries(folder: "Path | str") -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as problem:
        raise _unreadable(folder, problem) from None


def _unreadable(folder: "Path | str", problem: OSError) -> DataError:
    return DataError(
        f"{printable(str(folder))}: expected a folder of pictures, found one that cannot be read ({problem.strerror}). "
        "Mend `path` or the folder's permissions."
    )
