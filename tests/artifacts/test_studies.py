"""A study's plan is written once, and what was altered is noticed."""

import json

import pytest

from artifacts.errors import RecordDamaged, UsageError
from artifacts.store import Store
from artifacts.studies import Studies, StudyRecord
from artifacts.sweeps import Sweeps
from artifacts.verify import verify

PLAN = {"recipe": "quickstart", "looks": [[5, 0.05]]}


@pytest.fixture(params=[Studies, Sweeps])
def studies(tmp_path, request) -> Studies:
    return request.param(Store(tmp_path))


@pytest.fixture
def begun(studies: Studies) -> StudyRecord:
    record = studies.begin(PLAN)
    studies.save(record.id, {"verdict": "helps"})
    for name in ("page.html", "page.md"):
        (studies.folder(record.id) / name).write_text("the page")
    return record


def test_the_same_plan_is_the_same_study_and_a_changed_one_another(studies, begun):
    assert studies.begin(dict(PLAN)).id == begun.id
    assert studies.begin({**PLAN, "looks": [[10, 0.05]]}).id != begun.id
    assert studies.get(begun.id).outcome == {"verdict": "helps"}


def test_a_study_is_found_by_the_beginning_of_its_id(studies, begun):
    assert studies.find(begun.id[:4]).id == studies.find("last").id == begun.id
    with pytest.raises(UsageError, match=f"`nothing`.*{begun.id}"):
        studies.find("nothing")


def test_a_sound_study_is_no_stranger_to_verify(studies, begun):
    assert verify(studies.store).problems == []
    stray = studies.folder(begun.id) / "notes.txt"
    stray.write_text("mine")
    assert [each["path"] for each in verify(studies.store).problems] == [str(stray)]


@pytest.mark.parametrize("name", ["plan.json", "outcome.json"])
def test_an_altered_file_is_a_problem_and_is_not_believed(studies, begun, name):
    path = studies.folder(begun.id) / name
    altered = path.read_text().replace("quickstart", "other").replace("helps", "hurts")
    path.write_text(altered)
    (problem,) = verify(studies.store).problems
    assert problem["path"] == str(path) and f"graft {studies.KIND}" in problem["mend"]
    if name == "plan.json":
        with pytest.raises(RecordDamaged):
            studies.get(begun.id)
    else:
        assert studies.get(begun.id).outcome == {}


def test_a_plan_in_another_studys_folder_is_a_problem(studies, begun):
    folder = studies.folder(begun.id)
    folder.rename(folder.with_name("0" * 12))
    assert studies.all() == []
    (problem,) = verify(studies.store).problems
    assert json.loads((folder.with_name("0" * 12) / "plan.json").read_text()) and "plan.json" in problem["path"]
