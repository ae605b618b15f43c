"""The network whose features a probe asks about: a base on the target's images, grafted as graft grafts it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.pure import architectures, surgery
from tasks.pure.data.rows import Images
from tasks.pure.frozen import frozen_part
from tasks.pure.layer_choice import Reuse
from tasks.pure.layers import output_of
from tasks.pure.outline import RESIZE, below_head, outlined_blocks
from tasks.pure.outlining import outline

if TYPE_CHECKING:
    import keras

CLASSES = 2  # of a head that is taken off again


def headless(base: "keras.Model", images: Images, seed: int) -> "keras.Model":
    """All layers of `base` behind what adapts images of this kind to it: size, grey and colour.

    Args:
        base: as it was taken in or trained, with a head or without one.
        images: some of the target's (n, height, width, channels).

    Returns:
        A network from the target's images to one vector each, what a head would get.

    Raises:
        BadData: images that the base would see 255 times too dark.
        SurgeryError: the base has no layer, or colours do not convert.
    """
    import keras

    architectures.check_scale(surgery.has_scale(base), images, "target")
    whole = Reuse("all", True, ()).resolved(outline(base))
    grafted = surgery.graft(base, whole, images.shape[1:], CLASSES, seed)
    return keras.Model(grafted.inputs[0], output_of(grafted, below_head(outline(grafted))), name="frozen")


def up_to(network: "keras.Model", cut: str | None) -> "keras.Model":
    """`network` up to its layer `cut`, what belongs to that layer included; all of it without a cut."""
    ends = {block.name: block.end for block in outlined_blocks(outline(network))} if cut else {}
    return frozen_part(network, ends.get(str(cut), cut)) or network


def seen(network: "keras.Model") -> Sequence[int]:
    """(height, width) of the pictures that the base in it sees, once they were adapted."""
    shapes = {layer.name: layer.output.shape for layer in network.layers}
    shape = shapes.get(RESIZE, network.input_shape)
    return int(shape[1]), int(shape[2])
