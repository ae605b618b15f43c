"""The page of a study lies beside its plan, and is made of the plan and the outcome alone."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from artifacts.errors import UsageError
from artifacts.store import Store
from artifacts.studies import Studies, StudyRecord
from flows.study import pages
from flows.study.asked import Study
from flows.study.deciding import Outcome
from tasks.pure.statistics.decision import judge
from tasks.pure.statistics.looks import Look
from tests.tasks.pure.study_page.example import accuracies, differences, labels_curve
from tests.tasks.pure.test_page import Outline


def study(tmp_path: Path, outcome: bool = True, **asked: Any) -> tuple[Store, StudyRecord]:
    """A study of `quickstart` with five seeds, its outcome made as a real one's is."""
    store = Store(tmp_path)
    wanted = Study(recipe="quickstart", arms=["transfer", "scratch"], **asked).model_dump(mode="json")
    plan = {
        "study": wanted,
        "recipe": "quickstart",
        "title": "quickstart",
        "resolved": {"target": {"labels": 20}, "clone_with_weights": {"layers": "all"}, "unfreeze": {"layers": 2}},
        "comparisons": ["scratch"],
        "looks": [[5, 0.005]],
        "threads": 2,
    }
    record = Studies(store).begin(plan)
    if outcome:
        arms = accuracies({"scratch": 0.06}, 5)
        decision = judge(differences({"arms": arms}, "scratch"), [Look(5, 0.005)], 0.01, 1 / 200)
        found = Outcome(record, {"scratch": decision}, arms, labels_curve(), {}, 5, 200, True)
        Studies(store).save(record.id, found.as_json())
    return store, Studies(store).get(record.id)


def with_more(store: Store, record: StudyRecord, **more: Any) -> StudyRecord:
    Studies(store).save(record.id, {**record.outcome, **more})
    return Studies(store).get(record.id)


def test_both_pages_lie_in_the_studys_folder_and_say_the_verdict(tmp_path):
    store, record = study(tmp_path)
    written = pages.write_pages(store, record)
    assert {written.html.parent, written.markdown.parent} == {Studies(store).folder(record.id)}
    assert record.outcome["sentence"].partition(":")[0] == "Transfer helps"
    for page in (written.html, written.markdown):
        assert "Transfer helps: +7.0 points" in page.read_text(encoding="utf-8")
    assert len([tag for tag in Outline(written.html.read_text()).tags if tag == "img"]) == 3
    assert not list(store.scratch.iterdir()), "nothing half-written is left"


def test_pages_written_again_are_the_same_bytes(tmp_path):
    store, record = study(tmp_path)
    first = [page.read_bytes() for page in vars(pages.write_pages(store, record)).values()]
    assert [page.read_bytes() for page in vars(pages.write_pages(store, record)).values()] == first


def test_a_study_without_a_look_has_no_page(tmp_path):
    with pytest.raises(UsageError, match="no outcome yet"):
        pages.write_pages(*study(tmp_path, outcome=False))


def test_the_recipes_own_number_of_labels_is_a_point_of_the_curve(tmp_path):
    told = pages.told_of(*study(tmp_path))
    assert told["home"] == {"labels": 20, "depth": "all", "unfrozen": 2}


def test_all_labels_are_no_number_on_an_axis():
    assert pages._home({"target": {"labels": "all"}, "unfreeze": {"layers": ["a"]}}) == {}


def test_the_table_of_seeds_is_of_those_that_the_comparison_rests_on(tmp_path):
    store, record = study(tmp_path)
    entry = {**record.outcome["comparisons"]["scratch"], "seeds": 3}
    told = pages.told_of(store, with_more(store, record, comparisons={"scratch": entry}))
    assert len(told["comparisons"]["scratch"]["table"]["differences"]) == 3


def test_a_runs_report_is_named_as_seen_from_the_page_and_one_that_is_gone_is_not(tmp_path):
    from artifacts.runs import Runs

    store, record = study(tmp_path)
    report = store.root / "reports" / "run 1" / "report.html"
    report.parent.mkdir(parents=True)
    report.write_text("a page")
    runs = Runs(store)
    for run_id, path in (("there", report), ("gone", report.with_name("other.html"))):
        runs.update(runs.open(run_id, "quickstart", "quickstart", {}, {}), report=str(path))
    listed = [
        {"axis": "home", "value": "", "arm": "transfer", "seed": 0, "run": each} for each in ("there", "gone", "no")
    ]
    record = with_more(store, record, runs=listed)
    found = [run["report"] for run in pages.told_of(store, record)["runs"]]
    assert found == ["../../reports/run 1/report.html", None, None]
    assert (Studies(store).folder(record.id) / found[0]).resolve() == report.resolve()
    assert 'href="../../reports/run%201/report.html"' in pages.write_pages(store, record).html.read_text()


def test_what_was_counted_is_passed_on(tmp_path):
    store, record = study(tmp_path)
    assert "Computed" not in pages.write_pages(store, record).markdown.read_text()
    more = with_more(store, record, computed=3, reused=7, saved=60.0, test_looks={"here": 10, "elsewhere": 0})
    assert "| 7 of 10 |" in pages.write_pages(store, more).markdown.read_text()


def repeated(**asked: Any) -> dict[str, str]:
    return pages._repeated(Study(recipe="quickstart", **asked).model_dump(mode="json"))


def test_the_command_repeats_the_study():
    assert repeated() == {"command": "graft study quickstart"}
    told = repeated(arms=["transfer", "scratch"], labels=[20, 100], seeds=7, set={"target.classes": ["a b", "c"]})
    words = shlex.split(told["command"])
    assert words[:3] == ["graft", "study", "quickstart"]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--arms": "transfer,scratch",
        "--labels": "20,100",
        "--seeds": "7",
        "--set": 'target.classes=["a b", "c"]',
    }


def test_what_has_no_option_is_told_as_a_file_that_asks_the_same():
    wanted = Study(recipe="quickstart", margin=0.02, sources=[{"classes": [1, 2]}], scratch={"seeds": 5})
    told = pages._repeated(wanted.model_dump(mode="json"))
    assert told["command"] == "graft study study.yaml"
    assert Study.model_validate(yaml.safe_load(told["study_yaml"])) == wanted
