"""Which edits of graft's own source retrain what. Each test edits a copy of the source and asks `graft plan` there."""

import shutil
from pathlib import Path

import pytest

from tests.flows.processes import ROOT, as_json, graft
from tests.flows.tiny import ORDER, statuses

SURGERY = ("clone_with_weights", "freeze", "train_head", "unfreeze", "fine_tune")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the source, without the store."""
    copy = tmp_path / "checkout"
    for room in ("flows", "tasks", "artifacts"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("store", "__pycache__"))
    return copy


def plan(checkout: Path, recipe: str) -> dict[str, dict[str, str]]:
    done = graft("plan", recipe, "--json", cwd=checkout)
    return {entry["step"]: entry for entry in as_json(done)["steps"]}


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_the_same_code_elsewhere_is_the_same_code(checkout: Path, finished: str) -> None:
    assert {step: line["status"] for step, line in plan(checkout, finished).items()} == {
        **dict.fromkeys(ORDER[:-1], "hit"),
        "report": "run",
    }


def test_a_comment_retrains_nothing(checkout: Path, finished: str) -> None:
    append(checkout / "tasks/pure/surgery.py", "\n# a remark\n")
    done = graft("plan", finished, "--json", cwd=checkout)
    assert set(statuses(as_json(done)).values()) == {"hit", "run"}
    assert [step for step, status in statuses(as_json(done)).items() if status == "run"] == ["report"]


def test_a_line_of_surgery_reruns_the_steps_that_reach_it_and_no_other(checkout: Path, finished: str) -> None:
    append(checkout / "tasks/pure/surgery.py", "\n\ndef _unused() -> None:\n    return None\n")
    lines = plan(checkout, finished)
    assert {
        lines[step]["status"]
        for step in ("load_data.source", "load_data.target", "inspect_data", "pretrain", "save_model")
    } == {"hit"}
    assert lines["clone_with_weights"]["status"] == "run"
    assert lines["clone_with_weights"]["reason"] == "code of `tasks/pure/surgery.py` changed"
    assert {lines[step]["status"] for step in SURGERY} == {"run"}


def test_a_change_to_the_report_reruns_nothing_that_is_cached(checkout: Path, finished: str) -> None:
    append(checkout / "tasks/pure/page_html.py", "\n\nVERSION = 2\n")
    append(checkout / "tasks/report.py", "\n\nVERSION = 2\n")
    append(checkout / "artifacts/store.py", "\n\nVERSION = 2\n")
    assert {step for step, line in plan(checkout, finished).items() if line["status"] == "run"} == {"report"}


def test_a_change_to_the_metrics_reruns_evaluation_alone(checkout: Path, finished: str) -> None:
    append(checkout / "tasks/pure/metrics.py", "\n\nVERSION = 2\n")
    lines = plan(checkout, finished)
    assert lines["evaluate"]["reason"] == "code of `tasks/pure/metrics.py` changed"
    assert lines["fine_tune"]["status"] == "hit"
