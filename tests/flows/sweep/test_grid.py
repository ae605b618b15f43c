"""What `--set KEY=V1,V2` means, and what is refused before anything runs."""

from pathlib import Path

import numpy as np
import pytest

from artifacts.errors import UsageError
from artifacts.store import Store
from flows.study import held_out
from flows.sweep import grid, planned, rounds
from flows.sweep.grid import Grid
from tests.flows.tiny import tiny_arrays

HELD_OUT = "target.validation=0.3"
RATES = "fine_tune.learning_rate=1e-4,1e-3"


def refused(*settings: str) -> str:
    with pytest.raises(UsageError) as problem:
        grid.check(grid.read("quickstart", settings))
    return str(problem.value)


def test_one_value_is_an_override_and_several_are_an_axis() -> None:
    found = grid.read("quickstart", [HELD_OUT, RATES])
    assert found.fixed == {"target.validation": 0.3}
    assert found.axes == {"fine_tune.learning_rate": [1e-4, 1e-3]}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("[8,8],[16,16]", [[8, 8], [16, 16]]),
        ("'a,b',c", ["a,b", "c"]),
        ("all,2", ["all", 2]),
        ("null,0.1", [None, 0.1]),
        ("{classes: [0, 1]},{classes: all}", [{"classes": [0, 1]}, {"classes": "all"}]),
    ],
)
def test_values_are_yaml(value: str, meant: list[object]) -> None:
    assert grid.read("quickstart", [f"some.key={value}"]).axes["some.key"] == meant


def test_a_list_in_brackets_alone_is_one_value() -> None:
    assert grid.read("quickstart", ["pretrain.widths=[8,8]"]).fixed == {"pretrain.widths": [8, 8]}


def test_all_combinations_the_last_key_fastest() -> None:
    found = grid.read("quickstart", ["a.x=1,2", "b.y=3,4"]).combinations()
    assert [each.name for each in found] == ["a.x=1, b.y=3", "a.x=1, b.y=4", "a.x=2, b.y=3", "a.x=2, b.y=4"]


@pytest.mark.parametrize("setting", ["fine_tune.epochs=1,,2", "fine_tune.epochs=", "=1", "fine_tune.epochs", "a=1],[2"])
def test_what_cannot_be_read_is_refused(setting: str) -> None:
    with pytest.raises(UsageError):
        grid.read("quickstart", [setting])


def test_a_key_that_is_set_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="set twice"):
        grid.read("quickstart", [RATES, RATES])


def test_without_a_validation_part_it_is_refused_with_a_way_out() -> None:
    assert "--set target.validation=0.3" in refused(RATES)
    grid.check(grid.read("quickstart", [RATES, HELD_OUT]))


def test_every_problem_is_named_at_once_and_once() -> None:
    told = refused("fine_tune.learning_rte=1e-4,1e-3", "unfreeze.layers=0,99", "target.labels=10,20", "seed=3")
    assert told.count("fine_tune.learning_rte") == 1
    assert "did you mean `fine_tune.learning_rate`" in told
    assert "`target.labels`: combinations are compared on the same" in told and "`seed`:" in told


def test_an_impossible_combination_is_named() -> None:
    told = refused("pretrain.epochs=1,0", "fine_tune.epochs=2,3", HELD_OUT)
    assert "pretrain.epochs=0, fine_tune.epochs=2, and 1 more" in told


@pytest.mark.parametrize("settings", [[HELD_OUT], [HELD_OUT, "fine_tune.epochs=3,3"]])
def test_without_two_values_that_differ_there_is_nothing_to_choose(settings: list[str]) -> None:
    assert "expected" in refused(*settings)


def test_too_many_combinations_are_refused() -> None:
    many = ",".join(map(str, range(1, 40)))
    assert "at most 1,000 combinations, found 1,521" in refused(
        f"pretrain.epochs={many}", f"fine_tune.epochs={many}", HELD_OUT
    )


def test_rounds_of_halving_are_thirds() -> None:
    """12 → 4 → 1 at 1, 3, 5 seeds."""
    halved = rounds.planned(12, 3, halving=True)
    assert [(each.combinations, each.seeds) for each in halved] == [(12, 1), (4, 3), (1, 5)]
    assert rounds.in_words(halved) == "12 combinations at 1 seed, the best 4 at 3, the best at 5"
    assert [(each.combinations, each.seeds) for each in rounds.planned(12, 3, halving=False)] == [(12, 3)]
    with pytest.raises(UsageError, match="one seed would choose"):
        rounds.planned(3, 3, halving=True)


def test_a_changed_sweep_has_another_plan() -> None:
    swept = Grid("quickstart", {"target.validation": 0.3}, {"fine_tune.epochs": [1, 2]})
    assert planned.plan(swept, 3, False) == planned.plan(swept, 3, False) != planned.plan(swept, 4, False)


@pytest.mark.parametrize(("value", "text"), [(1e-4, "1e-4"), (0.001, "1e-3"), (0.3, "0.3"), (2, "2"), ([8], "[8]")])
def test_values_are_written_short(value: object, text: str) -> None:
    assert grid.written(value) == text


def test_what_would_change_the_validation_images_is_no_axis_however_it_is_written() -> None:
    assert "same validation images" in refused(HELD_OUT, "target={labels: 20},{labels: 40}")


def own_archive(tiny: str, classes: list[int]) -> None:
    arrays = tiny_arrays()
    chosen = np.isin(arrays["y_test"], classes)
    data = Path(tiny).parent / "tiny.npz"
    np.savez(data, **arrays, x_val=arrays["x_test"][chosen], y_val=arrays["y_test"][chosen])


def test_data_that_bring_a_validation_part_can_be_swept(
    tiny: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_archive(tiny, [2, 3])
    asked: list[object] = []
    look = held_out.is_there
    monkeypatch.setattr(held_out, "is_there", lambda recipe: asked.append(recipe) or look(recipe))
    grid.check(grid.read(tiny, ["target.validation=0", RATES, "fine_tune.epochs=1,2,3"]))
    assert len(asked) == 1, "20,000 pictures take a second to look at"


@pytest.mark.parametrize("classes", [[], [0, 1]])
def test_a_validation_part_of_other_classes_is_none(tiny: str, store: Store, classes: list[int]) -> None:
    own_archive(tiny, classes)
    with pytest.raises(UsageError, match="expected `target.validation` above 0"):
        grid.check(grid.read(tiny, ["target.validation=0", RATES]))
