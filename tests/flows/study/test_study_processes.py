"""`graft study` as a person runs it: real processes, killed and interrupted ones too."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.studies import Studies
from artifacts.verify import verify
from tests.flows.processes import as_json, graft, start
from tests.flows.tiny import write_tiny_recipe

ASKED = ("--arms", "transfer,random-base,raw-pixels,head-only", "--json")
# What two sessions do not share: how much each of them computed, and where its page lies.
OF_THE_SESSION = ("computed", "reused", "seconds", "saved", "num_runs", "runs", "report")


def trial_processes(store: Store) -> list[psutil.Process]:
    """Those that run trials for this store."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("GRAFT_STORE") == str(store.root)
            if mine and "flows.study.trial_process" in process.cmdline():
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


@dataclass(frozen=True)
class Whole:
    """A study of two seeds that nothing disturbed.

    Attributes:
        recipe: path of its recipe, for the same study in other stores.
        told: what it printed.
    """

    recipe: str
    told: dict[str, Any]


@pytest.fixture(scope="module")
def whole(harness: None, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    from prefect.settings import PREFECT_API_URL

    folder = tmp_path_factory.mktemp("whole")
    recipe = str(write_tiny_recipe(folder))
    places = {"PREFECT_API_URL": str(PREFECT_API_URL.value()), "GRAFT_STORE": str(folder / "store")}
    return Whole(recipe, as_json(graft("study", recipe, *ASKED, "--seeds", "2", **places)))


def until(reached: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def subflows(study: str) -> list[Any]:
    """The trials of a study as Prefect's UI shows them on the study's page: by the task runs that stand for them."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags, TaskRunFilter, TaskRunFilterId

    with get_client(sync_client=True) as client:
        tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"study: {study}"]))
        trials = sorted(client.read_flow_runs(flow_run_filter=tagged), key=lambda run: run.start_time)
        ids = [trial.parent_task_run_id for trial in trials]
        standing = client.read_task_runs(task_run_filter=TaskRunFilter(id=TaskRunFilterId(any_=ids)))
    assert len(standing) == len(trials) and all(each.state_name == "Completed" for each in standing)
    assert len({each.flow_run_id for each in standing}) == 1
    return trials


def steps_run(store: Store) -> int:
    return sum(
        entry["status"] == "ran" for run in Runs(store).all() for entry in run.steps if entry["step"] != "report"
    )


def nothing_computed_twice(store: Store, once: int, died: int) -> bool:
    """Whether runs of which so many died made what they would have made without. Of the step that each had under way
    nobody says "ran" where it was stored, and its process died before it could; and two say so where its process had,
    but died before the step's cache record was written."""
    noted = [
        (entry["key"], entry["status"]) for run in Runs(store).all() for entry in run.steps if entry["step"] != "report"
    ]
    ran = Counter(key for key, status in noted if status == "ran")
    made = {key for key, status in noted if status in ("ran", "hit")}
    return len(made) == once and ran.total() - len(ran) <= died and len(made - ran.keys()) <= died


def found(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in OF_THE_SESSION}


def test_a_study_prints_its_verdict_and_leaves_its_page_and_no_process(
    served: dict[str, str], tiny: str, store: Store
) -> None:
    told = as_json(graft("study", tiny, *ASKED, "--seeds", "1", **served))
    assert told["study"] == Studies(store).all()[0].id
    assert told["verdict"] == "undecided" and told["seeds"] == 1  # one seed never is a verdict
    assert set(told["arms"]) == {"transfer", "random-base", "raw-pixels", "head-only"}
    assert all(len(by_seed) == 1 for by_seed in told["arms"].values())
    assert {"difference", "low", "high"} <= set(told)
    assert told["sentence"].startswith("No verdict: 1 seed is fewer than five")
    assert told["computed"] == steps_run(store) and told["computed"] + told["reused"] == 2 * 12
    assert "No verdict: 1 seed" in Path(told["report"]).read_text(encoding="utf-8")
    assert trial_processes(store) == []
    names = [trial.name for trial in subflows(told["study"])]
    assert names == ["tiny · seed 0 · transfer", "tiny · seed 0 · random-base"]


def test_what_is_wrong_is_said_before_anything_runs_or_by_the_trial(
    served: dict[str, str], tiny: str, store: Store
) -> None:
    failed = graft("study", tiny, *ASKED, "--set", "target.labels=100000", **served)
    assert failed.returncode == 1 and "Traceback" not in failed.stderr
    assert "Expected `labels` between" in failed.stderr and "run the study again" in failed.stderr
    (Path(tiny).parent / "tiny.npz").unlink()
    failed = graft("study", tiny, *ASKED, **served)
    assert failed.returncode == 1 and "expected the npz file" in failed.stderr
    assert trial_processes(store) == []


@pytest.mark.slow
def test_a_study_computes_under_half_of_its_runs_steps_done_one_by_one(whole: Whole) -> None:
    one_by_one = 12 * len(whole.told["arms"]) * whole.told["seeds"]
    assert whole.told["computed"] < 0.5 * one_by_one


@pytest.mark.slow
@pytest.mark.parametrize("trials", [2])
def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_verdict(
    served: dict[str, str], whole: Whole, store: Store, trials: int
) -> None:
    """`kill -9` while a trial trains, after so many others: its child ends by itself, and what was computed stays."""
    process = start("study", whole.recipe, *ASKED, "--seeds", "2", **served)

    def is_under_way() -> bool:
        runs = Runs(store).all()
        return len(runs) == trials + 1 and any(entry["step"] == "pretrain" for entry in runs[-1].steps)

    until(is_under_way, 120)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    until(lambda: not trial_processes(store))
    before = steps_run(store)
    again = as_json(graft("study", whole.recipe, *ASKED, "--seeds", "2", **served))
    assert found(again) == found(whole.told)
    once = whole.told["computed"]
    assert before > 0 and nothing_computed_twice(store, once, died=1)
    assert verify(store).problems == []


@pytest.mark.slow
def test_after_ctrl_c_no_process_is_left_and_two_at_once_go_on_to_the_same_figures(
    served: dict[str, str], whole: Whole, store: Store
) -> None:
    process = start("study", whole.recipe, *ASKED, "--seeds", "2", "--jobs", "2", **served)
    until(lambda: any(entry["step"] == "pretrain" for run in Runs(store).all() for entry in run.steps), 120)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in said
    assert "graft: interrupted. What had ended is in the store; run again to go on from there." in said
    assert trial_processes(store) == []
    both = as_json(graft("study", whole.recipe, *ASKED, "--seeds", "2", "--jobs", "2", **served))
    assert found(both) == found(whole.told)
    assert nothing_computed_twice(store, whole.told["computed"], died=2)
