"""Whether the network that a study grafts has batch norms: from random weights they have to be learnt."""

from artifacts.store import Store
from flows import layers_look, plan, recipe_files
from flows.study.asked import Study


def has_norms(study: Study, store: Store) -> bool:
    """By the recipe where it builds the base, else by the base's outline: known, or of the base taken in now."""
    loaded = recipe_files.load(study.recipe, study.set)
    if loaded.recipe.base is None:
        return loaded.recipe.pretrain.batch_norm
    steps = plan.walk(loaded)
    outline = layers_look.known_outline(steps, store) or layers_look.new_outline(loaded, steps, store)
    return any(layer["kind"] == "BatchNormalization" for layer in outline)
