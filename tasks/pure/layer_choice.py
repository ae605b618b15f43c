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
        problem = self.problem(names)
        if problem:
            raise SurgeryError(problem)
        return Scion(tuple(names[: self._count(names)]), self.copy_weights, self.add_hidden)

    def reused(self, base: Sequence[OutlinedBlock]) -> Sequence[OutlinedBlock]:
        """Those of a base's layers that are taken, where there is no problem with them."""
        return base[: self._count([block.name for block in base])]

    def problem(self, names: Sequence[str]) -> str | None:
        """Why a base with layers called `names`, from the bottom up, has none such; None where all is well."""
        key, what = "clone_with_weights.layers", "layers of the base"
        if not names:
            return (
                f"`{key}`: the base has no layer to reuse: between its input and its top nothing holds weights. Take a "
                "base with at least one Dense or convolution below its head."
            )
        if isinstance(self.layers, int):
            return _too_many(key, self.layers, names, what)
        return _none_such(key, [] if self.layers == "all" or self.layers in names else [self.layers], names, what)

    def _count(self, names: Sequence[str]) -> int:
        if isinstance(self.layers, int):
            return self.layers
        return len(names) if self.layers == "all" else names.index(self.layers) + 1


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
        problems = self.problems(reused)
        if problems:
            raise SurgeryError(problems[0])
        names = [block.name for block in reused]
        frozen = set(named(names, self.frozen, from_top=False))
        if self.unfrozen is not None:
            frozen -= set(named(names, self.unfrozen, from_top=True))
        trained = [name for name in names if name not in frozen]
        return Trainable((*trained, *added, HEAD), tuple(self._adapting(reused, trained)))

    def problems(self, reused: Sequence[OutlinedBlock]) -> list[str]:
        """Why a network that takes these layers of its base cannot be trained so; empty where all is well."""
        names = [block.name for block in reused]
        wanted = [("freeze.layers", self.frozen)] + ([] if self.unfrozen is None else [(self.key, self.unfrozen)])
        found = [problem for key, choice in wanted if (problem := unknown(key, choice, names))]
        if self.batch_norm == "trained" and not any(block.batch_norm for block in reused):
            section = "freeze" if self.unfrozen is None else "unfreeze"
            found.append(
                f"`{section}.batch_norm`: `trained`, but the base has no batch norm; leave it out, or take a base that "
                "has some (one that `pretrain` builds: `pretrain.batch_norm: true`)."
            )
        return found

    def _adapting(self, reused: Sequence[OutlinedBlock], trained: Sequence[str]) -> list[str]:
        if self.batch_norm != "trained":
            return []
        of = [block for block in reused if self.unfrozen is None or block.name in trained]
        return [block.name for block in of if block.batch_norm]


@dataclass(frozen=True)
class LayerChoices:
    """All that a recipe says of layers, to be checked as soon as a base's own are known.

    Attributes:
        reuse: for `clone_with_weights`.
        in_head: for `freeze`.
        in_fine_tune: for `unfreeze`.
        in_stages: for each of `fine_tune.stages`.
    """

    reuse: Reuse
    in_head: TrainableChoice
    in_fine_tune: TrainableChoice
    in_stages: tuple[TrainableChoice, ...] = ()

    def check(self, outline: Outline) -> None:
        """Raises SurgeryError where the base with that outline has no such layers, with all that is wrong."""
        problems = self.problems(outlined_blocks(outline))
        if problems:
            raise SurgeryError(" ".join(problems))

    def problems(self, base: Sequence[OutlinedBlock]) -> list[str]:
        """Everything that cannot be done with a base of these layers, each told once; empty where all is well."""
        problem = self.reuse.problem([block.name for block in base])
        if problem:  # what `freeze` may name depends on the cut, so a wrong cut would only cause errors that mislead
            return [problem]
        reused = self.reuse.reused(base)
        choices = (self.in_head, self.in_fine_tune, *self.in_stages)
        found = dict.fromkeys(problem for choice in choices for problem in choice.problems(reused))
        if found:
            return list(found)
        return beyond(self.in_fine_tune.of(reused, ()), [stage.of(reused, ()) for stage in self.in_stages])


def beyond(whole: Trainable, stages: Sequence[Trainable]) -> list[str]:
    """The stages that train what the whole fine-tuning leaves frozen, in words.

    Args:
        whole: what all stages together may change.
    """
    outside = [
        [name for name in stage.trainable_layers if name not in whole.trainable_layers]
        + [name for name in stage.trained_batch_norms if name not in whole.trained_batch_norms]
        for stage in stages
    ]
    return [
        f"`fine_tune.stages`: stage {number} trains {', '.join(f'`{name}`' for name in dict.fromkeys(names))}, which "
        "`unfreeze.layers` leaves frozen; unfreeze all that any stage is to train, or leave it out there."
        for number, names in enumerate(outside, start=1)
        if names
    ]


def named(names: Sequence[str], choice: Choice, *, from_top: bool) -> list[str]:
    """The reused layers, in their own order, that `choice` means.

    Args:
        names: of the reused layers, from the bottom up.
        from_top: whether a number counts from the top.
    """
    if isinstance(choice, int):
        return list(names[len(names) - choice :] if from_top else names[:choice])
    patterns = _patterns(choice)
    return [name for name in names if choice == "all" or any(fnmatchcase(name, pattern) for pattern in patterns)]


def is_added(name: str) -> bool:
    """Whether a layer is one of those that `clone_with_weights.add_hidden` puts above the base."""
    return name.startswith(ADDED) and name.removeprefix(ADDED).isdigit()


def _patterns(choice: str | tuple[str, ...]) -> Sequence[str]:
    return [choice] if isinstance(choice, str) else choice


def unknown(key: str, choice: Choice, names: Sequence[str]) -> str | None:
    """What to say of a number that is too large, or of names and patterns that are none of `names`."""
    what = "layers that `clone_with_weights` reuses"
    if isinstance(choice, int):
        return _too_many(key, choice, names, what)
    wanted = [] if choice == "all" else _patterns(choice)
    return _none_such(key, [each for each in wanted if not named(names, (each,), from_top=False)], names, what)


def _too_many(key: str, number: int, names: Sequence[str], what: str) -> str | None:
    if number <= len(names):
        return None
    return f"`{key}`: {number} of {len(names)} {what}; expected at most {len(names)}."


def _none_such(key: str, wrong: Sequence[str], names: Sequence[str], what: str) -> str | None:
    if not wrong:
        return None
    by_lower = {name.lower(): name for name in reversed(names)}
    nearest = [by_lower[difflib.get_close_matches(each.lower(), by_lower, n=1, cutoff=0.0)[0]] for each in wrong]
    told = "? No ".join(
        f"layer named `{each}`; did you mean `{near}`" for each, near in zip(wrong, nearest, strict=True)
    )
    half = NAMED_AT_MOST // 2
    shown = list(names) if len(names) <= NAMED_AT_MOST else [*names[:half], "…", *names[-half:]]
    listed = ", ".join(each if each == "…" else f"`{each}`" for each in shown)
    return f"`{key}`: no {told}? The {len(names)} {what}: {listed}."
