"""A network that is taken in as a base instead of being trained: the network, and where it came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class TakenIn:
    """A base from outside, brought into the form that graft works on.

    Attributes:
        model: a flat functional network of built-in Keras layers with one input `image` (height, width, channels) of
            pixels as they lie in a data set, 0 to 255, its own scaling inside, and without a head: its output is the
            topmost feature tensor, (c), (tokens, c) or (height, width, c). Not compiled; every layer has a name.
        about: what the lineage says of it, plain JSON: `kind` (`application`, `file`, …), `name`, and where known
            `origin`, `licence`, `classes`, `head` (what was dropped) and the like.
    """

    model: "keras.Model"
    about: Mapping[str, Any]
