"""A sweep carried out over real runs of a tiny recipe, one after another in this process; training is a stand-in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.studies import StudyRecord
from artifacts.sweeps import Sweeps
from flows.study import costs
from flows.study.results import Judged
from flows.study.trying import Trying
from flows.sweep import commands, pages, planned
from flows.sweep.conducting import Conductor
from flows.sweep.grid import Combination, Grid
from tests.flows.study.test_conducting import InThisProcess, Killed, Silent, quickly

__all__ = ["quickly"]  # the stand-ins: the higher the rate of fine-tuning, the better on validation

RATES = {"fine_tune.learning_rate": [0.001, 0.05, 0.01, 0.02]}
Begun = tuple[StudyRecord, InThisProcess, Conductor]
Begin = Callable[..., Begun]


@pytest.fixture
def begin(tiny: str, store: Store) -> Begin:
    def start(
        axes: dict[str, Any] | None = None, seeds: int = 2, halving: bool = False, until_killed: int = 10**6
    ) -> Begun:
        record = Sweeps(store).begin(planned.plan(Grid(tiny, {}, axes or RATES), seeds, halving))
        processes = InThisProcess(record.id, until_killed)
        return record, processes, Conductor(record, store, processes, Silent())

    return start


def test_the_best_on_validation_is_chosen_and_it_alone_sees_the_test_split(begin: Begin, store: Store) -> None:
    record, processes, conductor = begin()
    found = conductor.run()
    assert found.chosen.settings == {"fine_tune.learning_rate": 0.05}
    assert [until for _, _, until in processes.ran] == ["fine_tune"] * 8 + [None] * 2
    judged = {run.overrides["fine_tune.learning_rate"] for run in Runs(store).all() if run.outputs("evaluate")}
    assert judged == {0.05}
    stored = Sweeps(store).get(record.id).outcome
    assert stored["chosen"] == {"fine_tune.learning_rate": 0.05} and len(stored["test"]) == 2
    assert stored["test_looks"] == {"here": 2, "elsewhere": 0}
    assert [row["mean"] for row in stored["validation"]] == pytest.approx([0.01, 0.5, 0.1, 0.2])


def test_the_plan_says_what_really_runs(begin: Begin, store: Store) -> None:
    record, _, conductor = begin()
    before = commands.cost(record.plan, store)
    assert before.by_step["pretrain"] == before.by_step["train_head"] == before.by_step["unfreeze"] == 2
    assert before.by_step["fine_tune"] == 8 and before.by_step["evaluate"] == 2
    conductor.run()
    ran = [entry["step"] for run in Runs(store).all() for entry in run.steps if entry["status"] == "ran"]
    assert {step: ran.count(step) for step in before.by_step} == before.by_step
    assert Sweeps(store).get(record.id).outcome["computed"] == before.distinct


@pytest.mark.slow  # a dozen runs
def test_of_what_is_as_good_the_cheaper_is_chosen(begin: Begin) -> None:
    """The stand-in does not mind how many epochs, nor what is unfrozen."""
    _, _, conductor = begin({"fine_tune.epochs": [3, 2], "unfreeze.layers": [1, 0]})
    found = conductor.run()
    assert found.chosen.settings == {"fine_tune.epochs": 2, "unfreeze.layers": 0}
    assert "none of them cheaper" in found.sentence
    (few,) = [row for row in found.as_json()["validation"] if row["settings"] == found.chosen.settings]
    assert all(row["updates"] > few["updates"] or row["trained_weights"] >= few["trained_weights"]
               for row in found.as_json()["validation"])  # fmt: skip


@pytest.mark.slow  # a dozen runs
def test_halving_gives_more_seeds_to_fewer(begin: Begin, store: Store) -> None:
    record, processes, conductor = begin(halving=True)
    found = conductor.run()
    seeds = {each.settings["fine_tune.learning_rate"]: len(worth) for each, worth in found.worth.items()}
    assert seeds == {0.001: 1, 0.05: 5, 0.01: 1, 0.02: 3}
    assert [until for _, _, until in processes.ran] == ["fine_tune"] * (4 + 4 + 2) + [None] * 5
    assert len(found.test) == 5 and found.chosen.settings == {"fine_tune.learning_rate": 0.05}
    assert commands._num_trials(record.plan) == 10


@pytest.mark.slow  # a dozen runs
def test_a_sweep_that_was_killed_runs_only_what_is_missing(begin: Begin) -> None:
    _, first, conductor = begin(until_killed=5)
    with pytest.raises(Killed):
        conductor.run()
    _, second, again = begin()
    outcome = again.run()
    assert (len(first.ran), len(second.ran)) == (5, 8 + 2 - 5)
    _, third, once_more = begin()
    assert once_more.run().as_json() == outcome.as_json() and third.ran == []


def test_what_shares_most_steps_runs_together(begin: Begin) -> None:
    record, _, _ = begin({"fine_tune.epochs": [1, 2], "pretrain.epochs": [1, 2]}, seeds=1)
    grid = planned.grid_of(record)
    loaded = [grid.load(each, 0) for each in grid.combinations()]
    pretrained = [loaded[place].recipe.pretrain.epochs for place in costs.depth_first(loaded)]
    assert pretrained == [1, 1, 2, 2]


def test_its_page_and_its_command_are_written(begin: Begin, store: Store) -> None:
    record, _, conductor = begin({"fine_tune.learning_rate": [0.001, 0.05], "unfreeze.layers": [1, 0]})
    found = conductor.run()
    written = pages.write_pages(store, Sweeps(store).get(record.id))
    html, markdown = written.html.read_text(), written.markdown.read_text()
    assert found.why in markdown and "fine_tune.learning_rate and unfreeze.layers" in html
    command = pages.told_of(store, Sweeps(store).get(record.id))["command"]
    assert "--set fine_tune.learning_rate=1e-3,0.05 --set unfreeze.layers=1,0 --seeds 2" in command


def test_of_what_is_equal_in_everything_the_one_that_is_judged_is_the_one_that_is_named(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three seeds make the two equal; the second led after the first seed."""
    known = {0.01: [0.8, 0.6, 0.7, 0.7, 0.7], 0.02: [0.9, 0.5, 0.7, 0.7, 0.7], 0.03: [0.1], 0.04: [0.1], 0.05: [0.1]}
    seen: list[Combination] = []

    def worth(_: Trying, __: str, wanted: dict[Combination, Any]) -> dict[Combination, list[float]]:
        return {one: known[one.settings["fine_tune.learning_rate"]][: len(trials)] for one, trials in wanted.items()}

    def judged(_: Conductor, chosen: Combination, seeds: int) -> list[Judged]:
        seen.append(chosen)
        return [Judged(0.5, np.array([True, False]), "sha256:0", None)] * seeds

    monkeypatch.setattr(Trying, "worth", worth)
    monkeypatch.setattr(Conductor, "_judged", judged)
    _, _, conductor = begin({"fine_tune.learning_rate": [*known]}, halving=True)
    found = conductor.run()
    assert [each.settings for each in seen] == [found.chosen.settings] == [{"fine_tune.learning_rate": 0.01}]
    assert found.sentence.startswith(
        "Chosen: fine_tune.learning_rate=0.01, 70.0 % on validation, the best, with 1 other"
    )
