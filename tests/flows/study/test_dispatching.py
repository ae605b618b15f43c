"""Which trial begins next: none waits for another where there is one that need not."""

from typing import Any

import pytest

from artifacts.store import Store
from flows.study import trials
from flows.study.arms import Tuned
from flows.study.asked import Study
from flows.study.dispatching import TrialFailed, Waiting, sent
from flows.study.trials import Trial

Begun = list[tuple[str, int]]


@pytest.fixture
def wanted(tiny: str, store: Store) -> list[Trial]:
    study = Study(recipe=tiny, arms=["transfer", "fine-tune-all", "random-base"])
    (home,) = trials.places(study)
    return list(trials.trials(study, home, [0, 1, 2], {"scratch": Tuned(0.1, 1)}, True))


def begun(waiting: Waiting, number: int) -> list[Trial]:
    return [waiting.next() for _ in range(number)]


def names(found: list[Trial]) -> Begun:
    return [(trial.arm, trial.seed) for trial in found]


def test_one_at_a_time_they_keep_their_order(wanted: list[Trial]) -> None:
    waiting, order = Waiting(wanted, None), []
    while waiting:
        order.append(waiting.next())
        waiting.ended(order[-1])
    assert order == wanted


def test_at_once_begin_those_that_pretrain_with_seeds_of_their_own(wanted: list[Trial]) -> None:
    assert names(begun(Waiting(wanted, None), 3)) == [("transfer", 0), ("transfer", 1), ("transfer", 2)]


def test_a_trial_whose_pretraining_has_ended_waits_for_nobody(wanted: list[Trial]) -> None:
    waiting = Waiting(wanted, None)
    first, second = begun(waiting, 2)
    waiting.ended(second)
    # Seed 2 pretrains anew, and seed 1 has pretrained: the earlier in the order is taken, those of seed 0 are not.
    assert names([waiting.next()]) == [("fine-tune-all", 1)]
    waiting.ended(first)
    assert names([waiting.next()]) == [("fine-tune-all", 0)]


def test_where_all_share_they_begin_all_the_same(wanted: list[Trial]) -> None:
    seed_0 = [trial for trial in wanted if trial.seed == 0]
    waiting = Waiting(seed_0, None)
    # `fine-tune-all` shares the pretraining and the head, `random-base` the pretraining alone.
    assert names(begun(waiting, 3)) == [("transfer", 0), ("random-base", 0), ("fine-tune-all", 0)]
    assert not waiting


def test_a_trial_travels_as_plain_values_and_a_failed_one_is_named(wanted: list[Trial], tiny: str) -> None:
    import json

    told: dict[str, Any] = sent("abc", wanted[2], "fine_tune")
    assert json.loads(json.dumps(told)) == told == {
        "recipe": tiny,
        "overrides": {"clone_with_weights.copy_weights": False, "seed": 0},
        "study": "abc",
        "arm": "random-base",
        "until": "fine_tune",
    }  # fmt: skip
    assert "`random-base` with seed 0 failed: no room." in str(TrialFailed.of(wanted[2], "no room."))
