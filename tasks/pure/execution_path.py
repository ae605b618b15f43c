"""Which way a training is computed: with XLA or without, whole or on stored activations of its frozen part.

Both change bits, so the way is chosen here, before anything runs and without TensorFlow, and is part of the step's key.
It depends on what the network holds, on how much there is to do and on the recipe's bound; never on what is free or how
fast the machine is today. No GPU could be measured, so it is the same there. `tests/benchmarks/RESULTS.md` has figures.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from tasks.pure.outline import ADAPTERS, cut_points

# What XLA is a gain for on a CPU. A convolution under XLA takes 30 times as long as without (keras-facts.md).
DENSE = frozenset(
    {
        "InputLayer", "Rescaling", "Flatten", "Reshape", "Dense", "BatchNormalization", "LayerNormalization", "Dropout",
        "Activation", "ReLU", "LeakyReLU", "Softmax",
    }
)  # fmt: skip
# Below this many updates XLA's compilation (a second or so) costs more than it saves.
XLA_UPDATES = 4000
MEGABYTE = 10**6


@dataclass(frozen=True)
class ExecutionPath:
    """The way of one training.

    Attributes:
        jit: the epochs are compiled with XLA.
        cut: name of the layer whose stored activations are trained on; None trains the whole network on images.
    """

    jit: bool = False
    cut: str | None = None


@dataclass(frozen=True)
class FeatureCache:
    """The recipe's bound on stored activations. Only the path that follows from it is part of a key.

    Attributes:
        megabytes: the most that the activations of one cut may take, 0 for never.
    """

    megabytes: int


@dataclass(frozen=True)
class Chosen:
    """A path, and why the frozen part has to be computed in every epoch where that is so; "" where nobody wonders."""

    path: ExecutionPath
    remark: str = ""


@dataclass(frozen=True)
class Work:
    """How much a training has to do.

    Attributes:
        examples: in the training part.
        validated: in the validation part.
        batch_size, epochs: as the recipe says.
        augmented: other pictures are drawn in every epoch, or `copies` times once and for all.
        copies: of the training part, whose activations are stored; None for no such copies.
    """

    examples: int
    validated: int
    batch_size: int
    epochs: int
    augmented: bool = False
    copies: int | None = None

    def updates(self) -> int:
        return -(-self.examples // self.batch_size) * self.epochs


def of_new_network(architecture: str, work: Work) -> Chosen:
    """The path of a pretraining: nothing is frozen yet."""
    return Chosen(ExecutionPath(jit=_on_images(["Dense" if architecture == "dense" else "Conv2D"], work)))


def of_grafted_network(outline: Sequence[Mapping[str, Any]], work: Work, megabytes: int) -> Chosen:
    """The path of a training of which part is frozen.

    Args:
        outline: the network's layers in order, as a model's manifest has them (`outline.py`).
        megabytes: the most that the activations may take, 0 for never.
    """
    on_images = ExecutionPath(jit=_on_images(_kinds(outline), work))
    first = _first(layer["trains"] for layer in outline)
    unsteady = _first(not layer["steady"] for layer in outline[:first])
    below = _below(outline, min(first, unsteady))
    if not below:
        frozen = bool(_below(outline, first))
        return Chosen(on_images, _unsteady(outline[unsteady], work) if frozen else "")
    remark = _why_not_stored(below, work, megabytes)
    if remark:
        return Chosen(on_images, remark + _instead_of_copies(work))
    return Chosen(ExecutionPath(_worth_xla(_kinds(outline[len(below) :]), work), str(below[-1]["name"])))


def _first(found: Iterable[bool]) -> int:
    """The place of the first that is true; the end where none is."""
    place = 0
    for place, each in enumerate(found):
        if each:
            return place
    return place + 1


def _below(outline: Sequence[Mapping[str, Any]], limit: int) -> Sequence[Mapping[str, Any]]:
    """The layers up to the highest one below `limit` that everything passes through; none where all they do is adapt
    images."""
    top = max((place for place in cut_points(outline) if place < limit), default=-1)
    below = outline[: top + 1]
    return below if any(layer["weights"] and layer["name"] not in ADAPTERS for layer in below) else []


def _unsteady(layer: Mapping[str, Any], work: Work) -> str:
    return (
        f"`{layer['name']}` below every frozen layer with weights may give other activations in every epoch"
        + _instead_of_copies(work)
    )


def _kinds(layers: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(layer["kind"]) for layer in layers]


def _on_images(kinds: Iterable[str], work: Work) -> bool:
    """Whether to compile a training on images with XLA: never what augments them, whose layers Keras bars from it."""
    return not work.augmented and _worth_xla(kinds, work)


def _instead_of_copies(work: Work) -> str:
    return "; augments anew in every epoch instead of `augment_copies`" if work.copies else ""


def _worth_xla(kinds: Iterable[str], work: Work) -> bool:
    return DENSE.issuperset(kinds) and work.updates() >= XLA_UPDATES


def _why_not_stored(below: Sequence[Mapping[str, Any]], work: Work, megabytes: int) -> str:
    """Why training on stored activations would not be exact, or is not wanted; "" if it is."""
    if work.augmented and not work.copies:
        return "`augment` draws other pictures each time"
    if 1 in (work.batch_size, work.examples % work.batch_size):
        # A product with one row is computed in another way, with other last bits.
        return f"{work.examples:,} examples in batches of {work.batch_size} leave a batch of one"
    size = 4 * prod(below[-1]["output_shape"]) * (work.examples * (work.copies or 1) + work.validated)
    if size > megabytes * MEGABYTE:
        return f"they would take {size / MEGABYTE:,.0f} MB, more than `feature_cache_mb` ({megabytes:,})"
    return ""
