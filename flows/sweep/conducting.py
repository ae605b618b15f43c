"""A sweep carried out: round by round on validation images, then the chosen combination once on the test images.

As with a study, only the plan and the outcome are kept: what has been done is seen in the store, so that a sweep that
was stopped runs only the rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from artifacts.store import Store
from artifacts.studies import StudyRecord
from artifacts.sweeps import Sweeps
from flows.study import results
from flows.study.arms import TRANSFER
from flows.study.dispatching import TrialRunner
from flows.study.results import Judged
from flows.study.trials import Trial
from flows.study.trying import Trying, Watcher, there
from flows.sweep import planned
from flows.sweep.effort import Effort, effort, num_validation
from flows.sweep.grid import Combination
from flows.sweep.outcome import Outcome
from flows.sweep.rounds import Round
from tasks.pure.page_content import seeds_told
from tasks.pure.statistics import choosing

Worth = dict[Combination, list[float]]


@dataclass
class Conductor:
    """Carries a sweep out."""

    record: StudyRecord
    store: Store
    processes: TrialRunner
    watcher: Watcher

    def run(self) -> Outcome:
        """Returns what came of it, which is stored too.

        Raises:
            TrialFailed: a run failed. RecipeError: a combination is impossible.
        """
        worth, efforts = self._tried()
        rounds = planned.rounds_of(self.record)
        chosen = choosing.chosen(worth, efforts.__getitem__)
        images = num_validation(planned.grid_of(self.record).load(chosen, 0), self.store)
        found = Outcome(self.record, chosen, worth, efforts, images, self._judged(chosen, rounds[-1].seeds))
        Sweeps(self.store).save(self.record.id, {**found.as_json(), **self._made()})
        self.watcher.look(found)
        return found

    def _tried(self) -> tuple[Worth, dict[Combination, Effort]]:
        """Round by round: what each combination is worth, and what it takes."""
        grid, rounds = planned.grid_of(self.record), planned.rounds_of(self.record)
        kept, worth, efforts = grid.combinations(), Worth(), dict[Combination, Effort]()
        for number, each in enumerate(rounds, 1):
            if number > 1:
                kept = best(each.combinations, {one: worth[one] for one in kept}, efforts)
            what = self._said(number, each, kept)
            worth |= self._trying.worth(what, {one: planned.trials(grid, one, each.seeds) for one in kept})
            efforts |= {one: effort(grid.load(one, 0), self.store) for one in kept if one not in efforts}
        return worth, efforts

    def _said(self, number: int, of: Round, kept: Sequence[Combination]) -> str:
        """What a round tries; of a later one, whom."""
        seeds = seeds_told(of.seeds)
        if number == 1:
            return f"{len(kept)} combinations at {seeds}"
        return f"round {number}: the best {len(kept)} at {seeds} ({'; '.join(one.name for one in kept)})"

    @property
    def _trying(self) -> Trying:
        return Trying(self.store, self.processes, self.watcher)

    def _judged(self, chosen: Combination, seeds: int) -> list[Judged]:
        """The chosen one on the test images: the only time that a sweep looks at them."""
        wanted = planned.trials(planned.grid_of(self.record), chosen, seeds, planned.TEST)
        found = {trial.seed: self._read(trial) for trial in wanted}
        missing = [trial for trial in wanted if found[trial.seed] is None]
        self.watcher.trials(f"on the test images: {chosen.name}", len(wanted), len(wanted) - len(missing))

        def read(trial: Trial) -> float:
            judged = there(self._read(trial), trial)
            found[trial.seed] = judged
            return judged.accuracy

        self._trying.run(missing, None, read)
        return [there(found[trial.seed], trial) for trial in wanted]

    def _read(self, trial: Trial) -> Judged | None:
        judged = results.judged(trial.loaded, self.store)
        return judged[TRANSFER] if judged else None

    def _made(self) -> dict[str, Any]:
        looks = results.looks_at_the_test_split(self.store, self.record.plan["resolved"], self.record.id)
        return {**asdict(results.effort(self.store, self.record.id)), "test_looks": looks}


def best(
    number: int, worth: Mapping[Combination, Sequence[float]], efforts: Mapping[Combination, Effort]
) -> list[Combination]:
    """Who goes on: so many of the best means; where only one does, it is chosen by the rule, as at the end: of those
    that are equal in everything the first of the grid, whoever led the round before."""
    if number == 1:
        in_order = {each: worth[each] for each in sorted(worth, key=lambda each: each.place)}
        return [choosing.chosen(in_order, efforts.__getitem__)]
    return choosing.ranked(worth, efforts.__getitem__)[:number]
