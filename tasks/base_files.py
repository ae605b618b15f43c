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
        return _own(base.kind, path)
    name = str(base.name)
    if base.kind == "package":
        return SourceFiles({WEIGHTS: str(package_weights.find(name))})
    if base.kind == "application":
        if base.weights == NO_WEIGHTS:
            return SourceFiles({})
        look = weights.fetch if download else weights.find
        found = look(name, dict(base.options), base.input_size)
        return None if found is None else SourceFiles({WEIGHTS: str(found)})
    raise DataError(
        f"`base.{base.kind}`: expected the folder of a preset that lies on this machine, found `{name}`, the name of one to "
        f'be fetched. Fetch it first, `keras_hub.models.Backbone.from_preset("{name}").save_to_preset("./{name}")`, '
        f"and set `base: {{kerashub: ./{name}}}`."
    )


def _own(kind: str, path: Path) -> SourceFiles:
    """A file of the user's own; of a preset every file in its folder, by its name there."""
    if kind == "kerashub" and path.is_dir():
        inside = sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
        return SourceFiles({WEIGHTS: str(path), **{f"file {each.relative_to(path)}": str(each) for each in inside}})
    if kind != "kerashub" and path.is_file():
        return SourceFiles({WEIGHTS: str(path)})
    expected = "the folder of a preset" if kind == "kerashub" else "a file"
    there = "a folder" if path.is_dir() else "a file" if path.is_file() else "nothing"
    raise DataError(
        f"{path}: expected {expected} that `base` names, found {there} there. Mend the path: in a recipe it is "
        "relative to the recipe's file."
    )
