"""What is said of a run in Prefect's UI, without a server: lines an epoch, notes on failures, how runs compare."""

from dataclasses import replace
from typing import Any

import pytest

from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from flows import comparison, hooks, live, publishing, summary
from flows.home import Home
from tasks.progress import EpochNews


def record(number: int = 1, **changes: Any) -> RunRecord:
    metrics = {"accuracy": 0.94, "accuracy_low": 0.905, "accuracy_high": 0.97, "num_test": 200}
    steps = [
        {"step": "load_data.source", "status": "hit", "reason": "cached"},
        {"step": "pretrain", "status": "ran", "reason": "seed 0 → 1"},
        {"step": "report", "status": "ran", "reason": "never cached"},
    ]
    plain = RunRecord(f"id-{number}", number, "quickstart", "quickstart", {"seed": 1}, {}, steps=steps, metrics=metrics)
    started = f"2026-11-{number:02}T02:30:00+00:00"
    return replace(plain, **{"started": started, "deployment": "retrain/nightly", **changes})


def test_a_line_an_epoch_has_figures_in_order_seconds_and_what_is_left() -> None:
    logs = {"val_accuracy": 0.5, "accuracy": 0.75, "loss": 0.25, "val_loss": 1.0}
    line = live.told(EpochNews("fine_tune", 3, 10, 0.0, logs, 2.04), seconds_an_epoch=2.0)
    figures = "loss 0.2500, accuracy 0.7500, val_loss 1.0000, val_accuracy 0.5000"
    assert line == f"fine_tune: epoch 3/10: {figures}, 2.0 s, 14 s left"


def test_the_last_epoch_has_nothing_left() -> None:
    assert live.told(EpochNews("pretrain", 10, 10, 0.0, {"loss": 0.1}, 2.0), 2.0).endswith("2.0 s, done")


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (89, "89 s"), (150, "2 min"), (7500, "2 h 5 min")])
def test_time_left_is_told_as_people_do(seconds: float, words: str) -> None:
    assert live.shown(seconds) == words


def test_the_state_says_accuracy_interval_and_hits() -> None:
    assert summary.sentence(record()) == "accuracy 0.940 [0.905, 0.970], 1 of 3 steps cached"


def test_the_state_says_that_nothing_had_changed_and_what_the_gate_decided() -> None:
    hits = [{**step, "status": "hit" if step["step"] != "report" else "ran"} for step in record().steps]
    said = summary.sentence(record(steps=hits, gate={"message": "The champion stays."}))
    assert said.endswith("2 of 3 steps cached · nothing had changed · gate: The champion stays.")


def test_a_note_on_a_failure_says_where_what_is_kept_and_how_to_go_on() -> None:
    steps = [*record().steps[:2], {"step": "save_model", "status": "failed", "reason": "x"}]
    page = hooks.page(record(steps=steps, message="The disk is full."), "failed", "")
    assert "# Run 1 failed at `save_model`" in page
    assert "> The disk is full." in page
    assert "`load_data.source`, `pretrain`." in page
    assert "*Retry*" in page and "`graft run quickstart --set seed=1`" in page


def test_a_note_on_a_run_that_never_began_quotes_the_message() -> None:
    assert "> no such recipe" in hooks.page(None, "failed", "no such recipe")


def test_hooks_take_the_names_that_prefect_calls_them_by() -> None:
    """The worker calls them by keyword; a hook that takes others is never run, and only a log says so."""
    import inspect

    for hook in (hooks.failed, hooks.crashed, hooks.cancelled):
        assert list(inspect.signature(hook).parameters) == ["flow", "flow_run", "state"]


def test_only_runs_of_one_deployment_and_recipe_are_compared_oldest_first() -> None:
    runs = [record(1), record(2, deployment="other/one"), record(3, recipe="mine"), record(4, metrics={}), record(5)]
    newest = record(6)
    assert [run.number for run in comparison.of_deployment([*runs, newest], newest)] == [1, 5, 6]


def test_the_comparison_has_a_picture_and_says_what_was_new_and_decided() -> None:
    page = comparison.page([record(1), record(2, gate={"outcome": "not worse", "promoted": True})], "retrain/nightly")
    assert "# The last 2 runs of retrain/nightly" in page
    assert "data:image/png;base64," in page
    assert "pretrain: seed 0 → 1" in page and "not worse" in page
    assert len(page.encode()) < 200_000
    assert page.index("| 2 |") < page.index("| 1 |")


def test_thirty_runs_are_compared_at_most() -> None:
    runs = [record(number % 28 + 1) for number in range(40)]
    assert len(comparison.of_deployment(runs, record(9, id="newest"))) == comparison.LAST


@pytest.mark.parametrize(("name", "key"), [("quickstart", "report-quickstart"), ("My Netz/ä 2", "report-my-netz-2")])
def test_an_artifacts_key_has_lower_case_letters_digits_and_dashes(name: str, key: str) -> None:
    assert publishing.key("report", name) == key


def test_the_gates_page_says_the_decision_and_the_evidence() -> None:
    gate = {"promoted": False, "message": "The champion stays.", "evidence": {"num_gate": 120, "p": 0.25}}
    page = publishing.gate_page(record(gate=gate))
    assert "# Gate: not promoted" in page and "| num gate | 120 |" in page and "| p | 0.25 |" in page


def test_a_run_that_is_tried_again_keeps_its_number(store: Store) -> None:
    runs = Runs(store)
    first = runs.open("one", "quickstart", "quickstart", {}, {})
    runs.open("two", "quickstart", "quickstart", {}, {})
    runs.update(first, state="failed", steps=[{"step": "pretrain", "status": "failed"}])
    again = runs.open("one", "quickstart", "quickstart", {}, {})
    assert (again.number, again.attempt, again.steps, again.state) == (1, 2, [], "running")
    assert [each.number for each in runs.all()] == [1, 2]


def test_who_is_alive_is_known_and_who_has_ended_is_not(tmp_path: Any) -> None:
    home = Home(tmp_path)
    with home.alive("a-run", "http://here/api"):
        assert home.is_alive("a-run") and list(home.living("http://here/api/")) == ["a-run"]
        assert home.living("http://elsewhere/api") == {}
    assert not home.is_alive("a-run") and home.living("http://here/api") == {}
    assert list((tmp_path / "alive").glob("*")) == []


def test_one_up_at_a_time_and_its_word_goes_with_it(tmp_path: Any) -> None:
    home = Home(tmp_path)
    home.make()
    home.state_file.write_text('{"of": "one that was killed"}')
    with home.occupied():
        assert home.is_up() and home.up() is None
        with pytest.raises(Exception, match="starting or stopping"), home.occupied():
            raise AssertionError("a second one came in")
    assert not home.is_up() and not home.state_file.exists()
