"""The pictures of a folder or a table at one moment: which there are, what each is, and one digest of it all.

The digest is of content alone: class, part, group and SHA-256 of each picture, in an order of their own. A picture that
is touched, renamed or moved within its class and part changes nothing; nor does litter.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from artifacts.digest import PREFIX, digest_json
from artifacts.errors import DataError
from artifacts.store import Store
from tasks import progress
from tasks.device import cores
from tasks.pictures.remembered import Files, Known, Told
from tasks.pictures.scanning import scan
from tasks.pictures.tables import read_table
from tasks.pure.data.headers import UNREADABLE, Header
from tasks.pure.data.listed import Listed
from tasks.pure.data.naming import in_order

LISTINGS = "listings"  # folder under the store's `cache/`


class Listing:
    """All pictures of a folder or table, sorted by what the digest is made of.

    No dataclass, on purpose: Prefect looks into those for what to draw, and there may be 50,000 pictures.

    Attributes:
        root: the folder or the table.
        pictures: every picture, whatever its class.
        classes: the names of all classes in order, also of those without a picture.
        skipped: why → how many files and folders were passed over.
        unread: columns of a table that nobody reads.
        digest: `sha256:…` of the content.
    """

    def __init__(
        self,
        root: Path,
        pictures: Sequence[Listed],
        classes: Sequence[str],
        skipped: Mapping[str, int],
        unread: Sequence[str],
    ) -> None:
        self.root = root
        self.pictures = tuple(sorted(pictures))
        self.classes = tuple(classes)
        self.skipped = dict(skipped)
        self.unread = tuple(unread)
        self.digest = _digest(self.classes, self.pictures)

    @property
    def parts(self) -> frozenset[str]:
        """The parts that the folder or table names; {""} where it names none."""
        return frozenset(each.part for each in self.pictures)


def _digest(classes: Sequence[str], pictures: Sequence[Listed]) -> str:
    # A file that its name keeps from being read is another one than its bytes under a better name.
    return digest_json([list(classes), [[*each[:4], each.header.format] for each in pictures]])


def listing(dataset: str, path: Path, store: Store, step: str) -> Listing:
    """Look at a folder (`folder`) or table (`list`); only new and changed files are read.

    Args:
        step: whom to tell how far the reading is, such as `load_data.target`.

    Raises:
        DataError: it cannot be read, or is not clear about what belongs where.
    """
    record = store.cache / LISTINGS / digest_json([dataset, os.fsencode(path.resolve()).hex()]).removeprefix(PREFIX)
    files = Files(record, store.scratch)
    told = _telling(step)
    return _of_folder(path, files, told) if dataset == "folder" else _of_table(path, files, told)


def _telling(step: str) -> Told:
    began = time.monotonic()

    def told(done: int, total: int) -> None:
        progress.tell(progress.Counting(step, "read", done, total, time.monotonic() - began))

    return told


def _of_folder(root: Path, files: Files, told: Told) -> Listing:
    found = scan(root)
    known = files.look((path for path, _, _ in found.files), cores(), told)
    pictures = [
        Listed(known[path].sha256, part, name, "", _header(known[path]), path)
        for path, part, name in found.files
        if known[path].header
    ]
    skipped = Counter(found.skipped)
    if others := len(found.files) - len(pictures):
        skipped["no pictures"] = others
    if not found.classes:
        raise DataError(
            f"{root}: expected a folder for each class, with its pictures, or `train` and `test` with such folders; "
            "found none. Mend `path`, or put the pictures of each class into a folder of its name."
        )
    return Listing(root, pictures, in_order(found.classes), skipped, ())


def _header(known: Known) -> Header:
    return known.header or UNREADABLE


def _of_table(table: Path, files: Files, told: Told) -> Listing:
    rows, unread = read_table(table)
    known = files.look(dict.fromkeys(row.path for row in rows), cores(), told)
    strangers = [row.path for row in rows if known[row.path].header is None]
    if strangers:
        raise DataError(
            f"{table}: expected pictures in the column `file`, found {len(strangers):,} files that are none: "
            f"{', '.join(strangers[:10])}. Take their rows out."
        )
    pictures = [
        Listed(known[row.path].sha256, row.part, row.name, row.group, _header(known[row.path]), row.path)
        for row in rows
    ]
    return Listing(table, pictures, in_order(row.name for row in rows), {}, unread)


def by_content(pictures: Sequence[Listed]) -> Iterator[Listed]:
    """Each content once, by the first of its files."""
    seen: set[str] = set()
    for each in pictures:
        if each.sha256 not in seen:
            seen.add(each.sha256)
            yield each
