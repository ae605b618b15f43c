"""`base: {run: …}`: the network that an earlier run ended with, as the base of another."""

from typing import TYPE_CHECKING, Any

from tasks.pure.bases.taken import TakenIn
from tasks.pure.layer_choice import is_added
from tasks.pure.outline import HEAD, IMAGE, below_head
from tasks.pure.outlining import outline
from tasks.pure.regrowing import above_adapters, regrow

if TYPE_CHECKING:
    import keras

OF_BASE = "_of_base"  # `added_1` of the new network is another layer


def taken(model: "keras.Model", digest: str) -> TakenIn:
    """The layers of `model` between what adapted its target's images and its head.

    Args:
        model: the final network of a run of `transfer_learning`.
        digest: of that network, for the lineage.
    """
    import keras

    inner = above_adapters(model, below_head(outline(model)))
    names = [layer.name for layer in inner.layers]
    image = keras.Input(inner.input_shape[1:], name=IMAGE)
    grown = regrow(inner, image, names, {name: f"{name}{OF_BASE}" for name in names if is_added(name)})
    about: dict[str, Any] = {"kind": "run", "network": digest, "head": [HEAD], "parameters": inner.count_params()}
    return TakenIn(keras.Model(image, grown, name="base"), about)
