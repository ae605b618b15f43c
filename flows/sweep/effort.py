"""What training a combination takes: of those that are as good, the cheaper one is chosen.

Counted, not timed, so that the same sweep chooses the same on every machine: first the updates of all trainings, as
many as the recipe asks for (early stopping may end sooner); then the weights that fine-tuning may change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from artifacts.store import Store
from flows import plan
from flows.plan import PlannedStep
from flows.recipe import Recipe
from flows.recipe_files import LoadedRecipe
from flows.study import results
from flows.study.arms import fine_tuning_epochs


@dataclass(frozen=True, order=True)
class Effort:
    """Updates of `pretrain`, `train_head` and `fine_tune` together; weights that fine-tuning trains."""

    updates: int
    weights: int

    def against(self, other: "Effort") -> str:
        """ "60 updates against 120"; where these are as many, the weights."""
        if self.updates != other.updates:
            return f"{self.updates:,} updates against {other.updates:,}"
        return f"{self.weights:,} trained weights against {other.weights:,}"


def effort(loaded: LoadedRecipe, store: Store) -> Effort:
    """Of a recipe whose run is in the store up to `fine_tune`."""
    steps = plan.walk(loaded)
    source, target = (_counts(steps, role, store).get("train", 0) for role in ("source", "target"))
    model = results.output(steps, "fine_tune", "model")
    layers = ((store.facts(model) or {}).get("layers") or []) if model else []
    trained = sum(layer["weights"] for layer in layers if layer.get("trains"))
    return Effort(updates(loaded.recipe, source, target), trained)


def num_validation(loaded: LoadedRecipe, store: Store) -> int:
    """How many images its choice rests on, a seed."""
    return _counts(plan.walk(loaded), "target", store).get("validation", 0)


def _counts(steps: list[PlannedStep], role: str, store: Store) -> Mapping[str, int]:
    """Images by part; empty of what is not there."""
    ref = results.output(steps, f"load_data.{role}", "dataset")
    counts: Mapping[str, int] = ((store.facts(ref) or {}).get("counts") or {}) if ref else {}
    return counts


def updates(recipe: Recipe, source: int, target: int) -> int:
    """Of all trainings, with so many training images.

    Args:
        source: 0 where nothing is pretrained.
    """
    fine = ceil(target / recipe.fine_tune.batch_size) * fine_tuning_epochs(recipe)
    head = ceil(target / recipe.train_head.batch_size) * recipe.train_head.epochs
    if recipe.source is None:
        return head + fine
    return ceil(source / recipe.pretrain.batch_size) * recipe.pretrain.epochs + head + fine
