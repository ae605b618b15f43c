"""A property: whatever was run, set, forced, damaged and deleted before, what `plan` promises as HIT is a hit."""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artifacts.store import Store
from flows import plan as planning
from flows import recipe_files
from flows.choice import choose
from flows.dag import edges
from tests.flows.conftest import Run
from tests.flows.test_damage import DAMAGES, covered_files
from tests.flows.tiny import ORDER, write_tiny_recipe

OVERRIDES: list[dict[str, Any]] = [
    {},
    {"fine_tune.learning_rate": 0.002},
    {"seed": 1},
    {"unfreeze.layers": 2},
    {"clone_with_weights.copy_weights": False},
    {"figures.mistakes": 1},
]
CACHED = [step for step in ORDER if step != "report"]

runs = st.tuples(st.just("run"), st.sampled_from(OVERRIDES), st.lists(st.sampled_from(CACHED), max_size=2, unique=True))
damages = st.tuples(st.just("damage"), st.floats(0, 0.999), st.sampled_from(sorted(DAMAGES)))
deletions = st.tuples(st.just("delete"), st.floats(0, 0.999), st.none())
histories = st.lists(st.one_of(runs, damages, deletions), min_size=3, max_size=6)


def plan_then_run(run: Run, recipe: str, overrides: dict[str, Any], force: list[str]) -> None:
    loaded = recipe_files.load(recipe, overrides)
    planned = {step.step: step for step in planning.walk(loaded, choose(edges(loaded.recipe), force, None, None))}
    done = run(recipe, overrides, force=force)["by_step"]
    broken = [step for step, line in planned.items() if line.status == "hit" and done[step]["status"] != "hit"]
    assert broken == []
    # RUN is an upper bound, and a condition that held is a promise too.
    same = {step for step in CACHED if _same(planned[step], done[step])}
    for step, line in planned.items():
        if line.status == "hit-if-same" and all(name in same for name in line.reason.split("`")[1::2]):
            assert done[step]["status"] == "hit", line


def _same(line: planning.PlannedStep, entry: dict[str, Any]) -> bool:
    return line.outputs is not None and {name: ref.digest for name, ref in line.outputs.items()} == entry["outputs"]


def delete_artifact(store: Store, where: float) -> None:
    folders = sorted(store.artifacts.glob("*/*"))
    if folders:
        shutil.rmtree(folders[int(where * len(folders))])


def damage_file(store: Store, where: float, damage: Callable[[Path], None]) -> None:
    files = [path for path in covered_files(store) if path.stat().st_size]
    if files:
        damage(files[int(where * len(files))])


def check(run: Run, history: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRAFT_STORE", os.path.join(folder, "store"))
        store, recipe = Store(), str(write_tiny_recipe(Path(folder)))
        for operation, first, second in [("run", {}, []), *history, ("run", {}, [])]:
            if operation == "run":
                plan_then_run(run, recipe, first, second)
            elif operation == "damage":
                damage_file(store, first, DAMAGES[second])
            else:
                delete_artifact(store, first)


relaxed = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}


@settings(max_examples=2, derandomize=True, **relaxed)
@given(history=histories)
def test_what_plan_promised_as_a_hit_was_a_hit(quick: None, run: Run, history: list[Any]) -> None:
    check(run, history)


@pytest.mark.slow
@settings(max_examples=6, **relaxed)
@given(history=histories)
def test_what_plan_promised_as_a_hit_was_a_hit_in_many_histories(quick: None, run: Run, history: list[Any]) -> None:
    check(run, history)
