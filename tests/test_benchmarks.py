"""The benchmark's page says what was measured, and judges it right. Nothing is timed here."""

from pathlib import Path

import pytest

from tests.benchmarks import rendering, results, run
from tests.benchmarks.results import Comparison, Findings, Side, Target
from tests.benchmarks.sections import SECTIONS

README = (run.HERE.parent.parent / "README.md").read_text(encoding="utf-8")
MACHINE = {
    "cores": 2, "cpu": "a CPU", "memory_gb": 24, "system": "Linux x86_64", "versions": {"Python": "3.11"},
}  # fmt: skip
HOW = {
    "date": "2026-11-25 06:00 UTC", "command": "python -m tests.benchmarks.run", "repeats": 3, "quick": False,
    "load": 0.1, "commit": "abc1234", "machine": MACHINE,
}  # fmt: skip


def comparison(over: float, under: float, **target: float) -> Comparison:
    """Medians `over` and `under`, whatever the first and the last run were."""
    return Comparison(
        "this and that", Side("this", [9.0, over, 0.1]), Side("that", [under, 0.1, 9.0]), Target(**target)
    )


@pytest.mark.parametrize(
    "found, verdict",
    [
        (comparison(8.0, 2.0, at_least=4), "met"),
        (comparison(7.9, 2.0, at_least=4), "not met"),
        (comparison(2.0, 2.0, at_most=1.0, never_above=1.1), "met"),
        (comparison(2.1, 2.0, at_most=1.0, never_above=1.1), "not met, but not above 1.1"),
        (comparison(2.3, 2.0, at_most=1.0, never_above=1.1), "not met"),
        (comparison(2.3, 2.0), "–"),
    ],
)
def test_a_ratio_of_medians_is_judged_before_it_is_rounded(found: Comparison, verdict: str) -> None:
    assert found.verdict() == verdict


def test_the_page_has_a_line_for_each_comparison_with_both_sides_and_the_verdict(tmp_path: Path) -> None:
    found = {
        "dense": Findings([comparison(8.0, 2.0, at_least=4, aim=6)], notes=["A note."], how=HOW),
        "cli": Findings([comparison(3.0, 2.0, at_most=0.5)], how=HOW),
        "features": Findings(skipped="no data here", how=HOW),
    }
    results.save(tmp_path / rendering.FIGURES, found)
    run.write(tmp_path)
    page = (tmp_path / rendering.PAGE).read_text(encoding="utf-8")
    assert (tmp_path / rendering.PICTURE).read_bytes().startswith(b"\x89PNG")
    lines = [line for line in page.splitlines() if "this and that" in line]
    assert len(lines) == 2
    for text in ("4.00", "8.0", "2.0", "≥ 4", "met"):
        assert text in lines[0]
    assert "not met" in lines[1] and "1.50" in lines[1]
    assert "no data here" in page and "A note." in page and "a CPU" in page


def test_what_was_kept_is_read_back_the_same(tmp_path: Path) -> None:
    found = {"cli": Findings([comparison(3.0, 2.0, at_most=0.5)], how=HOW)}
    results.save(tmp_path / "results.json", found)
    again = results.load(tmp_path / "results.json")["cli"]
    assert again.comparisons[0].ratio == 1.5 and again.how == HOW


def test_the_published_results_are_of_every_section_at_full_size() -> None:
    found = results.load(run.HERE / rendering.FIGURES)
    assert found.keys() == SECTIONS.keys()
    assert not any(findings.how["quick"] or findings.skipped for findings in found.values())
    assert "tests/benchmarks/RESULTS.md" in README


def test_a_section_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.main(["--only", "fast"])
    assert stopped.value.code == 2 and "expected some of dense" in capsys.readouterr().err
