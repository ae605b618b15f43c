"""`base: {run: …}`: the network that an earlier run ended with, as the base of another."""

from typing import TYPE_CHECKING, Any

from tasks.pure.bases.flattening import flatten
from tasks.pure.bases.taken import TakenIn
from tasks.pure.layers import output_of
from tasks.pure.outline import ADAPTERS, HEAD, Outline
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras


def taken(model: "keras.Model", digest: str) -> TakenIn:
    """The layers of `model` between what adapted its target's images and its head.

    Args:
        model: the final network of a run of `transfer_learning`.
        digest: of that network, for the lineage.
    """
    import keras

    layers = outline(model)
    inner = keras.Model(output_of(model, _lowest(layers)), output_of(model, _below_head(layers)), name="inner")
    about: dict[str, Any] = {"kind": "run", "digest": digest, "head": [HEAD]}
    return TakenIn(flatten(inner), about)


def _lowest(layers: Outline) -> str:
    """Name of the topmost adapter: what it gives has the base's own size and colours."""
    return [str(layer["name"]) for layer in layers if layer["name"] in ADAPTERS][-1]


def _below_head(layers: Outline) -> str:
    head = next((layer for layer in layers if layer["name"] == HEAD), None)
    return str(head["inputs"][0] if head else layers[-1]["name"])
