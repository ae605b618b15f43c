"""The files of a data set as the key of `load_data` wants them: found or fetched, pictures listed."""

from dataclasses import replace
from pathlib import Path

from artifacts.store import Store
from tasks.identity import SourceFiles
from tasks.pictures.listing import listing
from tasks.pure.readers import LISTED
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


def unchanged(dataset: str, known: SourceFiles, store: Store, step: str) -> bool:
    """Whether the files are still those that `known` was made of. What looks the same is not read again."""
    root = Path(next(iter(known.paths.values()), ""))
    now = replace(known, listing=listing(dataset, root, store, step)) if known.listing else known
    return now.digests(store.hashes) == known.digests(store.hashes)
