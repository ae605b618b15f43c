"""When a study is looked at, and what each look may spend."""

import pytest

from tasks.pure.errors import BadData
from tasks.pure.statistics.looks import LOOKS, TOTAL, Look, planned_looks


def test_a_study_is_looked_at_four_times_and_spends_five_in_a_hundred() -> None:
    planned = [(look.seeds, look.alpha) for look in planned_looks()]
    assert planned == [(5, 0.005), (10, 0.01), (20, 0.015), (40, 0.02)] == list(LOOKS)
    assert sum(look.alpha for look in planned_looks()) == pytest.approx(TOTAL) == 0.05


def test_a_smaller_budget_ends_at_its_look_and_may_be_raised_later() -> None:
    for number, (seeds, _alpha) in enumerate(LOOKS, start=1):
        assert planned_looks(budget=seeds) == planned_looks()[:number]


@pytest.mark.parametrize(("budget", "last"), [(7, 0.01 * 2 / 5), (15, 0.015 / 2), (30, 0.02 / 2), (39, 0.02 * 19 / 20)])
def test_a_budget_between_two_looks_spends_its_part_of_the_next(budget: int, last: float) -> None:
    *before, ending = planned_looks(budget=budget)
    assert before == [look for look in planned_looks() if look.seeds < budget]
    assert ending.seeds == budget and ending.alpha == pytest.approx(last)


@pytest.mark.parametrize("budget", range(1, 41))
def test_no_budget_spends_more_than_a_larger_one(budget: int) -> None:
    spent = [sum(look.alpha for look in planned_looks(budget=most)) for most in (budget, 40)]
    assert spent[0] <= spent[1] + 1e-12 <= TOTAL + 1e-9


def test_a_fixed_number_of_seeds_is_one_look_that_spends_all() -> None:
    assert planned_looks(seeds=12) == (Look(12, 0.05),)
    assert planned_looks(seeds=100, budget=7, comparisons=2) == (Look(100, 0.025),)


@pytest.mark.parametrize("plan", [{}, {"seeds": 8}, {"budget": 13}])
def test_more_comparisons_share_the_error(plan: dict[str, int]) -> None:
    alone, shared = planned_looks(**plan), planned_looks(**plan, comparisons=4)
    assert [look.seeds for look in shared] == [look.seeds for look in alone]
    assert [look.alpha * 4 for look in shared] == pytest.approx([look.alpha for look in alone])


@pytest.mark.parametrize("plan", [{"seeds": 4}, {"seeds": 1}, {"budget": 3}])
def test_under_five_seeds_a_look_gives_no_verdict(plan: dict[str, int]) -> None:
    (look,) = planned_looks(**plan)
    assert not look.judges and 0 < look.alpha <= TOTAL
    assert all(look.judges for look in planned_looks())


@pytest.mark.parametrize("plan", [{"seeds": 0}, {"budget": 0}, {"budget": 41}, {"comparisons": 0}])
def test_a_plan_that_cannot_be_kept_is_refused(plan: dict[str, int]) -> None:
    with pytest.raises(BadData, match="Expected"):
        planned_looks(**plan)


def test_a_budget_beyond_the_last_look_is_told_of_the_other_way() -> None:
    with pytest.raises(BadData, match="--seeds 60"):
        planned_looks(budget=60)
