"""Where the bytes of a base are that is taken in, as `pretrain` wants them; asked by a plan and by a run."""

from pathlib import Path

from artifacts.errors import DataError
from artifacts.refs import ModelRef
from artifacts.store import Store
from flows import arguments
from flows.predicting import chosen_run
from flows.recipe import Recipe
from tasks import base_files
from tasks.identity import SourceFiles


def found(recipe: Recipe, store: Store, download: bool) -> SourceFiles | ModelRef | None:
    """The files of the recipe's base, or the reference of an earlier run's network.

    Args:
        download: fetch what is not there; else None is returned then.

    Raises:
        DataError: there is no such file, or it can be neither found nor fetched, with how to mend it.
        UsageError: no such run.
    """
    base, taken = recipe.base, arguments.base(recipe)
    if base is None or taken is None:
        return None
    if base.run is not None:
        ref = chosen_run(store, str(base.run)).ref("fine_tune", "model")
        if not isinstance(ref, ModelRef):
            raise DataError(f"`base.run`: expected a run with a network, found {base.called} without one.")
        return ref
    named = Path(base.path) if base.path else None
    return base_files.files(taken, named, download)
