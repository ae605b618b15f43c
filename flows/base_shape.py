"""What pictures a base takes, as far as that is known before it is taken in."""

import contextlib
from pathlib import Path

from artifacts.errors import GraftError
from artifacts.refs import ModelRef
from artifacts.store import Store
from flows.recipe_base import Base
from tasks.pure.bases import known_applications, lite0
from tasks.pure.bases.files import kerashub, own_file
from tasks.pure.errors import PureError

Shape = tuple[int, int, int]


def base_shape(base: Base) -> Shape | None:
    """(height, width, channels) of the pictures that the base takes; None where only the network itself can tell.

    A base that was given a size is said to take colours where it cannot be asked: what is there to be taken in is
    trained on photographs.
    """
    own = _own_shape(base)
    if base.size is None:
        return own
    return (*base.size, own[2] if own else 3)


def _own_shape(base: Base) -> Shape | None:
    """None, too, where there is no such application, file or run: whoever takes it in says so."""
    with contextlib.suppress(GraftError, PureError, OSError):
        if base.application is not None:
            size = known_applications.application(base.application).size
            return (size, size, known_applications.CHANNELS)
        if base.package is not None:
            return (*lite0.OWN_SIZE, 3)
        if base.file is not None:
            return own_file.input_shape(Path(base.file))
        if base.path is not None and base.kerashub is not None:
            return kerashub.input_shape(Path(base.path))
        if base.run is not None:
            return _of_run(str(base.run))
    return None


def _of_run(wanted: str) -> Shape | None:
    """The pictures that an earlier run's network takes: those of its target."""
    from flows.predicting import chosen_run

    store = Store()
    ref = chosen_run(store, wanted).ref("fine_tune", "model")
    facts = store.facts(ref) if isinstance(ref, ModelRef) else None
    if not facts:
        return None
    height, width, channels = facts["input_shape"]
    return height, width, channels
