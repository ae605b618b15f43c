"""Many runs in one table, with only the columns in which they differ."""

import io
import json
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows.runs_compare import Comparison, as_json, as_markdown, compare, show, write_csv
from tests.flows.conftest import Command

FIGURES = {"accuracy": 0.94, "accuracy_low": 0.898, "accuracy_high": 0.965, "log_loss": 0.21, "num_test": 200}


def record(number: int, seed: int = 0, rate: Any = 1e-3, layers: Any = 1, **changed: Any) -> RunRecord:
    resolved = {
        "seed": seed,
        "source": {"dataset": "npz"},
        "unfreeze": {"layers": layers},
        "fine_tune": {"learning_rate": rate, "epochs": 2},
    }
    given = {"state": "completed", "seconds": 3.14, "metrics": FIGURES, **changed}
    return RunRecord(f"id{number}", number, "mine.yaml", "mine", {}, resolved, **given)


def printed(found: Comparison, width: int | None) -> str:
    screen = Console(file=io.StringIO(), width=width or 160, force_terminal=width is not None, color_system=None)
    show(screen, found)
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_what_is_the_same_in_all_has_no_column() -> None:
    found = compare([record(1), record(2, rate=1e-2)])
    assert found.shown == ["run", "fine_tune.learning_rate", "accuracy"]
    assert found.same == {"seed": 0, "source.dataset": "npz", "unfreeze.layers": 1, "fine_tune.epochs": 2}


def test_facts_that_differ_have_a_column_and_others_none() -> None:
    found = compare([record(1), record(2, state="failed", seconds=9.0, study="3f2a9c01d4e5", deployment="")])
    assert found.shown == ["run", "accuracy", "state", "study", "seconds"]
    assert "recipe" in compare([record(1), RunRecord("x", 2, "his.yaml", "his", {}, record(1).resolved)]).shown


def test_two_recipes_with_one_title_are_told_apart_by_their_paths() -> None:
    found = compare([record(1), RunRecord("x", 2, "old/mine.yaml", "mine", {}, record(1).resolved)])
    assert [row["recipe"] for row in found.rows] == ["mine.yaml", "old/mine.yaml"]


def test_they_are_ordered_by_what_differs_numbers_by_size_the_seed_last() -> None:
    runs = [record(4, 1, 1e-2), record(3, 0, 1e-2), record(2, 1, 1e-3), record(1, 0, "auto"), record(5, 0, 1e-3)]
    found = compare(runs)
    assert found.settings == ["fine_tune.learning_rate", "seed"]
    assert [row["run"] for row in found.rows] == [5, 2, 3, 4, 1]
    assert [row["run"] for row in compare(runs, as_given=True).rows] == [4, 3, 2, 1, 5]


def test_lists_booleans_and_nothing_at_all_are_compared_too() -> None:
    values = [[1, 2], [2, 1], True, 1, None, "all"]
    found = compare([record(number, layers=value) for number, value in enumerate(values)], as_given=True)
    frame = as_markdown(found)
    for text in ("\\[1, 2\\]", "\\[2, 1\\]", "true", "null", "all"):
        assert f"| {text} |" in frame


def test_a_run_that_was_not_evaluated_has_dashes() -> None:
    found = compare([record(1), record(2, metrics={}, seconds=None)])
    assert "| 2 | — | — |" in as_markdown(found)
    assert as_json(found)["runs"][1]["accuracy"] is None


def test_people_see_the_interval_beside_the_accuracy_and_programs_each_figure() -> None:
    found = compare([record(1), record(2, metrics={**FIGURES, "log_loss": 0.5})])
    assert "log_loss" not in found.shown
    assert "| 1 | .940 \\[.898, .965\\] |" in as_markdown(found)
    csv = io.StringIO()
    write_csv(found, csv)
    frame = pd.read_csv(io.StringIO(csv.getvalue()))
    assert list(frame) == ["run", "accuracy", "accuracy_low", "accuracy_high", "log_loss"]
    assert frame["accuracy_low"].tolist() == [0.898, 0.898] and frame["log_loss"].tolist() == [0.21, 0.5]


def test_what_a_user_named_cannot_break_the_markdown_table() -> None:
    table = as_markdown(compare([record(1, layers="a|b\n<b>"), record(2)]))
    assert len(table.splitlines()) == 4 and "<b>" not in table
    assert {line.replace("\\|", "").count("|") for line in table.splitlines()} == {4}


@pytest.mark.parametrize(("width", "left_out"), [(200, None), (60, "seconds"), (30, "fine_tune.learning_rate")])
def test_columns_that_do_not_fit_a_terminal_are_named_and_run_and_accuracy_stay(
    width: int, left_out: str | None
) -> None:
    runs = [record(1, layers="x" * 90), record(2, rate=1e-2, seconds=9.9, study="3f2a9c01d4e5")]
    text = printed(compare(runs), width)
    assert ".940 [.898, .965]" in text
    assert max(len(line.rstrip()) for line in text.splitlines()[:4]) <= width
    assert ("No room for" in text) == (left_out is not None)
    assert left_out is None or left_out in text.split("No room for")[1].replace("\n", "")


def test_in_a_pipe_every_column_stands_on_one_line() -> None:
    runs = [record(1), record(2)]
    wide = [
        RunRecord(each.id, each.number, "m", "m", {}, {f"key_{n}": f"{each.number}" * 30 for n in range(9)})
        for each in runs
    ]
    lines = printed(compare(wide), None).splitlines()
    assert lines[1].count("1" * 30) == 9 and "No room" not in "".join(lines)


# -- the command


def test_real_runs_are_compared_as_a_table_markdown_csv_and_json(two: str, command: Command) -> None:
    told = json.loads(command("runs", "--compare", "--json"))
    assert told["columns"][:2] == ["run", "fine_tune.learning_rate"]
    assert [(each["run"], each["fine_tune.learning_rate"]) for each in told["runs"]] == [(1, 0.001), (2, 0.05)]
    frame = pd.read_csv(io.StringIO(command("runs", "--compare", "--csv")))
    assert frame["fine_tune.learning_rate"].tolist() == [0.001, 0.05]
    assert command("runs", "--compare", "--md").startswith("| run | fine\\_tune.learning\\_rate | accuracy |")
    assert "The same in all" in command("runs", "--compare")


def test_runs_can_be_named_and_then_stand_as_named(two: str, command: Command) -> None:
    def numbers(*options: str) -> list[int]:
        return [each.get("number", each.get("run")) for each in json.loads(command("runs", "--json", *options))["runs"]]

    assert numbers("2", "1", "--compare") == [2, 1] and numbers("1", "last", "1", "--compare") == [1, 2]
    assert numbers("1") == [1]
    assert "No run `9`" in command("runs", "9", code=2)


def test_a_studys_runs_are_compared_alone(two: str, command: Command, store: Store) -> None:
    runs = Runs(store)
    runs.update(runs.find("1"), study="3f2a9c01d4e5")
    assert [each["run"] for each in json.loads(command("runs", "--compare", "--study", "3f2a", "--json"))["runs"]] == [
        1
    ]


def test_nothing_to_compare_is_said(command: Command, store: Store) -> None:
    assert "No such runs" in command("runs", "--compare")
    assert json.loads(command("runs", "--compare", "--json")) == {"columns": ["run"], "runs": [], "same": {}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--csv", "--json"), "Expected one of --json, --csv and --md, found --json and --csv"),
        (("--md",), "--compare --md"),
    ],
)
def test_forms_that_do_not_go_together_are_bad_usage(command: Command, options: tuple[str, ...], said: str) -> None:
    assert said in command("runs", *options, code=2)
