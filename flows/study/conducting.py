"""A study carried out: rates chosen on validation, then look by look until there is an answer or the budget is spent.

Nothing of it is kept but the plan and the outcome: what has been done is seen in the store, so that a study that was
killed goes on where it stopped, and one that has ended ends again at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from artifacts.errors import RecordDamaged, UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.studies import Studies, StudyRecord
from flows import recipe_files
from flows.study import arms, planned, results, tuning
from flows.study.arms import Tuned
from flows.study.asked import Study
from flows.study.deciding import Outcome, outcome
from flows.study.dispatching import TrialRunner
from flows.study.pages import write_pages
from flows.study.results import Judged
from flows.study.trials import Place, Trial, places, trials
from flows.study.trying import Trying, Watcher, there

# Place → arm → seed → what it reached.
Found = dict[Place, dict[str, dict[int, Judged]]]


@dataclass
class Conductor:
    """Carries a study out.

    Attributes:
        norms: whether the base has batch norms.
    """

    record: StudyRecord
    store: Store
    processes: TrialRunner
    norms: bool
    watcher: Watcher
    found: Found = field(default_factory=dict)

    @property
    def study(self) -> Study:
        return planned.study(self.record)

    def run(self) -> Outcome:
        """Look after look; returns the last outcome, which is stored too.

        Raises:
            TrialFailed: a run failed. RecipeError: an arm is impossible.
        """
        home, *axes = places(self.study)
        self._possible([home, *axes])
        tuned = self._tuned(home)
        looks = planned.looks(self.record)
        for look in looks:
            self._judge(home, range(look.seeds), tuned)
            last = self._looked(tuned, done=False)
            if last.decided:
                break
        for place in axes:
            self._judge(place, range(looks[0].seeds), self._tuned(place))
        return self._looked(tuned, done=True)

    def _possible(self, wanted: Sequence[Place]) -> None:
        """Every arm at every place, before hours go into the first."""
        for place in wanted:
            list(trials(self.study, place, [0], {}, self.norms))

    def _unchanged(self) -> None:
        """A plan is about the recipe as it was; its file is read anew for each trial.

        Raises:
            UsageError: it was changed since.
        """
        now = recipe_files.load(self.study.recipe, self.study.set).recipe.model_dump(mode="json")
        if now != self.record.plan["resolved"]:
            raise UsageError(
                f"Study {self.record.id} was planned for another `{self.record.plan['title']}`: expected the recipe's "
                "file as it was, found a changed one. Put it back to go on, or begin anew: a changed recipe is another "
                "study."
            )

    def _tuned(self, place: Place) -> dict[str, Tuned]:
        """Arm → rate and updates, chosen where it will be judged."""
        return {arm: self._choose(arm, place) for arm in place.arms if arm in arms.TUNED}

    def _choose(self, arm: str, place: Place) -> Tuned:
        found = tuning.candidates(self.study, arm, place.settings, self.norms)
        worth = self._trying.worth(f"rate and updates of `{arm}`", {each.tuned: each.trials for each in found})
        return tuning.chosen(found, worth)

    @property
    def _trying(self) -> Trying:
        return Trying(self.store, self.processes, self.watcher)

    def _judge(self, place: Place, seeds: Iterable[int], tuned: Mapping[str, Tuned]) -> None:
        """Fill `found` for a place."""
        self._unchanged()
        wanted = list(trials(self.study, place, list(seeds), tuned, self.norms))
        new = [trial for trial in wanted if not self._keep(trial)]
        self.watcher.trials(f"{place.axis} {place.value}", len(wanted), len(wanted) - len(new))

        def read(trial: Trial) -> float:
            there(self._keep(trial) or None, trial)
            return self.found[place][trial.arm][trial.seed].accuracy

        self._trying.run(new, None, read)

    def _keep(self, trial: Trial) -> bool:
        """Take what the store has of a trial, and of what is read off it; whether it has it."""
        mine = self.found.setdefault(trial.place, {})
        if trial.seed in mine.get(trial.arm, {}):
            return True
        judged = results.judged(trial.loaded, self.store)
        if judged is None:
            return False
        mine.setdefault(trial.arm, {})[trial.seed] = judged[arms.TRANSFER]
        for arm, called in arms.READ_OFF.get(trial.arm, {}).items():
            if arm in trial.place.arms:
                mine.setdefault(arm, {})[trial.seed] = judged[called]
        return True

    def _looked(self, tuned: Mapping[str, Tuned], done: bool) -> Outcome:
        found = outcome(self.record, self.found, tuned, done)
        Studies(self.store).save(self.record.id, {**self._effort(), **found.as_json(), **self._runs()})
        write_pages(self.store, Studies(self.store).get(self.record.id))
        self.watcher.look(found)
        return found

    def _effort(self) -> dict[str, Any]:
        looks = results.looks_at_the_test_split(self.store, self.record.plan["resolved"], self.record.id)
        return {**asdict(results.effort(self.store, self.record.id)), "test_looks": looks}

    def _runs(self) -> dict[str, Any]:
        """Which run each figure comes from; and from which data, for whoever asks when the runs are collected."""
        runs = [
            {"axis": place.axis, "value": place.value, "arm": arm, "seed": seed, "run": each.run}
            for place, arms_found in self.found.items()
            for arm, by_seed in arms_found.items()
            for seed, each in sorted(by_seed.items())
        ]
        first = next((each["run"] for each in runs if each["run"]), None)
        return {"runs": runs, "target_data": self._target_data(first) if first else None}

    def _target_data(self, run: str) -> dict[str, str] | None:
        try:
            return results.target_data(self.store, Runs(self.store).get(run))
        except (OSError, RecordDamaged):
            return None
