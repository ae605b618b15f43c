"""Where a network can be cut, and what graft calls its *layers*, found from its outline alone: no Keras here.

An outline is what a model's manifest keeps of each Keras layer, in the order of the graph: `name`, `kind` (class),
`inputs` (names of the layers that it reads), `output_shape` (without the batch), `weights` (count), `trains`, `steady`.

A *cut point* is a layer through which every path from the image to the answer goes (an articulation point of the
graph). What lies between two neighbouring cut points and holds weights is a layer in graft's sense, a *block*: a Dense
or a convolution of a chain, a residual block of a MobileNetV2, a layer of a ViT-like encoder. It has the name of the
Keras layer at its end. What follows it without a kernel of its own (norm, activation, dropout, pooling) belongs to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

HEAD = "head"
IMAGE = "image"
RESIZE, TO_GREY, TO_RGB = "resize", "to_grey", "to_rgb"
SCALE, FLATTEN, GLOBAL_AVERAGE = "scale", "flatten", "global_average"
ADDED = "added_"  # hidden layers below the head: `added_1`, …
# What adapts images to a base. It is made anew for each target, so it is not part of a base either.
ADAPTERS = frozenset({IMAGE, RESIZE, TO_GREY, TO_RGB})
# Weights of these alone make no layer: they belong to the one before.
NORMS = frozenset(
    {
        "BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization", "UnitNormalization",
        "Normalization",
    }
)  # fmt: skip
# Layers, and the arithmetic (`x / 127.5 - 1`) that `preprocess_input` leaves in a network.
SCALES_PIXELS = frozenset({"Rescaling", "Normalization", "TrueDivide", "Divide", "Multiply", "Subtract", "Add"})

Outline = Sequence[Mapping[str, Any]]
MEMBERS = frozenset({"name", "kind", "inputs", "output_shape", "weights", "trains", "steady"})


@dataclass(frozen=True)
class OutlinedBlock:
    """A layer in graft's sense.

    Attributes:
        name: of the Keras layer at the end of its part of the graph, norms and the like behind it aside.
        members: names of all Keras layers that belong to it, in order.
        end: the topmost of them; what it gives is what a network that is cut here gives. Flatten and global pooling
            above it are no members: a network that is cut here pools in its own way.
        batch_norm: whether it holds a batch norm.
    """

    name: str
    members: tuple[str, ...]
    end: str
    batch_norm: bool


def known(facts: Mapping[str, Any] | None) -> Outline:
    """The outline among a model's facts; empty where an older graft's manifest tells less of a layer, or nothing."""
    layers = (facts or {}).get("layers")
    whole = isinstance(layers, list) and all(isinstance(layer, Mapping) and layer.keys() >= MEMBERS for layer in layers)
    return layers if whole and layers else []


def cut_points(outline: Outline) -> list[int]:
    """Places in `outline` of the layers that everything passes through, from the bottom up."""
    place = {str(layer["name"]): number for number, layer in enumerate(outline)}
    over = [0] * (len(outline) + 1)  # connections that pass over a layer, as differences
    for number, layer in enumerate(outline):
        for name in layer["inputs"]:
            lower, upper = sorted((place[name], number))
            if place[name] > number:  # a layer that is used twice: what it closes is no chain
                lower, upper = lower - 1, upper + 1
            over[lower + 1] += 1
            over[min(upper, len(outline))] -= 1
    found, passing = [], 0
    for number in range(len(outline)):
        passing += over[number]
        if passing <= 0:
            found.append(number)
    return found


def outlined_blocks(outline: Outline) -> list[OutlinedBlock]:
    """The layers in graft's sense, from the bottom up, without the head; added layers are among them."""
    found: list[OutlinedBlock] = []
    before, closed = -1, False
    for cut in cut_points(outline):
        segment = outline[before + 1 : cut + 1]
        before = cut
        if segment[-1]["name"] == HEAD:
            break
        if any(_has_kernel(layer, bool(found)) for layer in segment):
            found.append(_block(segment))
            closed = False
        elif found:
            closed = closed or _collapses(outline, cut, found[-1].end)
            found[-1] = _joined(found[-1], segment, closed)
    return found


def below_head(outline: Outline) -> str:
    """Name of the layer below the head, pooling included; of the topmost one where there is no head."""
    top = outline[-1]
    return str(top["inputs"][0] if top["name"] == HEAD else top["name"])


def above_first(outline: Outline) -> set[str]:
    """Names of what lies in or above the lowest block: all but what prepares the pixels."""
    blocks = outlined_blocks(outline)
    if not blocks:
        return set()
    names = [str(layer["name"]) for layer in outline]
    return set(names[names.index(blocks[0].members[0]) :])


def scales_pixels(outline: Outline) -> bool:
    """Whether the network brings pixels of 0–255 to its own scale itself: before its lowest block something does."""
    upper = above_first(outline)
    below = [layer for layer in outline if layer["name"] not in upper]
    return any(layer["kind"] in SCALES_PIXELS or _prepares(layer) for layer in below)


def multiply_adds(outline: Outline, members: Sequence[str]) -> int:
    """Multiplications with weights for one image: each weight once at every place of its layer's output.

    Products of activations with each other (attention's scores) are left out.
    """
    chosen = [layer for layer in outline if layer["name"] in set(members) and layer["kind"] not in NORMS]
    return sum(int(layer["weights"]) * prod(layer["output_shape"][:-1]) for layer in chosen)


def _has_kernel(layer: Mapping[str, Any], above: bool) -> bool:
    """Whether it holds weights that are no norm's and no preparation of pixels."""
    counts = bool(layer["weights"]) and layer["kind"] not in NORMS and layer["name"] not in ADAPTERS
    return counts and (above or not _prepares(layer))


def _prepares(layer: Mapping[str, Any]) -> bool:
    """A fixed layer that brings pixels to the base's own scale: `scale`, `scale_flip`, … before anything else."""
    return layer["name"] == SCALE or str(layer["name"]).startswith(f"{SCALE}_")


def _block(segment: Outline) -> OutlinedBlock:
    names = tuple(str(layer["name"]) for layer in segment)
    return OutlinedBlock(names[-1], names, names[-1], _holds_batch_norm(segment))


def _joined(block: OutlinedBlock, segment: Outline, closed: bool) -> OutlinedBlock:
    """`block` with what follows it. Behind a Flatten or a global pooling only weights still belong to it."""
    names = tuple(str(layer["name"]) for layer in segment if layer["weights"] or not closed)
    end = block.end if closed or not names else names[-1]
    return OutlinedBlock(block.name, block.members + names, end, block.batch_norm or _holds_batch_norm(segment))


def _collapses(outline: Outline, place: int, end: str) -> bool:
    """Whether the layer at `place` gives fewer dimensions than the block below it: Flatten, global pooling."""
    below = next(layer for layer in outline if layer["name"] == end)
    return len(outline[place]["output_shape"]) < len(below["output_shape"])


def _holds_batch_norm(segment: Outline) -> bool:
    return any(layer["kind"] == "BatchNormalization" for layer in segment)
