"""The files of a data set as the key of `load_data` wants them: found or fetched, pictures listed."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from artifacts.store import Store
from tasks.identity import SourceFiles
from tasks.pictures.listing import listing
from tasks.pure.data.own_archive import images_by_class
from tasks.pure.datasets import Selection, wanted_classes
from tasks.pure.readers import LISTED, OWN_VALIDATION
from tasks.sources import fetch, find, own


def files(dataset: str, path: str | None, store: Store, step: str, download: bool) -> SourceFiles | None:
    """Where the files are, and of pictures in files what each is: what is new of them is read.

    Args:
        dataset, path: as for `sources.find`.
        step: whom to tell how far the reading is: `load_data.target`.
        download: fetch what is not there; else None is returned then.

    Raises:
        DataError: as `sources.find` and `sources.fetch`; or a folder or table of pictures that is not clear.
    """
    if dataset in LISTED:
        root = own(dataset, path)
        return SourceFiles({"pictures": str(root)}, listing(dataset, root, store, step))
    found = fetch(dataset, path) if download else find(dataset, path)
    return None if found is None else SourceFiles({role: str(file) for role, file in found.items()})


@dataclass(frozen=True)
class OwnParts:
    """How many images of a task a user's data have, before anything is drawn or set aside.

    Attributes:
        training: for training; where the data name no parts, all of them.
        validation: of a validation part of their own.
    """

    training: int
    validation: int


def own_parts(selection: Selection, path: str | None, store: Store, step: str) -> OwnParts | None:
    """No picture is decoded. None where the data are not a user's own, or not here yet.

    Args:
        path, step: as for `files`.

    Raises:
        DataError: as `files`. BadData: an archive that cannot be read, a class that is not there.
    """
    if selection.dataset not in OWN_VALIDATION:
        return None
    found = files(selection.dataset, path, store, step, download=False)
    if found is None:
        return None
    if found.listing is not None:
        counts = {part: Counter[str]() for part in ("train", "validation", "test")}
        for each in found.listing.pictures:
            counts[each.part or "train"][each.name] += 1
        names = found.listing.classes
    else:
        (archive,) = found.paths.values()
        names, counts = images_by_class(Path(archive))
    wanted = set(wanted_classes(names, selection))
    return OwnParts(*(sum(counts[part][name] for name in wanted) for part in ("train", "validation")))


def unchanged(dataset: str, known: SourceFiles, store: Store, step: str) -> bool:
    """Whether the files are still those that `known` was made of. What looks the same is not read again."""
    root = Path(next(iter(known.paths.values()), ""))
    now = replace(known, listing=listing(dataset, root, store, step)) if known.listing else known
    return now.digests(store.hashes) == known.digests(store.hashes)
