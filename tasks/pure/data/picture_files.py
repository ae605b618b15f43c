"""Folders and files of pictures: what lies in a folder, without its litter, and the bytes of one picture."""

from dataclasses import dataclass, field
from pathlib import Path

from tasks.pure.data.recognising import HEAD, WANTED, DamagedPicture, format_of, is_litter_name

MOST_BYTES = 1 << 28  # of a file: about what the largest picture that is decoded has without any compression


@dataclass
class Listing:
    """What lies in a folder and below it.

    Attributes:
        files: sorted by their path, part by part; whatever is neither folder nor litter by its name.
        litter: files and folders that are passed over by their name; what lies in such a folder is not counted.
    """

    files: list[Path] = field(default_factory=list)
    litter: list[Path] = field(default_factory=list)


def files_below(folder: Path) -> Listing:
    """The files of a folder and its subfolders. Links to folders are followed, each folder once: links go in circles.

    A folder that cannot be listed counts as a file: whoever reads it is told.
    """
    found = Listing()
    _list(folder, found, set())
    return found


def _list(folder: Path, found: Listing, seen: set[tuple[int, int]]) -> None:
    try:
        status = folder.stat()
        entries = sorted(folder.iterdir())
    except OSError:
        found.files.append(folder)
        return
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in entries:
        if is_litter_name(entry.name):
            found.litter.append(entry)
        elif entry.is_dir():
            _list(entry, found, seen)
        else:
            found.files.append(entry)


def read_picture(path: Path, name: str) -> bytes:
    """The bytes of a picture; of a file that is none, only its first ones are read.

    Args:
        name: how messages call it.

    Raises:
        NotAPicture: litter.
        DamagedPicture: no regular file (opening a pipe would wait for ever), or one that cannot be read.
    """
    if not path.is_file():
        why = "a folder that cannot be listed" if path.is_dir() else "no regular file"
        raise DamagedPicture(f"{name}: {WANTED}, found {'a link to nothing' if path.is_symlink() else why}.")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
            format_of(head, name)  # raises where nothing more need be read
            rest = file.read(MOST_BYTES)
    except OSError as problem:
        raise DamagedPicture(f"{name}: cannot be read ({problem.strerror}).") from None
    if len(rest) == MOST_BYTES:
        raise DamagedPicture(f"{name}: {WANTED}, found a file of more than {MOST_BYTES >> 20} MB.")
    return head + rest
