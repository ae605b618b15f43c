"""`base: {run: …}`: the network that an earlier run ended with, as the base of another."""

from typing import TYPE_CHECKING, Any

from tasks.pure.bases.flattening import flatten
from tasks.pure.bases.taken import TakenIn
from tasks.pure.outline import HEAD, below_head
from tasks.pure.outlining import outline
from tasks.pure.regrowing import above_adapters

if TYPE_CHECKING:
    import keras


def taken(model: "keras.Model", digest: str) -> TakenIn:
    """The layers of `model` between what adapted its target's images and its head.

    Args:
        model: the final network of a run of `transfer_learning`.
        digest: of that network, for the lineage.
    """
    inner = above_adapters(model, below_head(outline(model)))
    about: dict[str, Any] = {"kind": "run", "digest": digest, "head": [HEAD]}
    return TakenIn(flatten(inner), about)
