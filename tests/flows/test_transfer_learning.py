"""What a run promises: nothing is computed twice, everything that changed is, and the same bits come out."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts import array_codecs
from artifacts.digest import digest_file
from artifacts.errors import RecipeError, RunFirst, UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from flows import plan as planning
from flows import recipe_files
from flows.choice import choose
from flows.dag import STEPS, edges
from tasks.pure.errors import BadData, Diverged
from tests.flows.conftest import Run
from tests.flows.tiny import ORDER, digests, ran, statuses, tiny_arrays

AFTER_FINE_TUNE = ["fine_tune", "evaluate", "figures"]


def planned(recipe: str, overrides: dict[str, Any] | None = None, **options: Any) -> dict[str, planning.PlannedStep]:
    loaded = recipe_files.load(recipe, overrides or {})
    choice = choose(edges(loaded.recipe), options.get("force", ()), options.get("start_from"), options.get("only"))
    return {step.step: step for step in planning.walk(loaded, choice)}


def test_a_first_run_computes_every_step_in_the_order_of_the_dag(run: Run, tiny: str) -> None:
    result = run(tiny)
    assert tuple(entry["step"] for entry in result["steps"]) == ORDER == STEPS
    assert set(statuses(result).values()) == {"ran"}
    assert all(entry["reason"] == "never ran" for entry in result["steps"][:-1])
    assert 0 <= result["metrics"]["accuracy_low"] <= result["metrics"]["accuracy"] <= result["metrics"]["accuracy_high"]
    assert Path(result["report"]).is_file()


def test_the_page_names_the_data_files_and_has_a_row_for_every_step(run: Run, finished: str) -> None:
    page = Path(run(finished)["report"]).with_suffix(".md").read_text()
    steps, made = (page.split(f"\n## {title}\n")[1].split("\n## ")[0] for title in ("Steps", "Made from"))
    assert [line.split()[1].replace("\\", "") for line in steps.splitlines() if line[:1] == "|"][2:] == list(ORDER)
    short = digest_file(Path(finished).with_name("tiny.npz")).removeprefix("sha256:")[:10]
    assert made.count(f"tiny.npz ({short})") == 2  # source and target


def test_a_second_run_computes_nothing_and_has_the_same_digests(run: Run, finished: str, store: Store) -> None:
    first = Runs(store).last(finished)
    second = run(finished)
    assert ran(second) == []
    assert first is not None
    assert digests(second) == {entry["step"]: entry["outputs"] for entry in first.steps}


def test_a_second_run_is_cached_by_prefect_itself(run: Run, finished: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    result = run(finished)
    wanted = {**dict.fromkeys(ORDER[:-1], "Cached"), "report": "Completed"}
    states: dict[str, str] = {}
    deadline = time.monotonic() + 30  # the server hears of states through events, a moment later
    with get_client(sync_client=True) as client:
        while states != wanted and time.monotonic() < deadline:
            runs = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[result["run"]])))
            states = {each.name: each.state.name for each in runs if each.state}
    assert states == wanted


def test_the_run_has_tags_and_no_task_waits_for_slots_because_of_them(run: Run, finished: str) -> None:
    """Prefect asks the server for slots of each of a task's tags before it lets the task begin."""
    from prefect import tags
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    with tags("graft"):  # as the command has them
        result = run(finished)
    with get_client(sync_client=True) as client:
        assert set(client.read_flow_run(result["run"]).tags) == {"graft", "recipe: tiny", "data: npz"}
        deadline, tasks = time.monotonic() + 30, []
        while len(tasks) < len(ORDER) and time.monotonic() < deadline:
            tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[result["run"]])))
    assert len(tasks) == len(ORDER) and not any(each.tags for each in tasks)


def test_prefects_own_switches_break_no_promise(run: Run, finished: str) -> None:
    from prefect.settings import PREFECT_TASKS_DISABLE_CACHING, PREFECT_TASKS_REFRESH_CACHE, temporary_settings

    with temporary_settings({PREFECT_TASKS_DISABLE_CACHING: True, PREFECT_TASKS_REFRESH_CACHE: True}):
        assert ran(run(finished)) == []


def test_a_changed_learning_rate_runs_fine_tune_and_what_follows(run: Run, finished: str) -> None:
    change = {"fine_tune.learning_rate": 0.002}
    plan = planned(finished, change)
    assert plan["fine_tune"].reason == "parameter `fine_tune.learning_rate` 0.001 → 0.002"
    assert [step for step, line in plan.items() if line.status == "hit"] == list(ORDER[:9])
    result = run(finished, change)
    assert ran(result) == AFTER_FINE_TUNE
    assert ran(run(finished)) == []  # and the way back costs nothing


