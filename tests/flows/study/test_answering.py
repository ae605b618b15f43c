"""What a run says of the studies of its recipe: in its report, in `graft show`, at the gate."""

import json
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts.runs import RunRecord, Runs
from artifacts.sealed import seal
from artifacts.store import Store
from artifacts.studies import Studies
from artifacts.sweeps import Sweeps
from flows import recipe_files
from flows.study import planned
from flows.study.answering import answer, told, trial_of
from flows.study.answering import command as asking
from flows.study.asked import Study
from flows.study.results import target_data
from tests.flows.conftest import Command, Run
from tests.flows.tiny import tiny_arrays

SENTENCE = "Transfer helps: +3.1 points [+1.2, +5.0] against a random base (5 seeds, on images like these)."
Finish = Callable[..., str]


@pytest.fixture
def finish(finished: str, store: Store) -> Finish:
    """`finish(done=True, **asked)` → id of a study of the tiny recipe that says `SENTENCE`."""

    def call(sentence: Any = SENTENCE, done: Any = True, outcome: Any = None, **asked: Any) -> str:
        plan = planned.plan(Study(recipe=finished, **{"seeds": 5, "arms": ["transfer", "random-base"], **asked}))
        studies = Studies(store)
        record = studies.begin(plan)
        told = {"verdict": "helps", "sentence": sentence, "done": done, "controlled": True, **(outcome or {})}
        studies.save(record.id, told)
        (studies.folder(record.id) / "page.html").write_text("<p>page</p>")
        return record.id

    return call


def last(store: Store) -> RunRecord:
    return Runs(store).find("last")


# -- which study speaks of which run


def test_a_finished_study_of_the_recipe_speaks_of_its_run_with_any_seed(finish: Finish, store: Store) -> None:
    study, run = finish(), last(store)
    another = replace(run, resolved={**run.resolved, "seed": 7}, overrides={"seed": 7})
    for each in (run, another):
        found = answer(store, each)
        assert found is not None
        assert (found.study, found.verdict, found.sentence) == (study, "helps", SENTENCE)


@pytest.mark.parametrize(
    "overrides", [{"clone_with_weights.copy_weights": False}, {"target.labels": 20}, {"fine_tune.learning_rate": 0.01}]
)
def test_a_run_with_other_parameters_borrows_no_verdict(
    finish: Finish, finished: str, store: Store, overrides: dict[str, Any]
) -> None:
    study = finish()
    other = recipe_files.load(finished, overrides).recipe.model_dump(mode="json")
    assert answer(store, replace(last(store), resolved=other, study=study)) is None


@pytest.fixture
def replaceable(finished: str) -> Iterator[Path]:
    """The data file of `finished`, which all tests of the session share: as it was again afterwards."""
    data = Path(finished).parent / "tiny.npz"
    content = data.read_bytes()
    yield data
    data.write_bytes(content)


def test_a_run_on_a_file_that_was_replaced_since_borrows_none(
    run: Run, finish: Finish, finished: str, store: Store, replaceable: Path
) -> None:
    of_then = last(store)
    study = finish(outcome={"target_data": target_data(store, of_then)})
    np.savez(replaceable, **tiny_arrays(seed=1))
    run(finished)
    of_now = last(store)
    assert of_now.resolved == of_then.resolved
    assert answer(store, of_now) is None
    before = answer(store, of_then)
    assert before is not None and before.study == study


def test_a_run_of_another_recipe_with_the_same_parameters_borrows_none(finish: Finish, store: Store) -> None:
    finish()
    assert answer(store, replace(last(store), recipe="another.yaml")) is None


def test_a_study_that_goes_on_says_nothing_yet(finish: Finish, store: Store) -> None:
    finish(done=False)
    assert answer(store, last(store)) is None


def test_the_newest_finished_one_counts(finish: Finish, store: Store) -> None:
    ids = [finish(margin=0.01 * (1 + place), done=place < 2) for place in range(3)]
    for place, each in enumerate(ids):
        os.utime(Studies(store).folder(each) / "plan.json", (1000 + place, 1000 + place))
    found = answer(store, last(store))
    assert found is not None and found.study == ids[1]


@pytest.mark.parametrize("outcome", [{"verdict": "undecided"}, {"controlled": False}])
def test_a_study_without_verdict_or_control_takes_no_verdicts_place(
    finish: Finish, store: Store, outcome: dict[str, Any]
) -> None:
    decided = finish()
    later = finish(margin=0.02, outcome=outcome)
    for place, each in enumerate((decided, later)):
        os.utime(Studies(store).folder(each) / "plan.json", (1000 + place, 1000 + place))
    found = answer(store, last(store))
    assert found is not None and found.study == decided


def test_a_sweeps_trial_is_not_called_a_studys(finished: str, store: Store) -> None:
    run = replace(last(store), study="0123456789ab")
    assert trial_of(store, run) == "study 0123456789ab"
    Sweeps(store).folder("0123456789ab").mkdir(parents=True)
    assert trial_of(store, run) == "sweep 0123456789ab"


