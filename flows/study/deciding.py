"""What a study has found: each comparison by its own planned looks, and the verdict that follows from them.

The question is "would I be better off without transfer?". Without transfer one would train from scratch, or on a random
base, or fit a regression to the pixels; so transfer *helps* only if it beats each of those that were looked at, it
*hurts* if it loses to any, and it *makes no difference* if it beats or equals each, and equals one. Each comparison has
its part of the error (`looks.planned_looks`), so that the verdict has no more than all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from artifacts.studies import StudyRecord
from flows.study import planned
from flows.study.arms import TRANSFER, WITHOUT_TRANSFER, Tuned
from flows.study.results import Judged
from tasks.pure.page_content import seeds_told
from tasks.pure.statistics.decision import Decision, judge
from tasks.pure.statistics.looks import FEWEST
from tasks.pure.statistics.two_sources import TwoSources, speaks_of_images, two_sources
from tasks.pure.study_page.verdict import no_verdict

UNDECIDED, GO_ON, HELPS, HURTS, NONE = "undecided", "go on", "helps", "hurts", "no difference"
NAMES = {
    "scratch": "training from scratch",
    "random-base": "a random base",
    "raw-pixels": "logistic regression on raw pixels",
    "head-only": "the new head alone",
    "fine-tune-all": "fine-tuning all layers",
    "no-freeze": "training everything from the start",
    "self": "a base pretrained on the target's own task",
}


@dataclass(frozen=True)
class Outcome:
    """What is known after a look.

    Attributes:
        record: the study.
        decisions: arm → transfer compared with it, at the recipe's own place.
        lagging: arm → in how many of the seeds that its comparison rests on the batch norms' moving statistics of its
            network had not converged, at the recipe's own place; left out where in none.
        beyond: arm → the interval over seeds and images, and whether the word holds there; none of one seed.
        accuracies: arm → accuracy by seed, at the recipe's own place.
        curves: axis → value → arm → accuracy by seed.
        tuned: arm → what was chosen on validation.
        seeds: that went in.
        num_test: test images.
        done: whether nothing is left to run.
    """

    record: StudyRecord
    decisions: Mapping[str, Decision]
    accuracies: Mapping[str, Sequence[float]]
    curves: Sequence[Mapping[str, Any]]
    tuned: Mapping[str, Tuned]
    seeds: int
    num_test: int
    done: bool
    beyond: Mapping[str, tuple[TwoSources, bool]] = field(default_factory=dict)
    lagging: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> list[str]:
        """The comparisons that the verdict is about: with what one would do without transfer, else all."""
        found = [arm for arm in self.decisions if arm in WITHOUT_TRANSFER]
        return found or list(self.decisions)

    @property
    def has_control(self) -> bool:
        """Whether anything that one would do without transfer is among the arms: else there is no verdict on it."""
        return any(arm in WITHOUT_TRANSFER for arm in self.decisions)

    @property
    def verdict(self) -> str:
        words = [self.decisions[arm].word for arm in self.asked]
        if HURTS in words:
            return HURTS
        if GO_ON in words:
            return GO_ON
        if UNDECIDED in words:
            return UNDECIDED
        return HELPS if set(words) == {HELPS} else NONE

    @property
    def decided(self) -> bool:
        return self.verdict != GO_ON

    @property
    def telling(self) -> str:
        """The comparison that the verdict rests on: the least favourable to transfer of those with the word."""
        words = {arm: self.decisions[arm].word for arm in self.asked}
        alike = [arm for arm in words if words[arm] == self.verdict] or list(words)
        return min(alike, key=lambda arm: self.decisions[arm].mean)

    @property
    def resting_on(self) -> list[str]:
        """The arms whose accuracies the verdict needs. Losing to one control is enough to hurt; to help is to beat all,
        and one that looks hopeless for another reason than its weights was not beaten."""
        return [TRANSFER, *([self.telling] if self.verdict == HURTS else self.asked)]

    @property
    def unfair(self) -> list[str]:
        """Those of them that lag."""
        return [arm for arm in self.resting_on if arm in self.lagging]

    @property
    def sentence(self) -> str:
        """The verdict in one sentence."""
        decision, arm = self.decisions[self.telling], NAMES[self.telling]
        by = f"{_points(decision.mean)} points [{_points(decision.low)}, {_points(decision.high)}] against {arm}"
        if self.seeds < FEWEST:
            return no_verdict(self.seeds, decision.mean, arm, self.num_test)
        more = f"about {decision.more} more seed{'' if decision.more == 1 else 's'} would tell"
        better, worse = ("helps", "hurts") if self.has_control else ("is better", "is worse")
        start = {
            HELPS: f"Transfer {better}: {by}",
            HURTS: f"Transfer {worse}: {by}",
            NONE: f"Transfer makes no difference: {by}",
            GO_ON: f"Not decided yet: {by}",
            UNDECIDED: f"Undecided: {by}; {more}",
        }[self.verdict]
        told = f"{start} ({seeds_told(decision.seeds)}, on {self._images()})."
        return " ".join([told, *self._beware()])

    def _beware(self) -> list[str]:
        of = {arm: self.decisions[self.telling if arm == TRANSFER else arm].seeds for arm in self.unfair}
        whose = [f"{NAMES.get(arm, arm)} ({self.lagging[arm]} of {seeds_told(of[arm])})" for arm in of]
        warning = f"Beware: batch-norm statistics had not converged in {' and '.join(whose)}: no fair comparison."
        return [warning] if whose else []

    def _images(self) -> str:
        """Which images the verdict speaks of: other seeds and other images, or these images alone."""
        there = self.beyond.get(self.telling)
        return "images like these" if there and there[1] else f"these {self.num_test:,} test images"

    def _beside(self, arm: str) -> dict[str, Any]:
        if arm not in self.beyond:
            return {}
        both, holds = self.beyond[arm]
        return {"images": {"low": both.low, "high": both.high, "holds": holds}}

    def as_json(self) -> dict[str, Any]:
        """What `graft study --json` prints, less `computed`, `reused` and `report`."""
        decision = self.decisions[self.telling]
        return {
            "study": self.record.id,
            "verdict": self.verdict,
            "sentence": self.sentence,
            "against": self.telling,
            "difference": decision.mean,
            "low": decision.low,
            "high": decision.high,
            "seeds": self.seeds,
            "decided_at": decision.seeds,
            "controlled": self.has_control,
            "num_test": self.num_test,
            "done": self.done,
            "lagging": dict(self.lagging),
            "unfair": self.unfair,
            "arms": {arm: list(values) for arm, values in self.accuracies.items()},
            "comparisons": {arm: {**_plain(each), **self._beside(arm)} for arm, each in self.decisions.items()},
            "tuned": {
                arm: {"learning_rate": each.learning_rate, "updates": each.updates} for arm, each in self.tuned.items()
            },
            "curves": list(self.curves),
        }


def outcome(
    record: StudyRecord,
    found: Mapping[Any, Mapping[str, Mapping[int, Judged]]],
    tuned: Mapping[str, Tuned],
    done: bool,
) -> Outcome:
    """What the trials so far say.

    Args:
        found: place → arm → seed → what it reached; the recipe's own place is the first.
    """
    home, *axes = found
    arms = _in_order(found[home], record)
    seeds = sorted(set.intersection(*(set(by_seed) for by_seed in arms.values())))
    looks, margin = planned.looks(record), float(record.plan["study"]["margin"])
    images = len(arms[TRANSFER][seeds[0]].right)
    accuracies = {arm: [arms[arm][seed].accuracy for seed in seeds] for arm in arms}
    ours = np.array(accuracies[TRANSFER])
    decisions = {
        arm: judge(ours - np.array(accuracies[arm]), looks, margin, step=1 / images)
        for arm in record.plan["comparisons"]
    }
    curves = [_curve(place.axis, place.value, _in_order(found[place], record)) for place in axes]
    beyond = {arm: _over_images(arms, arm, seeds, each, margin) for arm, each in decisions.items() if each.seeds > 1}
    found_so_far = Outcome(record, decisions, accuracies, curves, tuned, len(seeds), images, done, beyond)
    rests_on = {arm: decision.seeds for arm, decision in decisions.items()}
    rests_on[TRANSFER] = rests_on[found_so_far.telling]
    first = {arm: {seed: arms[arm][seed] for seed in seeds[:number]} for arm, number in rests_on.items()}
    return replace(found_so_far, lagging=_lagging(first))


def _lagging(arms: Mapping[str, Mapping[int, Judged]]) -> dict[str, int]:
    counts = {arm: sum(each.lags for each in by_seed.values()) for arm, by_seed in arms.items()}
    return {arm: count for arm, count in counts.items() if count}


def _curve(axis: str, value: Any, arms: Mapping[str, Mapping[int, Judged]]) -> dict[str, Any]:
    by_seed = {arm: [each.accuracy for _, each in sorted(by.items())] for arm, by in arms.items()}
    return {"axis": axis, "value": value, "arms": by_seed, "lagging": _lagging(arms)}


def _in_order(arms: Mapping[str, Mapping[int, Judged]], record: StudyRecord) -> dict[str, Mapping[int, Judged]]:
    """As the plan lists them, whichever trial ended first."""
    listed = [TRANSFER, *record.plan["comparisons"]]
    return {arm: arms[arm] for arm in sorted(arms, key=lambda arm: listed.index(arm) if arm in listed else len(listed))}


def _over_images(
    arms: Mapping[str, Mapping[int, Judged]], arm: str, seeds: Sequence[int], decision: Decision, margin: float
) -> tuple[TwoSources, bool]:
    ours, theirs = (np.array([arms[each][seed].right for seed in seeds[: decision.seeds]]) for each in (TRANSFER, arm))
    both = two_sources(ours, theirs, decision.look.alpha)
    return both, speaks_of_images(decision, both, margin)


def _plain(decision: Decision) -> dict[str, Any]:
    return {
        "word": decision.word,
        "difference": decision.mean,
        "low": decision.low,
        "high": decision.high,
        "alpha": decision.look.alpha,
        "seeds": decision.seeds,
        "more": decision.more,
    }


def _points(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:+.1f}"
