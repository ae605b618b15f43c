"""The layers of a recipe's base: what they hold and cost, and what the recipe does with each."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from artifacts.errors import RecipeError, RunFirst
from artifacts.refs import Ref
from artifacts.store import Store
from flows import arguments, base_weights, picture_checks, recipe_layers
from flows.plan import PlannedStep
from flows.recipe import Recipe
from flows.recipe_files import LoadedRecipe
from flows.recipe_training import GraftedTraining
from tasks.pure.bases.base import Base
from tasks.pure.errors import SurgeryError
from tasks.pure.execution_path import Work, of_grafted_network
from tasks.pure.layer_choice import Trainable, TrainableChoice
from tasks.pure.outline import ADDED, HEAD, Outline, OutlinedBlock, known, multiply_adds, outlined_blocks

DROPPED, FROZEN, STORED, TRAINED = "not reused", "frozen", "stored", "trained"


@dataclass(frozen=True)
class LayerLine:
    """One layer of the base.

    Attributes:
        name: as the recipe names it.
        parameters: weights, those of its norms included.
        output_shape: without the batch.
        multiply_adds: for one image.
        in_head, in_fine_tune: what the two trainings do with it: `not reused`, `frozen`, `stored` (frozen, and
            its activations are computed once) or `trained`.
    """

    name: str
    parameters: int
    output_shape: tuple[int | None, ...]
    multiply_adds: int
    in_head: str
    in_fine_tune: str


def known_outline(steps: Sequence[PlannedStep], store: Store) -> Outline | None:
    """The outline of the base as an earlier run left it; None where none has, or an older graft told less of it."""
    ref = known_base(steps)
    return known(store.facts(ref)) or None if ref else None


def known_base(steps: Sequence[PlannedStep]) -> Ref | None:
    """The base as an earlier run left it."""
    return _output(steps, "save_model") or _output(steps, "pretrain", "model")


def new_outline(loaded: LoadedRecipe, steps: Sequence[PlannedStep], store: Store) -> Outline:
    """The outline of a base that no run has made yet: taken in or built now, and dropped again.

    Args:
        steps: of its plan.

    Raises:
        RunFirst: the images that it is to be built for are not known.
    """
    from artifacts import codecs
    from tasks.pure import architectures, session
    from tasks.pure.outlining import outline
    from tasks.taking import take_in

    network = arguments.network(loaded.recipe)
    shape = _source_shape(loaded, steps, store)
    if loaded.recipe.base is None and shape is None:
        raise RunFirst(
            f"The layers of `{loaded.title}` depend on the size of its source's images, which nobody has looked at. "
            f"Run `graft data {loaded.name}` or `graft run {loaded.name}` first."
        )
    codecs.use_tensorflow()
    session.fresh(0)
    if loaded.recipe.base is not None and isinstance(network, Base):
        weights = base_weights.found(loaded.recipe, store, download=True)
        return outline(take_in(network, weights, store, 0).model)
    if not isinstance(network, architectures.Network) or shape is None:
        raise RecipeError(f"Recipe `{loaded.title}` has neither a network to build nor a base to take in.")
    return outline(architectures.build(network, shape, 2, 0))


def lines(recipe: Recipe, outline: Outline, counts: Mapping[str, int] | None) -> list[LayerLine]:
    """Every layer of the base, from the bottom up.

    Args:
        counts: images in the target's parts; None where nobody has counted them: no activations are too large then.

    Raises:
        RecipeError: the recipe names layers that the base does not have.
    """
    try:
        recipe_layers.layer_choices(recipe).check(outline)
        reused = recipe_layers.reuse(recipe).resolved(outline).reused_layers
    except SurgeryError as problem:
        raise RecipeError(str(problem)) from None
    blocks = outlined_blocks(outline)
    taken = blocks[: len(reused)]
    head = _states(recipe, outline, taken, recipe_layers.trainable_in_head(recipe), recipe.train_head, counts)
    tuned = _states(recipe, outline, taken, recipe_layers.trainable_in_fine_tune(recipe), recipe.fine_tune, counts)
    return [
        LayerLine(
            block.name,
            sum(int(layer["weights"]) for layer in outline if layer["name"] in block.members),
            tuple(next(layer["output_shape"] for layer in outline if layer["name"] == block.end)),
            multiply_adds(outline, block.members),
            head.get(block.name, DROPPED),
            tuned.get(block.name, DROPPED),
        )
        for block in blocks
    ]


def as_json(loaded: LoadedRecipe, found: Sequence[LayerLine]) -> dict[str, Any]:
    """What `graft layers --json` prints."""
    return {"recipe": loaded.name, "layers": [asdict(line) for line in found]}


def _states(
    recipe: Recipe,
    outline: Outline,
    taken: Sequence[OutlinedBlock],
    choice: TrainableChoice,
    section: GraftedTraining,
    counts: Mapping[str, int] | None,
) -> dict[str, str]:
    """Layer → what a training does with it."""
    added = [f"{ADDED}{number}" for number in range(1, len(recipe.clone_with_weights.add_hidden) + 1)]
    declared = choice.of(taken, added)
    cut = _cut(outline, taken, declared, section, counts)
    names = [str(layer["name"]) for layer in outline]
    below = set(names[: names.index(cut) + 1]) if cut in names else set(names) if cut else set()
    return {
        block.name: TRAINED
        if block.name in declared.trainable_layers
        else STORED
        if set(block.members) <= below
        else FROZEN
        for block in taken
    }


def _cut(
    outline: Outline,
    taken: Sequence[OutlinedBlock],
    declared: Trainable,
    section: GraftedTraining,
    counts: Mapping[str, int] | None,
) -> str | None:
    """Where the training's stored activations are taken, as the step itself would choose it."""
    owner = {name: block.name for block in taken for name in block.members}
    names = [str(layer["name"]) for layer in outline]
    kept = outline[: names.index(taken[-1].end) + 1]
    grafted = [{**layer, "trains": _trains(layer, owner.get(str(layer["name"])), declared)} for layer in kept]
    head = {"name": HEAD, "kind": "Dense", "inputs": [taken[-1].end], "output_shape": [1], "weights": 1}
    training = arguments.training(section)
    work = Work(
        counts["train"] if counts else 2 * training.batch_size,
        counts["validation"] if counts else 0,
        training.batch_size,
        training.epochs,
        training.augment.active,
        training.augment_copies,
    )
    whole = [*grafted, {**head, "trains": True, "steady": True}]
    return of_grafted_network(whole, work, section.feature_cache_mb).path.cut


def _trains(layer: Mapping[str, Any], owner: str | None, declared: Trainable) -> bool:
    chosen = declared.trained_batch_norms if layer["kind"] == "BatchNormalization" else declared.trainable_layers
    return bool(layer["weights"]) and owner in chosen


def _source_shape(loaded: LoadedRecipe, steps: Sequence[PlannedStep], store: Store) -> tuple[int, int, int] | None:
    """(height, width, channels) of a known data set, or of one that was read before."""
    if loaded.recipe.source is None:
        return None
    if known := picture_checks.SHAPES.get(loaded.recipe.source.dataset):
        return known
    read = _output(steps, "load_data.source", "dataset")
    facts = store.facts(read) if read else None
    if not facts:
        return None
    height, width, channels = facts["image_shape"]
    return height, width, channels


def _output(steps: Sequence[PlannedStep], step: str, name: str = "model") -> Ref | None:
    return next(((each.outputs or {}).get(name) for each in steps if each.step == step), None)