# -- what harms nothing


def damaged(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "plan.json").write_bytes(b"\x00 not JSON")


def of_something_else(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "plan.json").write_bytes(seal({"thing": 1}))


def a_folder_for_a_plan(folder: Path) -> None:
    (folder / "plan.json").mkdir(parents=True)


def a_file_for_the_folder(folder: Path) -> None:
    folder.parent.parent.mkdir(parents=True, exist_ok=True)
    folder.parent.write_text("no folder")


@pytest.mark.parametrize("spoil", [damaged, of_something_else, a_folder_for_a_plan, a_file_for_the_folder])
def test_what_is_no_study_is_passed_over(finished: str, store: Store, spoil: Callable[[Path], None]) -> None:
    spoil(Studies(store).root / "0123456789ab")
    assert answer(store, last(store)) is None


def test_a_sealed_plan_that_is_no_plan_and_an_outcome_that_is_none_are_passed_over(
    finish: Finish, finished: str, store: Store
) -> None:
    for plan in ({"recipe": finished}, {"recipe": finished, "resolved": "?"}, {"recipe": [1]}):
        Studies(store).begin(plan)
    for sentence, done in ((None, True), ({"a": 1}, True), (SENTENCE, "yes")):
        finish(sentence, done)
        assert answer(store, last(store)) is None


def test_a_study_whose_page_is_gone_still_speaks(finish: Finish, store: Store) -> None:
    (Studies(store).folder(finish()) / "page.html").unlink()
    run = told(store, last(store))
    assert run["answer"]["sentence"] == SENTENCE and run["answer"]["page"] is None


# -- how to ask


def test_the_command_asks_about_the_runs_parameters_and_leaves_the_seed_to_the_study(finished: str) -> None:
    def asks(**overrides: Any) -> list[str]:
        named = {name.replace("__", "."): value for name, value in overrides.items()}
        loaded = recipe_files.load(finished, named)
        resolved = loaded.recipe.model_dump(mode="json")
        return shlex.split(asking(RunRecord("", 1, finished, "tiny", loaded.overrides, resolved)))

    assert asks(seed=3) == ["graft", "study", finished]
    assert asks(target__labels=20) == ["graft", "study", finished, "--set", "target.labels=20"]
    of_copies = ["graft", "study", finished, "--set", "clone_with_weights.copy_weights=true"]
    assert asks(clone_with_weights__copy_weights=False) == of_copies


# -- where it is said


def test_the_report_links_to_the_page_and_says_the_verdict(
    quick: None, run: Run, finish: Finish, finished: str, store: Store
) -> None:
    before = run(finished)
    assert any(f"`graft study {finished}` answers it" in each for each in Runs(store).get(before["run"]).verdict)
    study = finish()
    after = run(finished)
    page = Path(after["report"])
    assert f'href="../../studies/{study}/page.html"' in page.read_text()
    assert (page.parent / f"../../studies/{study}/page.html").is_file()
    text = page.with_name("report.md").read_text()
    assert f"Study {study}, with controls and over seeds: Transfer helps" in text.replace("\\", "")
    assert "proves nothing" not in text
    assert "proves nothing" in Path(before["report"]).read_text()  # an old report stays as it was


def test_a_report_is_written_beside_damaged_studies(
    quick: None, run: Run, finish: Finish, finished: str, store: Store
) -> None:
    (Studies(store).folder(finish()) / "plan.json").write_text("{}")
    assert "proves nothing" in Path(run(finished)["report"]).read_text()


def test_show_says_what_a_study_has_said_since(finish: Finish, finished: str, command: Command) -> None:
    assert f"`graft study {finished}` tells" in command("show", "last")
    assert json.loads(command("show", "last", "--json"))["answer"] is None
    study = finish()
    assert f"Study {study}: {SENTENCE}" in command("show", "last")
    assert json.loads(command("show", "last", "--json"))["answer"]["study"] == study


def test_runs_and_show_say_whose_trial_a_run_is(finished: str, store: Store, command: Command) -> None:
    assert "study" not in command("runs").splitlines()[0]
    Runs(store).update(last(store), study="3f2a9c01d4e5")
    assert "3f2a9c01d4e5" in command("runs")
    assert "study 3f2a9c01d4e5" in command("show", "last")
    assert json.loads(command("runs", "--json"))["runs"][0]["study"] == "3f2a9c01d4e5"
    assert len(json.loads(command("runs", "--json", "--study", "3f2a"))["runs"]) == 1
    assert json.loads(command("runs", "--json", "--study", "4"))["runs"] == []


def test_the_gates_message_ends_with_the_verdict(finish: Finish, store: Store, command: Command) -> None:
    study = finish()
    found = json.loads(command("promote", "last", "--json"))
    assert found["message"].endswith(f"Study {study}: {SENTENCE}") and found["study"] == study
