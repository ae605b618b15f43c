"""What a run did to its training pictures, in words for its report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from artifacts.errors import StoreError
from artifacts.store import Store
from flows.recipe import Recipe
from flows.recipe_augment import Augment

FLIPS = {"horizontal": "mirrored", "vertical": "upside down", "both": "mirrored and upside down"}
SHARES = {"shift": "shifted", "zoom": "zoomed", "brightness": "brightness", "contrast": "contrast"}


def in_words(store: Store, recipe: Recipe, steps: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Step → words, of the trainings that augmented.

    Args:
        steps: the entries of the run's record: of `train_head` its execution is asked whether it took stored copies.
    """
    sections = {"pretrain": recipe.pretrain, "train_head": recipe.train_head, "fine_tune": recipe.fine_tune}
    found = {step: ", ".join(_words(section.augment)) for step, section in sections.items() if section.epochs}
    copies = recipe.train_head.augment_copies
    if copies and _on_activations(store, steps):
        found["train_head"] += f" ({copies} fixed copies, an epoch each in turn)"
    return {step: words for step, words in found.items() if words}


def _words(augment: Augment) -> Iterator[str]:
    if augment.flip:
        yield FLIPS[augment.flip]
    if augment.rotate:
        yield f"turned by up to {augment.rotate:g}°"
    for name, words in SHARES.items():
        if share := getattr(augment, name):
            yield f"{words} by up to {100 * share:g} %"
    for name in ("mixup", "cutmix"):
        if alpha := getattr(augment, name):
            yield f"{name} (alpha {alpha:g})"


def _on_activations(store: Store, steps: Sequence[Mapping[str, Any]]) -> bool:
    key = next((entry["key"] for entry in steps if entry["step"] == "train_head"), None)
    try:
        execution = store.execution(key) if key else None
    except StoreError:
        return False
    return bool(execution and execution.facts.get("training", {}).get("cut"))
