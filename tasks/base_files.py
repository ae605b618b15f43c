"""The files of a base that is taken in, as the key of `pretrain` wants them: found, or fetched."""

from pathlib import Path

from artifacts.errors import DataError
from tasks import package_weights, weights
from tasks.identity import SourceFiles
from tasks.pure.bases.base import Base
from tasks.pure.bases.files.kerashub import CONFIG
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
        f"`base.{base.kind}`: expected the folder of a preset that lies on this machine, found `{name}`, the name "
        f'of one that is fetched. First, `keras_hub.models.Backbone.from_preset("{name}").save_to_preset("./{name}")`,'
        f" and set `base: {{kerashub: ./{name}}}`."
    )


def _own(kind: str, path: Path) -> SourceFiles:
    """A file of the user's own; of a preset every file in its folder, by its name there."""
    if kind == "kerashub":
        return _preset(path)
    if path.is_file():
        return SourceFiles({WEIGHTS: str(path)})
    found = "a folder" if path.is_dir() else "nothing"
    raise DataError(
        f"{path}: expected the file that `base` names, found {found} there. Mend the path: in a recipe it is "
        "relative to the recipe's file. A SavedModel's folder is none: save the network as `.keras`."
    )


def _preset(folder: Path) -> SourceFiles:
    if not (folder / CONFIG).is_file():
        raise DataError(
            f"{folder}: expected a preset's folder, which `base` names, found no `{CONFIG}` there. Mend the path; in "
            "a recipe it is relative to the recipe's file."
        )
    others = sorted(each for each in folder.iterdir() if each.is_file() and each.suffix in (".json", ".h5"))
    named = {f"file {each.name}": str(each) for each in others if each.name != CONFIG}
    return SourceFiles({WEIGHTS: str(folder / CONFIG), **named})
