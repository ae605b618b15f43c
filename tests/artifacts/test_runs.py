"""Run records: numbered in order, damaged ones set aside, and the command that repeats a run."""

import shlex
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artifacts.errors import RecordDamaged
from artifacts.runs import Runs, run_command
from artifacts.store import Store
from flows.recipe_files import parse_setting
from tests.flows.processes import ROOT, environment

OPEN = """
import sys
from artifacts.runs import Runs
from artifacts.store import Store
for number in range(15):
    Runs(Store()).open(f"{sys.argv[1]}-{number}", "quickstart", "quickstart", {}, {})
"""


@pytest.fixture
def runs(store: Store) -> Runs:
    return Runs(store)


def opened(runs: Runs, run_id: str, recipe: str = "quickstart") -> Any:
    return runs.open(run_id, recipe, recipe, {}, {"seed": 0})


def test_runs_are_numbered_in_the_order_in_which_they_began(runs: Runs) -> None:
    assert [opened(runs, name).number for name in ("b", "a", "c")] == [1, 2, 3]
    assert [record.id for record in runs.all()] == ["b", "a", "c"]


def test_two_processes_opening_runs_at_once_share_no_number(runs: Runs) -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", OPEN, name], env=environment(), cwd=ROOT) for name in ("one", "two")
    ]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(record.number for record in runs.all()) == list(range(1, 31))


def test_the_last_run_is_that_of_the_same_recipe_with_the_highest_number(runs: Runs) -> None:
    for name, recipe in (("a", "quickstart"), ("b", "mine.yaml"), ("c", "quickstart")):
        opened(runs, name, recipe)
    assert [getattr(runs.last(recipe), "id", None) for recipe in ("quickstart", "mine.yaml", "other")] == [
        "c",
        "b",
        None,
    ]


def test_a_record_is_kept_up_to_date(runs: Runs) -> None:
    record = opened(runs, "a")
    runs.update(record, state="completed", metrics={"accuracy": 0.9})
    assert (runs.get("a").state, runs.get("a").metrics) == ("completed", {"accuracy": 0.9})


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"id": "a"}\n'])
def test_a_damaged_record_is_set_aside_not_deleted_and_harms_no_other(runs: Runs, damage: bytes) -> None:
    opened(runs, "a")
    opened(runs, "b")
    runs.path("a").write_bytes(damage)
    assert runs.damaged() == [runs.path("a")]
    assert [record.id for record in runs.all()] == ["b"]
    with pytest.raises(RecordDamaged):
        runs.get("a")
    assert opened(runs, "c").number == 3
    aside = list((runs.store.runs / "damaged").iterdir())
    assert [path.read_bytes() for path in aside] == [damage]
    assert runs.damaged() == []


@given(
    overrides=st.dictionaries(
        st.sampled_from(["seed", "source.path", "pretrain.widths", "clone_with_weights.copy_weights"]),
        st.integers()
        | st.booleans()
        | st.text(st.characters(exclude_categories=["Cs", "Cc"]))
        | st.lists(st.integers()),
    )
)
def test_the_command_of_a_run_survives_a_shell_and_says_the_same_again(overrides: dict[str, Any]) -> None:
    words = shlex.split(run_command("my recipe.yaml", overrides))
    assert words[:3] == ["graft", "run", "my recipe.yaml"]
    assert dict(parse_setting(setting) for setting in words[4::2]) == overrides
