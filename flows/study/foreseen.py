"""What a whole study will cost, before its first run: rates to be chosen, looks, axes."""

from artifacts.store import Store
from flows.recipe_files import LoadedRecipe
from flows.study import costs, planned, trials, tuning
from flows.study.arms import TUNED, Tuned
from flows.study.asked import Study
from flows.study.costs import Cost
from flows.study.norms import has_norms
from flows.study.trials import UNTIL_TUNED


def foreseen(what: Study, store: Store) -> tuple[Cost, Cost]:
    """To the first look, and to the last one; choosing rates on validation included. Until they are chosen, all rates
    cost the same."""
    looks = [seeds for seeds, _ in planned.plan(what)["looks"]]
    norms = has_norms(what, store)
    home, *axes = trials.places(what)
    tried, tuned = list[tuple[LoadedRecipe, str | None]](), dict[trials.Place, dict[str, Tuned]]()
    for place in (home, *axes):
        tuned[place] = {}
        for arm in place.arms:
            if arm in TUNED:
                found = tuning.candidates(what, arm, place.settings, norms)
                tried += [(trial.loaded, UNTIL_TUNED) for each in found for trial in each.trials]
                tuned[place][arm] = tuning.chosen_before(found, store) or found[0].tuned

    def judged(place: trials.Place, seeds: int) -> list[tuple[LoadedRecipe, str | None]]:
        return [(one.loaded, None) for one in trials.trials(what, place, range(seeds), tuned[place], norms)]

    beside = [*tried, *(each for place in axes for each in judged(place, looks[0]))]
    first, last = (costs.cost([*judged(home, seeds), *beside], store) for seeds in (looks[0], looks[-1]))
    return first, last
