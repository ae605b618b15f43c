"""Taking in a base from outside: which code reads it, once its bytes were found.

A step of its own to `fingerprint.py`: none of this is in the key of a network that `pretrain` builds itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import codecs
from artifacts.errors import DataError
from artifacts.refs import ModelRef
from artifacts.store import Store
from tasks.identity import SourceFiles
from tasks.pure import architectures, surgery
from tasks.pure.bases import applications, earlier_run, lite0
from tasks.pure.bases.base import Base
from tasks.pure.bases.files import kerashub, own_file
from tasks.pure.bases.taken import TakenIn
from tasks.pure.data.rows import Images
from tasks.pure.layer_choice import Reuse
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    import keras

WEIGHTS = "weights"  # the role of a base's file in the key


def take_in(base: Base, weights: SourceFiles | ModelRef | None, store: Store, seed: int) -> TakenIn:
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
    place = weights.paths.get(WEIGHTS) if weights else None
    file = Path(place) if place else None
    if base.kind == "application":
        return applications.build(base, file, seed)
    if file is None:
        raise DataError(f"`base.{base.kind}`: expected a file to take the base from, found none.")
    if base.kind == "kerashub":
        return kerashub.read(file.parent, base)
    return lite0.build(file, base) if base.kind == "package" else own_file.read(file, base)


def with_head(base: "keras.Model", facts: Mapping[str, Any], images: Images, seed: int) -> "keras.Model":
    """A base that was taken in, on the source's images, with a head for its classes: to be trained on.

    Args:
        facts: of the source, `image_shape` and `class_names`.
        images: its training part (n, height, width, channels).

    Raises:
        BadData: images that the base would see 255 times too dark.
    """
    architectures.check_scale(surgery.has_scale(base), images, "source")
    whole = Reuse("all", True, ()).resolved(outline(base))
    return surgery.graft(base, whole, facts["image_shape"], len(facts["class_names"]), seed)
