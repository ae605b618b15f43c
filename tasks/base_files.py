"""The files of a base that is taken in, as the key of `pretrain` wants them: found, or fetched."""

from pathlib import Path

from artifacts.errors import DataError
from tasks import package_weights, weights
from tasks.identity import SourceFiles
from tasks.pure.bases.base import Base
from tasks.taking import WEIGHTS

NO_WEIGHTS = "none"


def files(base: Base, path: Path | None, download: bool) -> SourceFiles | None:
    """Where the bytes of a base are: role → path, empty where it has none (an application without weights).

    Args:
        path: of the file or folder that the recipe names, if it names one.
        download: fetch what is not there; else None is returned then.

    Raises:
        DataError: there is no such file; or it can be neither found nor fetched, with how to mend it.
    """
    if path is not None:
        return _own(path)
    name = str(base.name)
    if base.kind == "package":
        return SourceFiles({WEIGHTS: str(package_weights.find(name))})
    if base.kind == "application":
        if base.weights == NO_WEIGHTS:
            return SourceFiles({})
        look = weights.fetch if download else weights.find
        found = look(name, dict(base.options), base.input_size)
        return None if found is None else SourceFiles({WEIGHTS: str(found)})
    raise DataError(f"`base.{base.kind}`: expected a file to take the base from, found none.")


def _own(path: Path) -> SourceFiles:
    """A file of the user's own."""
    if path.is_file():
        return SourceFiles({WEIGHTS: str(path)})
    found = "a folder" if path.is_dir() else "nothing"
    raise DataError(
        f"{path}: expected the file that `base` names, found {found} there. Mend the path: in a recipe it is "
        "relative to the recipe's file. A SavedModel's folder is none: save the network as `.keras`."
    )
