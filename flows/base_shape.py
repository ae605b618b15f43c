"""What pictures a base takes, as far as that is known before it is taken in."""

from flows.recipe_base import Base

OWN_SHAPES = {"efficientnet-lite0": (224, 224, 3)}  # of the packages


def base_shape(base: Base) -> tuple[int, int, int] | None:
    """(height, width, channels) of the pictures that the base takes; None where only the network itself can tell.

    A base that was given a size is said to take colours where it cannot be asked: what is there to be taken in is
    trained on photographs.
    """
    own = _own_shape(base)
    if base.size is None:
        return own
    return (*base.size, own[2] if own else 3)


def _own_shape(base: Base) -> tuple[int, int, int] | None:
    return OWN_SHAPES.get(base.package) if base.package else None
