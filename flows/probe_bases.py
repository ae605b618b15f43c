"""The bases that `graft probe` is asked about: from a word to a recipe with that base, its data, and its network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from artifacts import codecs
from artifacts.errors import RecipeError, RunFirst, UsageError
from artifacts.refs import DatasetRef, ModelRef
from artifacts.store import Store
from flows import arguments, base_weights, layers_look, plan, probing, recipe_files
from flows.base_shape import base_shape
from flows.predicting import chosen_run
from flows.recipe_files import LoadedRecipe
from tasks.identity import SourceFiles
from tasks.probe import Candidate
from tasks.pure.bases import base as pure_base
from tasks.pure.bases import known_applications, lite0
from tasks.pure.readers import LISTED
from tasks.taking import take_in

if TYPE_CHECKING:
    import keras

# Whose networks are built for pictures of any size; the others bring a size of their own.
ANY_SIZE = ("application", "package")


@dataclass(frozen=True)
class ProbedBase:
    """A base that was asked for.

    Attributes:
        word: what it was called.
        recipe: the recipe with this base in the place of its own, of `source` and a training.
        own: whether it is the recipe's own base.
    """

    word: str
    recipe: LoadedRecipe
    own: bool

    def decoding(self, asked: LoadedRecipe) -> dict[str, Any]:
        """Overrides of the recipe `asked`, with which it decodes the target's pictures as for this base.

        Empty where it does so anyway, and for images that are arrays already.
        """
        wanted, given = (arguments.selection(each.recipe, "target") for each in (self.recipe, asked))
        size, colour = wanted.image_size, wanted.colour
        if asked.recipe.target.dataset not in LISTED or (size, colour) == (given.image_size, given.colour):
            return {}
        sized = {} if size is None else {"target.image_size": list(size)}
        return {**sized, "target.colour": colour}


def named(word: str, asked: LoadedRecipe) -> ProbedBase:
    """The base that a word means.

    It sees pictures of the size in the word, else of the recipe's own base, as far as it can; else that is left open
    until the target's images are known (`sized`).

    Raises:
        UsageError: it means none.
    """
    found = probing.section(word)
    if found is None:
        return ProbedBase(word, asked, True)
    section, size = found
    loaded = _alone(word, section, asked)
    if size is not None:
        _check_size(word, loaded, size)
        return ProbedBase(word, _with_size(loaded, size), False)
    base = asked.recipe.base
    inherited = base.size if base is not None and _takes_any_size(loaded) else None
    return ProbedBase(word, _with_size(loaded, _buildable(loaded, inherited)) if inherited else loaded, False)


def _alone(word: str, section: Mapping[str, str], asked: LoadedRecipe) -> LoadedRecipe:
    """The recipe with nothing in it but its data and that base."""
    bare = {**asked.recipe.model_dump(mode="json", include={"seed", "target", "evaluate"}), "base": section}
    try:
        return recipe_files.again(asked.name, word, bare, {}, {})
    except RecipeError as problem:
        raise UsageError(str(problem).replace(f"Recipe `{word}`", f"`--bases {word}`", 1)) from None


def _check_size(word: str, loaded: LoadedRecipe, size: tuple[int, int]) -> None:
    least = _buildable(loaded, size)
    if least != size:
        raise UsageError(
            f"`--bases {word}`: expected pictures of at least {least[0]} × {least[1]} pixels, what this network can "
            f"be built for, found {size[0]} × {size[1]}. Smaller pictures of the target are enlarged to its size."
        )


def sized(base: ProbedBase, height: int, width: int) -> ProbedBase:
    """`base` for images of that size, where it can be built for any and none was said."""
    section = base.recipe.recipe.base
    if base.own or section is None or section.size is not None or not _takes_any_size(base.recipe):
        return base
    own = base_shape(section)
    size = _buildable(base.recipe, (height, width))
    return base if own and own[:2] == size else replace(base, recipe=_with_size(base.recipe, size))


def check(base: ProbedBase, store: Store) -> None:
    """Refuse what is not there, before any data is read.

    Raises:
        RunFirst, DataError, UsageError: as `candidate`; nothing is fetched.
    """
    if base.recipe.recipe.base is None:
        _pretrained(base.recipe, store)
    else:
        base_weights.found(base.recipe.recipe, store, download=False)


def seen_before(base: ProbedBase, asked: LoadedRecipe, store: Store) -> str | None:
    """A warning where the base is the network of a run that was trained on the very target of the recipe `asked`."""
    section = base.recipe.recipe.base
    if section is None or section.run is None:
        return None
    run = chosen_run(store, str(section.run)).record
    trained_on = [_task(run.resolved[role]) for role in ("source", "target") if run.resolved.get(role)]
    if _task(asked.recipe.model_dump(mode="json")["target"]) not in trained_on:
        return None
    return (
        f"`{base.word}`: run {run.number} was trained on this very target, labels and all: it has seen what it is "
        "asked here, and its figures flatter it. Compare it with others on a target of its own, or leave it out."
    )


def _task(part: Mapping[str, Any]) -> list[Any]:
    """Which pictures and which question, however many labels were known."""
    return [part.get(name) for name in ("dataset", "path", "task")]


def section_of(base: ProbedBase) -> dict[str, Any] | None:
    """What stands in a recipe's `base` to get this one; None where it is the network that the recipe pretrains."""
    section = base.recipe.recipe.base
    return None if section is None else section.model_dump(mode="json", exclude_defaults=True)


