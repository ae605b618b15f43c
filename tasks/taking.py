"""Taking in a base from outside: which code reads it, once its bytes were found."""

from pathlib import Path
from typing import TYPE_CHECKING

from artifacts import codecs
from artifacts.errors import DataError
from artifacts.refs import ModelRef
from artifacts.store import Store
from tasks.identity import SourceFiles
from tasks.pure.bases import applications, earlier_run, kerashub, lite0, own_file
from tasks.pure.bases.base import Base
from tasks.pure.bases.taken import TakenIn

if TYPE_CHECKING:
    pass

WEIGHTS = "weights"  # the role of a base's file in the key


def take_in(base: Base, weights: SourceFiles | ModelRef, store: Store, seed: int) -> TakenIn:
    """The network that `base` names, ready to be grafted.

    Args:
        weights: where its bytes lie; the reference of the network of an earlier run.
        seed: the step's own, for an application without weights.

    Raises:
        BadBase: the file cannot be taken in, with the reason and what to do.
    """
    if isinstance(weights, ModelRef):
        store.check(weights)
        return earlier_run.taken(codecs.read_model(store.folder(weights)), weights.digest)
    place = weights.paths.get(WEIGHTS)
    file = Path(place) if place else None
    if base.kind == "application":
        return applications.build(base, file, seed)
    if file is None:
        raise DataError(f"`base.{base.kind}`: expected a file to take the base from, found none.")
    reader = {"file": own_file.read, "package": lite0.build, "kerashub": kerashub.read}[base.kind]
    return reader(file, base)
