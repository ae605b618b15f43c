"""A study carried out over real runs of a tiny recipe, one after another in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from artifacts.errors import UsageError
from artifacts.refs import DatasetRef
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.studies import Studies, StudyRecord
from flows import recipe_files
from flows.study import costs, planned, trials
from flows.study.arms import Tuned
from flows.study.asked import Study
from flows.study.conducting import Conductor
from flows.study.deciding import Outcome
from flows.study.dispatching import TrialFailed
from flows.study.foreseen import foreseen
from flows.study.trial_flow import study_trial
from flows.study.trials import Trial
from tasks.pure import fitting, tuning
from tasks.pure.errors import DIVERGED, Diverged
from tasks.pure.recalibrating import Calibrated
from tests.flows.quick import quick_fit
from tests.flows.tiny import tiny_arrays


class Killed(BaseException):
    """Stands in for `kill -9`: nobody catches it."""


@dataclass
class InThisProcess:
    """Stands in for `Processes`: the same runs, here."""

    study: str
    until_killed: int = 10**6
    ran: list[tuple[str, int, str | None]] = field(default_factory=list)

    def run(self, wanted: Sequence[Trial], until: str | None, ended: Callable[[Trial], None]) -> None:
        for trial in wanted:
            if len(self.ran) >= self.until_killed:
                raise Killed
            try:
                study_trial(trial.loaded.name, trial.loaded.overrides, self.study, trial.arm, until)
            except Diverged as problem:
                raise TrialFailed.of(trial, str(problem)) from problem
            self.ran.append((trial.arm, trial.seed, until))
            ended(trial)


class Silent:
    def trials(self, what: str, wanted: int, there: int) -> None: ...
    def trial(self, trial: Trial, accuracy: float | None, seconds: float) -> None: ...
    def look(self, outcome: Outcome) -> None: ...


worth_of: list[float] = []  # what each fit was worth on validation; calibrating changes nothing of it here


def validated_fit(*arguments: Any) -> Any:
    """As `quick_fit`; the higher the rate, the better on validation."""
    fitted = quick_fit(*arguments)
    rate = arguments[3].learning_rate
    worth_of.append(min(1.0, 10 * rate))
    history = pd.DataFrame({**fitted.history, "val_loss": [1.0], "val_accuracy": [worth_of[-1]]})
    return type(fitted)(**{**vars(fitted), "history": history})


@pytest.fixture(autouse=True)
def quickly(harness: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.pure import pictures
    from tests.flows.quick import quick_pictures

    monkeypatch.setattr(fitting, "fit", validated_fit)
    monkeypatch.setattr(tuning, "calibrate_trained", lambda *_: Calibrated(1, worth_of[-1]))
    monkeypatch.setattr(pictures, "draw", quick_pictures)


Begun = tuple[StudyRecord, InThisProcess, Conductor]


@pytest.fixture
def begin(tiny: str, store: Store) -> Callable[..., Begun]:
    def start(until_killed: int = 10**6, **asked: Any) -> Begun:
        study = Study(recipe=tiny, **{"seeds": 2, "arms": ["transfer", "random-base", "head-only"], **asked})
        record = Studies(store).begin(planned.plan(study))
        processes = InThisProcess(record.id, until_killed)
        return record, processes, Conductor(record, store, processes, True, Silent())  # type: ignore[arg-type]

    return start


def test_every_arm_is_judged_with_every_seed_and_what_is_read_off_costs_no_run(begin: Callable[..., Begun]) -> None:
    record, processes, conductor = begin()
    found = conductor.run()
    assert processes.ran == [(arm, seed, None) for seed in (0, 1) for arm in ("transfer", "random-base")]
    assert {arm: len(values) for arm, values in found.accuracies.items()} == dict.fromkeys(
        ("transfer", "random-base", "head-only"), 2
    )
    stored = Studies(conductor.store).get(record.id).outcome
    assert stored["verdict"] == "undecided" and stored["done"]
    assert stored["test_looks"] == {"here": 4, "elsewhere": 0}


def test_shared_steps_are_computed_once(begin: Callable[..., Begun], store: Store) -> None:
    record, _, conductor = begin()
    conductor.run()
    runs = [run for run in Runs(store).all() if run.study == record.id]
    pretrained = [entry["status"] for run in runs for entry in run.steps if entry["step"] == "pretrain"]
    assert pretrained == ["ran", "hit", "ran", "hit"]
    outcome = Studies(store).get(record.id).outcome
    assert outcome["computed"] + outcome["reused"] == 12 * 4 and outcome["reused"] > 8


def test_a_study_that_was_killed_runs_only_what_is_missing(begin: Callable[..., Begun]) -> None:
    _, first, conductor = begin(until_killed=3)
    with pytest.raises(Killed):
        conductor.run()
    record, second, again = begin()
    outcome = again.run()
    assert len(first.ran) == 3 and second.ran == [("random-base", 1, None)]
    _, third, once_more = begin()
    assert once_more.run().as_json() == outcome.as_json() and third.ran == []
    assert conductor.record.id == record.id


def test_rates_are_chosen_before_anything_is_judged_and_without_the_test_split(
    begin: Callable[..., Begun], store: Store
) -> None:
    scratch = {"learning_rates": [1e-3, 1e-2], "updates": [1, 2], "seeds": 1}
    _, processes, conductor = begin(arms=["transfer", "scratch"], scratch=scratch, seeds=1)
    found = conductor.run()
    assert [until for _, _, until in processes.ran] == ["fine_tune"] * 4 + [None] * 2
    assert found.tuned == {"scratch": Tuned(1e-2, 1)}
    tuning = [run for run in Runs(store).all() if not run.metrics]
    assert len(tuning) == 4 and all(run.state == "completed" for run in tuning)


def test_data_that_bring_a_validation_part_are_studied_on_it(
    begin: Callable[..., Begun], tiny: str, store: Store
) -> None:
    arrays = tiny_arrays()
    np.savez(Path(tiny).parent / "tiny.npz", **arrays, x_val=arrays["x_test"], y_val=arrays["y_test"])
    scratch = {"learning_rates": [1e-3, 1e-2], "updates": [1], "seeds": 1}
    asked: dict[str, Any] = {"arms": ["transfer", "scratch"], "seeds": 1, "set": {"target.validation": 0}}
    _, _, conductor = begin(**asked, scratch=scratch)
    assert conductor.run().tuned == {"scratch": Tuned(1e-2, 1)}
    counts = [store.facts(DatasetRef(run.outputs("load_data.target")["dataset"])) for run in Runs(store).all()]
    assert {each["counts"]["validation"] for each in counts if each} == {40}


def test_a_changed_study_is_another_study(begin: Callable[..., Begun]) -> None:
    (one, *_), (same, *_), (other, *_) = begin(), begin(), begin(margin=0.02)
    assert one.id == same.id != other.id


def test_axes_are_looked_at_with_the_seeds_of_the_first_look(begin: Callable[..., Begun]) -> None:
    _, _, conductor = begin(labels=[20], arms=["transfer", "random-base"])
    (curve,) = conductor.run().curves
    assert (curve["axis"], curve["value"]) == ("labels", 20)
    assert {arm: len(values) for arm, values in curve["arms"].items()} == {"transfer": 2}


def test_what_it_will_cost_is_known_before(begin: Callable[..., Begun], store: Store) -> None:
    record, processes, conductor = begin()
    study = planned.study(record)
    (home,) = trials.places(study)
    wanted = [(each.loaded, None) for each in trials.trials(study, home, [0, 1], {}, True)]
    before = costs.cost(wanted, store)
    assert (before.steps, before.stored, before.seconds) == (4 * 12, 0, None)
    conductor.run()
    after = costs.cost(wanted, store)
    assert (after.distinct, after.missing, after.seconds) == (before.distinct, 0, 0.0)
    computed = Studies(store).get(record.id).outcome["computed"]
    assert computed <= before.distinct
    other = [(recipe_files.load(study.recipe, {"seed": 9}), None)]
    timed = costs.cost(other, store)
    assert timed.seconds is not None and timed.seconds > 0 and "1 minute" in timed.words
    elsewhere = [(replace(loaded, name="another.yaml"), until) for loaded, until in other]
    assert costs.cost(elsewhere, store).seconds is None  # whatever other recipes took
    assert "nobody knows" in before.untimed and after.untimed == "" and after.words.endswith("all in the store")


def test_a_study_that_has_ended_costs_nothing_more_whichever_rate_was_chosen(
    begin: Callable[..., Begun], store: Store
) -> None:
    scratch = {"learning_rates": [1e-3, 1e-1], "updates": [1, 2], "seeds": 2}
    record, _, conductor = begin(arms=["transfer", "scratch"], scratch=scratch)
    before, _ = foreseen(planned.study(record), store)
    assert before.stored == 0 < before.missing
    assert conductor.run().tuned["scratch"].learning_rate == 1e-1  # not the first of the list
    for cost in foreseen(planned.study(record), store):
        assert cost.missing == 0 and cost.words.endswith("all in the store")


def test_frozen_and_tuned_copied_and_random_layers_are_seen_at_each_depth(begin: Callable[..., Begun]) -> None:
    _, processes, conductor = begin(depths=[1], seeds=1, arms=["transfer", "raw-pixels"])
    (curve,) = conductor.run().curves
    assert set(curve["arms"]) == {"transfer", "head-only", "random-base", "random-head"}
    assert [arm for arm, _, _ in processes.ran] == ["transfer", "transfer", "random-base"]


def test_a_rate_that_diverges_is_a_bad_candidate_and_no_reason_to_stop(
    begin: Callable[..., Begun], monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverges(*arguments: Any) -> Any:
        if arguments[3].learning_rate == 1.0:
            raise Diverged(f"{DIVERGED} in epoch 1 (loss nan).")
        return validated_fit(*arguments)

    monkeypatch.setattr(fitting, "fit", diverges)
    asked = {"arms": ["transfer", "scratch"], "seeds": 1}
    asked["scratch"] = {"learning_rates": [1.0, 1e-3], "updates": [1], "seeds": 2}
    _, processes, conductor = begin(**asked)
    assert conductor.run().tuned == {"scratch": Tuned(1e-3, 1)}
    assert len([until for _, _, until in processes.ran if until]) == 2  # those that ended
    _, again, conductor = begin(**asked)
    conductor.run()
    assert again.ran == []  # what diverged is remembered


def test_a_recipe_that_was_edited_meanwhile_is_another_study(begin: Callable[..., Begun], tiny: str) -> None:
    _, processes, conductor = begin()
    recipe = Path(tiny)
    recipe.write_text(recipe.read_text().replace("bootstrap: 100", "bootstrap: 101"))
    with pytest.raises(UsageError, match="a changed recipe is another"):
        conductor.run()
    assert processes.ran == []