def candidate(base: ProbedBase, target: DatasetRef, store: Store) -> Candidate:
    """What is asked about it, its weights found or fetched; at its top.

    Raises:
        RunFirst: it is the network that the recipe pretrains, and no run has done so.
        DataError: its file can be neither found nor fetched.
    """
    taken = arguments.base(base.recipe.recipe)
    if taken is None:
        ref = _pretrained(base.recipe, store)
        return Candidate(base.word, lambda: _read(ref, store), target, origin={"base": ref})
    weights = base_weights.found(base.recipe.recipe, store, download=True)
    seed = base.recipe.recipe.step_seed("pretrain")
    drawn = {"drawn": seed} if taken.weights == "none" else {}
    origin = {"network": taken, "weights": weights, **drawn}
    return Candidate(base.word, lambda: _taken(taken, weights, store, seed), target, origin=origin)


def _taken(base: pure_base.Base, weights: SourceFiles | ModelRef | None, store: Store, seed: int) -> "keras.Model":
    return take_in(base, weights, store, seed).model


def _read(ref: ModelRef, store: Store) -> "keras.Model":
    store.check(ref)
    return codecs.read_model(store.folder(ref))


def _pretrained(loaded: LoadedRecipe, store: Store) -> ModelRef:
    """The network that an earlier run pretrained with this very recipe."""
    steps = plan.walk(loaded)
    ref = layers_look.known_base(steps)
    if isinstance(ref, ModelRef) and store.facts(ref):
        return ref
    settings = "".join(f" --set {key}={value}" for key, value in loaded.overrides.items())
    raise RunFirst(
        f"`--bases {probing.OWN}`: `{loaded.title}` has no `base` of its own, and the network that it pretrains on its "
        f"source is not in the store {store.root}. Run `graft run {loaded.name}{settings}` first, or leave "
        f"`{probing.OWN}` out."
    )


def _with_size(loaded: LoadedRecipe, size: tuple[int, int]) -> LoadedRecipe:
    resolved: Mapping[str, Any] = loaded.recipe.model_dump(mode="json")
    return recipe_files.again(loaded.name, loaded.title, resolved, {}, {"base.input_size": list(size)})


def _takes_any_size(loaded: LoadedRecipe) -> bool:
    return loaded.recipe.base is not None and loaded.recipe.base.kind in ANY_SIZE


def _buildable(loaded: LoadedRecipe, size: tuple[int, int]) -> tuple[int, int]:
    """`size`, or the least that the base can be built for: smaller pictures are enlarged to it."""
    section = loaded.recipe.base
    if section is None or not _takes_any_size(loaded):
        return size
    application = known_applications.APPLICATIONS.get(section.application or "")
    least = application.traits.minimum if application else lite0.LEAST_SIZE
    return max(size[0], least), max(size[1], least)
