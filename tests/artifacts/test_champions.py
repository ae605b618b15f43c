"""Champions: named pointers with a history, changed atomically."""

import subprocess
import sys

import pytest

from artifacts.champions import Champions, Reign
from artifacts.collecting import holdings
from artifacts.errors import ChampionChanged, RecordDamaged, UsageError
from artifacts.runs import RunRecord
from artifacts.store import Store
from artifacts.verify import verify
from tests.flows.processes import ROOT, environment

RACE = """
import sys, time
from artifacts.champions import Champions
from artifacts.collecting import holdings
from artifacts.errors import ChampionChanged
from artifacts.runs import RunRecord
from artifacts.store import Store
champions = Champions(Store())
before = champions.current()
print("looked", flush=True)
sys.stdin.readline()
try:
    champions.crown("champion", RunRecord(sys.argv[1], 1, "r", "r", {}, {}), "sha256:00", "promoted", {}, before)
    print("won")
except ChampionChanged as problem:
    print("told:", problem)
"""


def record(number: int) -> RunRecord:
    return RunRecord(f"run-{number}", number, "quickstart", "quickstart", {}, {})


@pytest.fixture
def champions(store: Store) -> Champions:
    return Champions(store)


def crowned(champions: Champions, *numbers: int, how: str = "promoted") -> list[Reign]:
    return [
        champions.crown("champion", record(number), f"sha256:{number}", how, {"why": number}, champions.current())
        for number in numbers
    ]


def test_there_is_none_at_first(champions: Champions) -> None:
    assert (champions.current(), champions.previous(), champions.history(), champions.needed()) == (None, None, [], {})


def test_each_reign_says_whom_it_replaced_and_why(champions: Champions) -> None:
    crowned(champions, 1, 2)
    first, second = champions.history()
    assert (first.replaced, second.replaced) == (None, "run-1")
    assert (second.run, second.model, second.evidence) == ("run-2", "sha256:2", {"why": 2})
    assert second.since >= first.since


def test_a_champion_may_have_a_name(champions: Champions) -> None:
    champions.crown("shoes", record(7), "sha256:7", "promoted", {}, None)
    assert champions.names() == ["shoes"]
    assert champions.current() is None


def test_of_two_who_compared_with_the_same_champion_one_wins_and_the_other_is_told(champions: Champions) -> None:
    (before,) = crowned(champions, 1)
    champions.crown("champion", record(2), "sha256:2", "gate", {}, before)
    with pytest.raises(ChampionChanged, match="Expected run 1 to be `champion`, but run 2 was made so meanwhile"):
        champions.crown("champion", record(3), "sha256:3", "gate", {}, before)
    assert [reign.run for reign in champions.history()] == ["run-1", "run-2"]


def test_two_processes_at_once_one_wins(champions: Champions, store: Store) -> None:
    both = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, name], env=environment(), cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for process in both:
        assert process.stdout is not None and process.stdout.readline() == "looked\n"
    said = [process.communicate("go\n")[0] for process in both]
    assert sorted(line.split(":")[0].strip() for line in said) == ["told", "won"]
    assert len(champions.history()) == 1


def test_the_evidence_of_a_refusal_is_kept_and_the_champion_stays(champions: Champions) -> None:
    crowned(champions, 1)
    champions.refuse("champion", record(2), "worse", "Not shown to be as good.", {"p": 0.4}, champions.current())
    (refusal,) = champions.refusals()
    assert (refusal.number, refusal.champion, refusal.outcome, refusal.evidence) == (2, "run-1", "worse", {"p": 0.4})
    assert [reign.number for reign in champions.history()] == [1]
    crowned(champions, 3)
    assert len(champions.refusals()) == 1


def test_a_refusal_is_filed_under_the_champion_that_was_compared_with(champions: Champions) -> None:
    (compared,) = crowned(champions, 1)
    crowned(champions, 2)
    champions.refuse("champion", record(3), "worse", "Not shown to be as good.", {}, compared)
    (refusal,) = champions.refusals()
    assert refusal.champion == "run-1"
    assert refusal.message.endswith("That was against run 1; meanwhile run 2 was made `champion`.")


@pytest.mark.parametrize("name", ["last", "1", "007"])
def test_a_name_that_means_a_run_is_refused(champions: Champions, name: str) -> None:
    with pytest.raises(UsageError, match=f"found `{name}`, which is the name of a run"):
        champions.crown(name, record(1), "sha256:1", "promoted", {}, None)
    assert champions.names() == []


def test_previous_sees_through_rollbacks(champions: Champions) -> None:
    crowned(champions, 1, 2, 3)
    previous = champions.previous()
    assert previous is not None and previous.number == 2
    crowned(champions, 2, how="rollback")
    previous = champions.previous()
    assert previous is not None and previous.number == 1
    crowned(champions, 4)
    previous = champions.previous()
    assert previous is not None and previous.number == 2


def test_gc_is_told_of_the_champion_and_of_whom_a_rollback_would_bring_back(champions: Champions) -> None:
    crowned(champions, 1, 2, 3)
    (needed,) = champions.needed().values()
    assert [(reign.run, reign.model) for reign in needed] == [("run-3", "sha256:3"), ("run-2", "sha256:2")]


@pytest.mark.parametrize("name", ["", "Shoes", "../x", "a/b", "-x", "x" * 65, "é"])
def test_a_name_that_is_no_files_name_everywhere_is_refused(champions: Champions, name: str) -> None:
    with pytest.raises(UsageError, match="Expected a name of lower-case letters"):
        champions.current(name)


def test_a_damaged_record_is_noticed_named_and_set_aside_not_deleted(champions: Champions, store: Store) -> None:
    crowned(champions, 1)
    path = champions.path("champion")
    damage = path.read_bytes().replace(b"run-1", b"run-9")
    path.write_bytes(damage)
    with pytest.raises(RecordDamaged):
        champions.current()
    (problem,) = verify(store).problems
    assert "champion" in problem["what"] and problem["mend"].startswith("graft promote RUN --name champion")
    assert champions.set_aside("champion").read_bytes() == damage
    assert champions.current() is None
    assert verify(store).problems == []


def test_a_file_of_a_name_that_no_champion_has_stops_nobody_and_verify_names_it(
    champions: Champions, store: Store
) -> None:
    crowned(champions, 1)
    stray = champions.folder / "Bad Name.json"
    stray.write_text("{}")
    assert champions.names() == ["champion"]
    assert holdings(store)["runs"].count == 0
    assert [problem["path"] for problem in verify(store).problems] == [str(stray)]
