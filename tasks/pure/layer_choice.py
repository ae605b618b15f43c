"""From what a recipe says of layers (a number, names, patterns) to the names of a network's own, without Keras.

The recipe does not know the layers of a base that is taken in, so steps get these choices as they are written; what
they mean is found in the base's outline, and only the names that follow are part of a step's key.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tasks.pure.errors import SurgeryError
from tasks.pure.outline import ADDED, HEAD, Outline, OutlinedBlock, outlined_blocks

Choice = str | int | tuple[str, ...]
NAMED_AT_MOST = 12  # longer rows of names are cut in the middle of a message


@dataclass(frozen=True)
class Scion:
    """What is taken from the base, and what is put on top of it.

    Attributes:
        reused_layers: names of the layers to reuse, an unbroken row from the bottom up.
        copy_weights: False leaves their initial weights: a *random base*.
        add_hidden: widths of new Dense layers (ReLU) between the base and the new head: `added_1`, …
    """

    reused_layers: tuple[str, ...]
    copy_weights: bool
    add_hidden: tuple[int, ...]


@dataclass(frozen=True)
class Trainable:
    """What a training may change.

    Attributes:
        trainable_layers: names of layers, added layers and the head.
        trained_batch_norms: names of the reused layers whose batch norm trains, statistics included. All other batch
            norms of the base stay in inference mode, even where their layer trains: statistics that move with the few
            images of a target wreck what was learnt.
    """

    trainable_layers: tuple[str, ...]
    trained_batch_norms: tuple[str, ...]


@dataclass(frozen=True)
class Reuse:
    """What `clone_with_weights` is to take of a base.

    Attributes:
        layers: `all`, how many from the bottom, or the name of the topmost one.
        copy_weights: False leaves their initial weights: a *random base*.
        add_hidden: widths of new Dense layers (ReLU) between the base and the new head: `added_1`, …
    """

    layers: str | int
    copy_weights: bool
    add_hidden: tuple[int, ...]

    def resolved(self, outline: Outline) -> Scion:
        """The layers by name.

        Args:
            outline: of the base.

        Raises:
            SurgeryError: it has no such layers.
        """
        names = [block.name for block in outlined_blocks(outline)]
        if not names:
            raise SurgeryError(
                "`clone_with_weights.layers`: the base has no layer to reuse: between its input and its top nothing "
                "holds weights. Take a base with at least one Dense or convolution below its head."
            )
        if isinstance(self.layers, int):
            _check_number("clone_with_weights.layers", self.layers, names, "layers of the base")
            names = names[: self.layers]
        elif self.layers != "all":
            if self.layers not in names:
                raise SurgeryError(_no_layer("clone_with_weights.layers", self.layers, names, "layers of the base"))
            names = names[: names.index(self.layers) + 1]
        return Scion(tuple(names), self.copy_weights, self.add_hidden)


@dataclass(frozen=True)
class TrainableChoice:
    """What `freeze` leaves trainable, or `unfreeze` makes so.

    Attributes:
        frozen: of the reused layers: `all`, how many from the bottom, or names and patterns (`conv_*`).
        unfrozen: of the reused layers, what fine-tuning trains again: `all`, how many from the top, or names and
            patterns; None in the training of the head.
        batch_norm: `trained` lets batch norms adapt: all of them in the head's training, in fine-tuning those of the
            layers that it trains.
        key: where the recipe says what is unfrozen, for messages.
    """

    frozen: Choice
    batch_norm: str
    unfrozen: Choice | None = None
    key: str = "unfreeze.layers"

    def resolved(self, outline: Outline) -> Trainable:
        """The layers by name.

        Args:
            outline: of the network for the target, reused layers, added ones and head.

        Raises:
            SurgeryError: it has no such layers, or no batch norm to adapt.
        """
        blocks = outlined_blocks(outline)
        added = [block.name for block in blocks if is_added(block.name)]
        return self.of([block for block in blocks if not is_added(block.name)], added)

    def of(self, reused: Sequence[OutlinedBlock], added: Sequence[str]) -> Trainable:
        """As `resolved`, of a network that may be still to be made.

        Args:
            reused: the layers that it takes of its base.
            added: names of the hidden layers between them and the head.
        """
        names = [block.name for block in reused]
        frozen = set(named(names, self.frozen, "freeze.layers", from_top=False))
        if self.unfrozen is not None:
            frozen -= set(named(names, self.unfrozen, self.key, from_top=True))
        trained = [name for name in names if name not in frozen]
        return Trainable((*trained, *added, HEAD), tuple(self._adapting(reused, trained)))

    def _adapting(self, reused: Sequence[OutlinedBlock], trained: Sequence[str]) -> list[str]:
        if self.batch_norm != "trained":
            return []
        if not any(block.batch_norm for block in reused):
            section = "freeze" if self.unfrozen is None else "unfreeze"
            raise SurgeryError(f"`{section}.batch_norm`: `trained`, but the base has no batch norm; leave it out.")
        of = [block for block in reused if self.unfrozen is None or block.name in trained]
        return [block.name for block in of if block.batch_norm]


@dataclass(frozen=True)
class LayerChoices:
    """All that a recipe says of layers, to be checked as soon as a base's own are known.

    Attributes:
        reuse: for `clone_with_weights`.
        choices: for `freeze` and `unfreeze`.
    """

    reuse: Reuse
    choices: tuple[TrainableChoice, ...]

    def check(self, outline: Outline) -> None:
        """Raises SurgeryError where the base with that outline has no such layers."""
        reused = len(self.reuse.resolved(outline).reused_layers)
        for choice in self.choices:
            choice.of(outlined_blocks(outline)[:reused], ())


def named(names: Sequence[str], choice: Choice, key: str, *, from_top: bool) -> list[str]:
    """The reused layers, in their own order, that `choice` means.

    Args:
        names: of the reused layers, from the bottom up.
        key: of the recipe, for the message.
        from_top: whether a number counts from the top.

    Raises:
        SurgeryError: a name or pattern that is none of them, or a number that is too large.
    """
    what = "layers that `clone_with_weights` reuses"
    if isinstance(choice, int):
        _check_number(key, choice, names, what)
        return list(names[len(names) - choice :] if from_top else names[:choice])
    if choice == "all":
        return list(names)
    patterns = [choice] if isinstance(choice, str) else choice
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise SurgeryError(_no_layer(key, pattern, names, what))
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def is_added(name: str) -> bool:
    """Whether a layer is one of those that `clone_with_weights.add_hidden` puts above the base."""
    return name.startswith(ADDED) and name.removeprefix(ADDED).isdigit()


def _check_number(key: str, number: int, names: Sequence[str], what: str) -> None:
    if number > len(names):
        raise SurgeryError(f"`{key}`: {number} of {len(names)} {what}; expected at most {len(names)}.")


def _no_layer(key: str, name: str, names: Sequence[str], what: str) -> str:
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
    half = NAMED_AT_MOST // 2
    shown = list(names) if len(names) <= NAMED_AT_MOST else [*names[:half], "…", *names[-half:]]
    listed = ", ".join(each if each == "…" else f"`{each}`" for each in shown)
    return f"`{key}`: no layer named `{name}`; did you mean `{nearest}`? The {len(names)} {what}: {listed}."
