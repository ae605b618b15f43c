"""A network of a user's own in the form that graft works on: flat, without head, with its scaling inside."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.pure.bases.base import Base
from tasks.pure.bases.files.flattening import check_graph, flatten
from tasks.pure.bases.files.heads import Topped, without_head
from tasks.pure.errors import BadBase, SurgeryError
from tasks.pure.outline import SCALE, scales_pixels
from tasks.pure.outlining import outline
from tasks.pure.regrowing import regrow

if TYPE_CHECKING:
    import keras

Factor = float | list[float]  # for all channels, or one for each
DROPOUTS = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
)  # fmt: skip
AUGMENTS = ("RandAugment", "AugMix", "MixUp", "CutMix")  # and all that begin with "Random"
SCALES = {"unit": (1 / 255, 0.0), "symmetric": (1 / 127.5, -1.0)}


@dataclass(frozen=True)
class OwnPixels:
    """What is known beside a network about the pixels that it takes.

    Attributes:
        scaling: factor and offset that bring pixels of 0 to 255 to what its first layer expects.
        size: (height, width) that it was trained with.
    """

    scaling: tuple[Factor, Factor] | None = None
    size: tuple[int, int] | None = None


NOTHING_KNOWN = OwnPixels()


def brought_in(
    model: Any, base: Base, what: str, own: OwnPixels = NOTHING_KNOWN
) -> tuple["keras.Model", dict[str, Any]]:
    """The network as a base, and what the lineage says of it.

    Args:
        model: as Keras loaded it.
        what: where it came from, for messages.

    Raises:
        BadBase: it cannot be taken in, with the reason and what to do.
    """
    check_graph(model, what, several_outputs=base.cut is not None)
    try:
        topped, left_out = _without_head_and_noise(model, base, what, own)
        taken = _on_its_own(topped.model)
    except BadBase as problem:
        raise BadBase(str(problem) if what in str(problem) else f"{what}: {problem}") from None
    return taken, {
        "input_size": list(taken.input_shape[1:3]),
        "parameters": taken.count_params(),
        "head": list(topped.dropped),
        "classes_of_head": topped.classes,
        "left_out": list(left_out),
    }


def _without_head_and_noise(model: Any, base: Base, what: str, own: OwnPixels) -> tuple[Topped, tuple[str, ...]]:
    """What is taken of the network; and the names of dropout and augmentation layers that are not."""
    size, left_out = _size(model, base, what, own), _LeftOut(base.dropout)
    flat = flatten(model, None, size, left_out, base.dropout)
    _check_scale(flat, base, what, own)
    scaling = own.scaling or SCALES.get(str(base.scale))
    if scaling:
        flat = flatten(model, _prepared(*scaling), size, left_out, base.dropout)
    return without_head(flat, base.cut), tuple(left_out.names)


def _size(model: Any, base: Base, what: str, own: OwnPixels) -> tuple[int, int]:
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise BadBase(
            f"{what}: expected a network for pictures, (height, width, 1 or 3), found one for inputs of {shape}. Put a "
            "`Reshape` or the like in front, so that it takes pictures, and save it anew."
        )
    size = base.input_size or (own.size if None in shape[:2] and own.size else shape[:2])
    if None in size:
        raise BadBase(
            f"{what}: the network takes pictures of any size, so the recipe has to say which: `base.input_size`, such "
            "as 96."
        )
    return int(size[0]), int(size[1])


def _prepared(factor: Factor, offset: Factor) -> Callable[[Any], Any]:
    """What puts a Rescaling in front of the first layer."""

    def prepare(image: Any) -> Any:
        import keras

        return keras.layers.Rescaling(factor, offset, name=SCALE)(image)

    return prepare


@dataclass
class _LeftOut:
    """Which layers go, and the names of those that went.

    Augmentation goes: the recipe says what is augmented. So does dropout, unless it is to stay.
    """

    dropout: bool
    names: dict[str, None] = field(default_factory=dict)

    def __call__(self, operation: Any) -> bool:
        goes = self._goes(operation)
        if goes:
            self.names[operation.name] = None
        return goes

    def _goes(self, operation: Any) -> bool:
        kind = type(operation).__name__
        if kind == "Pipeline":
            return all(self._goes(layer) for layer in operation.layers)
        return kind.startswith("Random") or kind in AUGMENTS or (kind in DROPOUTS and not self.dropout)


def _check_scale(model: "keras.Model", base: Base, what: str, own: OwnPixels) -> None:
    """Pixels are 0 to 255; whether the network expects them so, only who trained it knows, where it does not scale."""
    if own.scaling or scales_pixels(outline(model)):
        if base.scale is not None:
            by = "as its preset says" if own.scaling else "by its first layers"
            raise BadBase(
                f"{what}: `base.scale: {base.scale}`, but the network scales pixels itself, {by}. Leave it out."
            )
    elif base.scale is None:
        raise BadBase(
            f"{what}: nothing in the network scales pixels, so the recipe has to say what it was trained on. "
            "`base.scale: unit`: pixels divided by 255; `symmetric`: brought to -1 … 1; `none`: as they are, 0 to 255."
        )


def _on_its_own(model: "keras.Model") -> "keras.Model":
    """The same network, sharing nothing with the one whose head was dropped."""
    import keras

    image = keras.Input(model.input_shape[1:], name=model.inputs[0].name)
    try:
        return keras.Model(image, regrow(model, image, [layer.name for layer in model.layers]), name="base")
    except (ValueError, SurgeryError) as problem:
        raise BadBase(f"The network cannot be made anew: {problem}") from None
