"""Rate and number of updates of the arms that train everything: chosen on validation images of the first seeds' labels.

With the recipe's own, which suit a frozen base, a network from scratch looks hopeless, and the verdict is a foregone
conclusion; both mistakes were made in this project's first figures. The trials end before `evaluate`, so that the test
split is not seen. Of what is within one standard error of the best, the one with the fewest updates is taken. It is a
sweep over rate and updates, tried and chosen as those of `graft sweep` are (`trying.py`, `statistics/choosing.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artifacts.store import Store
from flows import recipe_files
from flows.study import held_out
from flows.study.arms import Tuned, overrides
from flows.study.asked import Study
from flows.study.trials import Place, Trial
from flows.study.trying import known
from tasks.pure.statistics import choosing

PLACE = Place("tuning", "on validation", {}, ())


@dataclass(frozen=True)
class Candidate:
    """A rate and a number of updates, and the trials that tell what they are worth."""

    arm: str
    tuned: Tuned
    trials: tuple[Trial, ...]


def candidates(study: Study, arm: str, settings: Mapping[str, Any], norms: bool) -> list[Candidate]:
    """All combinations for an arm, the one with the fewest updates first.

    Args:
        settings: of the place on the axes where the arm will be judged.

    Raises:
        RecipeError: the arm is no possible recipe.
    """
    base = recipe_files.load(study.recipe, {**study.set, **settings})
    beside = {**study.set, **settings, **held_out.settings(study, base.recipe)}
    found = []
    for updates in sorted(study.scratch.updates):
        for rate in study.scratch.learning_rates:
            tuned = Tuned(rate, updates)
            own = {**beside, **overrides(arm, base.recipe, norms, tuned)}
            seeds = range(study.scratch.seeds)
            each = (recipe_files.load(study.recipe, {**own, "seed": seed}) for seed in seeds)
            found.append(Candidate(arm, tuned, tuple(Trial(arm, PLACE, one.recipe.seed, one) for one in each)))
    return found


def chosen_before(found: Sequence[Candidate], store: Store) -> Tuned | None:
    """What was chosen, where all trials of all candidates are in the store."""
    worth = {each.tuned: [known(trial, store) for trial in each.trials] for each in found}
    told = {tuned: [value for value in values if value is not None] for tuned, values in worth.items()}
    return chosen(found, told) if told == worth else None


def chosen(found: Sequence[Candidate], accuracies: Mapping[Tuned, Sequence[float]]) -> Tuned:
    """The candidate with the fewest updates of those that are as good as the best within one standard error; of these
    the best.

    Args:
        accuracies: by candidate, one a seed.
    """
    return choosing.chosen({each.tuned: accuracies[each.tuned] for each in found}, lambda tuned: tuned.updates)
