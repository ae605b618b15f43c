"""What is wrong with a recipe's trainings, in words: keys that say nothing beside one another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.recipe import Recipe
    from flows.recipe_training import Training

TRAININGS = ("pretrain", "train_head", "fine_tune")


def training_problems(recipe: Recipe) -> list[str]:
    """Every combination of a training's keys that cannot work."""
    return [problem for step in TRAININGS for problem in _optimizer_problems(step, getattr(recipe, step))]


def _optimizer_problems(step: str, section: Training) -> Iterator[str]:
    for key, given in (("momentum", section.momentum is not None), ("nesterov", section.nesterov)):
        if given and section.optimizer != "sgd":
            yield (
                f"`{step}.{key}`: belongs to `optimizer: sgd`, but `{step}.optimizer` is `{section.optimizer}`, which "
                f"has moments of its own; leave `{key}` out, or set `{step}.optimizer: sgd`"
            )
    if section.nesterov and section.optimizer == "sgd" and section.momentum == 0:
        yield f"`{step}.nesterov`: is a form of momentum, but `{step}.momentum` is 0; leave one of the two out"