def test_a_change_to_the_figures_retrains_nothing(run: Run, finished: str) -> None:
    assert ran(run(finished, {"figures.mistakes": 1})) == ["figures"]


def test_forcing_a_step_that_makes_the_same_bits_leaves_what_follows_as_hits(run: Run, finished: str) -> None:
    plan = planned(finished, force=["train_head"])
    assert plan["train_head"].status == "run"
    assert plan["train_head"].reason == "forced"
    following = ("unfreeze", "fine_tune", "evaluate", "figures")
    assert {plan[step].status for step in following} == {"hit-if-same"}
    assert plan["fine_tune"].reason == "HIT if `train_head` makes the same bits again"
    assert ran(run(finished, force=["train_head"])) == ["train_head"]


@pytest.mark.parametrize("damaged", [False, True], ids=["deleted", "damaged"])
def test_an_execution_record_that_is_lost_leaves_what_follows_as_hits_if_same(
    run: Run, finished: str, store: Store, damaged: bool
) -> None:
    record = Runs(store).last(finished)
    path = store.execution_path(record.keys()["train_head"] if record else "")
    path.write_text("{}") if damaged else path.unlink()
    plan = planned(finished)
    assert plan["train_head"].reason == f"execution record {'damaged' if damaged else 'deleted'}"
    assert {plan[step].status for step in ("unfreeze", "fine_tune", "evaluate", "figures")} == {"hit-if-same"}
    with pytest.raises(RunFirst, match=r"but it lacks `train_head` \(execution record \w+\)\. Run"):
        run(finished, start_from="evaluate")
    assert ran(run(finished)) == ["train_head"]


def test_a_reason_compares_with_the_newest_run_that_came_to_the_step(run: Run, finished: str) -> None:
    run(finished, {"fine_tune.learning_rate": 0.002})
    run(finished, only="train_head")
    with pytest.raises(Diverged):
        run(finished, {"fine_tune.learning_rate": 1e30})
    plan = planned(finished, {"fine_tune.learning_rate": 0.003})
    assert plan["fine_tune"].reason == "parameter `fine_tune.learning_rate` 0.002 → 0.003"


