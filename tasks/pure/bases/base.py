"""Which network is taken in, and how: the words of the recipe's section `base`."""

from dataclasses import dataclass

Option = str | int | float | bool


@dataclass(frozen=True)
class Base:
    """A network from outside, in the place of one that `pretrain` builds.

    Where its bytes lie is no part of this: their digest is in the step's key beside it.

    Attributes:
        kind: `application` (keras.applications), `file`, `package`, `kerashub` or `run`.
        name: of the application, package or preset; None for a file and a run.
        weights: of an application: `imagenet`, `none` or `file`; None for the others.
        input_size: (height, width) of the pictures that it is to take; None for its own.
        cut: name of the Keras layer on top of what is taken; None finds and drops the head.
        scale: what is done to pixels before the first layer where the network itself does nothing: `none`, `unit`
            (0 … 1) or `symmetric` (-1 … 1); None where it brings its own scaling.
        dropout: whether its own Dropout layers stay; without them frozen layers give the same in every epoch.
        options: of an application's builder, such as ("alpha", 0.35).
    """

    kind: str
    name: str | None = None
    weights: str | None = None
    input_size: tuple[int, int] | None = None
    cut: str | None = None
    scale: str | None = None
    dropout: bool = False
    options: tuple[tuple[str, Option], ...] = ()
