"""What a sweep has found: how each combination stands on validation, which is chosen and why, and its test figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from artifacts.studies import StudyRecord
from flows.study.results import Judged
from flows.sweep import planned
from flows.sweep.effort import Effort
from flows.sweep.grid import Combination
from tasks.pure.page_content import seeds_told
from tasks.pure.statistics.choosing import Standing, standard_error, standings

RULE = (
    "of all that are as good as the best within one standard error of the paired difference over seeds, the one with "
    "the fewest updates of its trainings, then the fewest trained weights, then the best mean, then the first"
)


@dataclass(frozen=True)
class Outcome:
    """A sweep that has ended.

    Attributes:
        chosen: the combination that was judged on the test images.
        worth: combination → accuracy on validation by seed; with fewer seeds where halving gave it up.
        efforts: combination → what training it takes.
        num_validation: images that it was chosen on, a seed.
        test: of the chosen one, by seed.
    """

    record: StudyRecord
    chosen: Combination
    worth: Mapping[Combination, Sequence[float]]
    efforts: Mapping[Combination, Effort]
    num_validation: int
    test: Sequence[Judged]

    @property
    def compared(self) -> dict[Combination, Sequence[float]]:
        """`worth` on the seeds that the choice was made on: halving tries the chosen one on further seeds."""
        seeds = planned.rounds_of(self.record)
        last = max(each.seeds for each in seeds if each.combinations > 1)
        return {each: values[:last] for each, values in self.worth.items()}

    @property
    def seeds(self) -> int:
        return len(self.test)

    @property
    def done(self) -> bool:
        """A sweep is looked at once, at its end."""
        return True

    @property
    def num_test(self) -> int:
        return len(self.test[0].right)

    @property
    def best(self) -> Combination:
        """The one with the best mean of those that went on to the end."""
        stands = standings(self.compared)
        return max(
            (each for each in self.compared if stands[each].tied),
            key=lambda each: (round(stands[each].mean, 9), each == self.chosen),
        )

    @property
    def why(self) -> str:
        """Why that one was chosen."""
        tied = [each for each, stands in standings(self.compared).items() if stands.tied]
        if len(tied) == 1:
            return "no other is as good within one standard error"
        mine, best = self.efforts[self.chosen], self.efforts[self.best]
        others = f"{len(tied) - 1} other{'' if len(tied) == 2 else 's'} as good within one standard error"
        if self.chosen == self.best:
            return f"the best, with {others} and none of them cheaper"
        ahead = 100 * (fmean(self.compared[self.best]) - fmean(self.compared[self.chosen]))
        return f"cheaper than the best ({mine.against(best)}) and {ahead:.1f} points behind it, within the noise"

    @property
    def sentence(self) -> str:
        """What came of it, in one sentence."""
        validated = f"{_percent(self.worth[self.chosen])} on validation"
        by_seed = ", ".join(f"{100 * each.accuracy:.1f}" for each in self.test)
        tested = f"{_percent([each.accuracy for each in self.test])} on the {self.num_test:,} test images"
        return f"Chosen: {self.chosen.name}, {validated}, {self.why}; {tested} ({seeds_told(self.seeds)}: {by_seed})."

    def as_json(self) -> dict[str, Any]:
        """What `graft sweep --json` prints, less `computed`, `reused` and `report`."""
        stands = standings(self.compared)
        accuracies = [each.accuracy for each in self.test]
        return {
            "sweep": self.record.id,
            "sentence": self.sentence,
            "chosen": dict(self.chosen.settings),
            "why": self.why,
            "rule": RULE,
            "validation": [self._row(each, stands[each]) for each in self.worth],
            "test": accuracies,
            "test_mean": fmean(accuracies),
            "test_error": standard_error(accuracies),
            "num_validation": self.num_validation,
            "num_test": self.num_test,
            "seeds": self.seeds,
            "runs": [each.run for each in self.test],
        }

    def _row(self, combination: Combination, stands: Standing) -> dict[str, Any]:
        effort, worth = self.efforts[combination], list(self.worth[combination])
        return {
            "settings": dict(combination.settings),
            "mean": stands.mean,
            "error": stands.error,
            "seeds": len(worth),
            "accuracies": worth,
            "behind": stands.behind,
            "noise": stands.noise,
            "tied": stands.tied,
            "updates": effort.updates,
            "trained_weights": effort.weights,
        }


def _percent(values: Sequence[float]) -> str:
    return f"{100 * fmean(values):.1f} %"