def test_the_test_images_are_looked_at_once_and_judged_on_once(
    run: Run, finished: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = array_codecs.read_part

    def read_part(folder: Path, part: str) -> Any:
        return honest(folder, part) if part != "test" else pytest.fail("the test images were read")

    monkeypatch.setattr(array_codecs, "read_part", read_part)
    others = [step for step in ORDER if step not in ("inspect_data", "evaluate", "report")]
    assert ran(run(finished, force=others)) == others
    with pytest.raises(pytest.fail.Exception):
        run(finished, force=["evaluate"])


def test_from_computes_the_step_and_all_after_it(run: Run, finished: str) -> None:
    result = run(finished, start_from="unfreeze")
    assert ran(result) == ["unfreeze", *AFTER_FINE_TUNE]
    assert {statuses(result)[step] for step in ORDER[:8]} == {"hit"}


def test_only_computes_the_step_and_nothing_after_it(run: Run, finished: str) -> None:
    result = run(finished, only="train_head")
    assert ran(result) == ["train_head"]
    assert {statuses(result)[step] for step in ORDER[8:]} == {"skipped"}
    assert (result["metrics"], result["report"]) == ({}, None)


@pytest.mark.parametrize("option", ["start_from", "only"])
def test_from_and_only_want_what_comes_before_in_the_store(run: Run, tiny: str, option: str) -> None:
    with pytest.raises(RunFirst, match=r"lacks `load_data.source` \(never ran\).*Run `graft run .* first"):
        run(tiny, **{option: "save_model"})


def test_a_reason_names_the_recipes_seed_not_the_one_that_a_step_derives(harness: None, finished: str) -> None:
    assert planned(finished, {"seed": 7})["pretrain"].reason == "seed 0 → 7"


def test_another_data_set_is_the_whole_reason_not_its_files_too(harness: None, finished: str) -> None:
    plan = planned(finished, {"source.dataset": "digits", "source.path": None})
    assert plan["load_data.source"].reason == "parameter `source.dataset` npz → digits"


def test_a_training_that_diverges_says_so_and_what_to_lower(run: Run, finished: str) -> None:
    with pytest.raises(Diverged, match=r"diverged .*Lower its `learning_rate` \(now 1e\+30\)"):
        run(finished, {"fine_tune.learning_rate": 1e30})


def test_from_wants_a_damaged_step_before_it_mended_first(run: Run, finished: str, store: Store) -> None:
    for path in (store.artifacts / "history").glob("*/history.csv"):
        path.write_text("damaged")
    with pytest.raises(RunFirst, match="artifact damaged"):
        run(finished, start_from="unfreeze")


def test_contradicting_options_are_refused_before_anything_runs(run: Run, finished: str) -> None:
    with pytest.raises(UsageError, match="--from unfreeze and --only freeze"):
        run(finished, start_from="unfreeze", only="freeze")
    with pytest.raises(UsageError, match="--force freeze contradicts --from unfreeze"):
        run(finished, start_from="unfreeze", force=["freeze"])
    with pytest.raises(RecipeError, match=r"fine_tune\.learning_rate"):
        run(finished, {"fine_tune.learning_rte": 1})


def test_an_npz_overwritten_in_place_is_new_data(run: Run, finished: str, tiny: str, tmp_path: Path) -> None:
    assert ran(run(tiny)) == []  # the same file as that of the run that is finished
    np.savez(tmp_path / "tiny.npz", **tiny_arrays(seed=1))
    assert planned(tiny)["load_data.source"].reason == "file `npz` changed"
    assert ran(run(tiny)) == list(ORDER[:-1])


def test_an_npz_elsewhere_is_the_same_data(run: Run, finished: str, tmp_path: Path) -> None:
    moved = shutil.copy(Path(finished).with_name("tiny.npz"), tmp_path / "elsewhere.npz")
    assert ran(run(finished, {"source.path": str(moved), "target.path": str(moved)})) == []


def test_another_seed_is_another_run_from_the_training_on(quick: None, run: Run, finished: str) -> None:
    result = run(finished, {"seed": 1})
    assert statuses(result)["load_data.source"] == "hit"  # all labels: nothing is drawn
    assert ran(result) == list(ORDER[1:-1])
    assert "seed" in result["by_step"]["pretrain"]["reason"]


def test_a_random_base_is_called_one_in_the_report(quick: None, run: Run, finished: str) -> None:
    result = run(finished, {"clone_with_weights.copy_weights": False})
    page = Path(result["report"]).read_text()
    assert "random base" in page
    assert "never copied" in page
    assert ran(result)[0] == "clone_with_weights"


def test_the_control_is_found_and_compared(quick: None, run: Run, finished: str, store: Store) -> None:
    run(finished, {"clone_with_weights.copy_weights": False})
    run(finished)
    newest = Runs(store).last(finished)
    assert newest is not None
    assert any("random base" in sentence for sentence in newest.verdict)
    assert not any("has not been run" in sentence for sentence in newest.verdict)


def test_a_failed_step_is_on_record_and_the_rest_is_skipped(run: Run, finished: str, store: Store) -> None:
    with pytest.raises(Exception, match="labels"):
        run(finished, {"target.labels": 161})  # only the file knows that it has fewer
    record = Runs(store).last(finished)
    assert record is not None
    assert record.state == "failed"
    by_step = {entry["step"]: entry["status"] for entry in record.steps}
    assert by_step["load_data.target"] == "failed"
    assert by_step["pretrain"] == by_step["report"] == "skipped"
    assert (dict(record.metrics), record.report) == ({}, None)


@pytest.mark.parametrize("role", ["source", "target"])
def test_floats_of_0_to_1_are_refused_before_any_training(
    run: Run, tiny: str, store: Store, tmp_path: Path, role: str
) -> None:
    arrays = tiny_arrays()
    floats = {name: (arrays[name] / 255).astype(np.float32) for name in ("x_train", "x_test")}
    np.savez(tmp_path / "floats.npz", **arrays | floats)
    overrides = {f"{role}.path": str(tmp_path / "floats.npz")}
    for _ in range(2):  # the second time the data set itself is a hit
        with pytest.raises(BadData, match=f"the images of `{role}` are floats of at most"):
            run(tiny, overrides)
        by_step = {entry["step"]: entry["status"] for entry in Runs(store).all()[-1].steps}
        assert (by_step[f"load_data.{role}"], by_step["pretrain"]) == ("failed", "skipped")


def test_a_store_may_be_moved(run: Run, finished: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = store.root.rename(store.root.with_name("elsewhere"))
    monkeypatch.setenv("GRAFT_STORE", str(elsewhere))
    assert ran(run(finished)) == []
