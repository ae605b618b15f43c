"""Activations of the frozen part are computed once, stored, and found again by every later training on them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifacts.collecting import collect, holdings
from artifacts.store import Store
from artifacts.verify import verify
from flows.observing import NoObserver
from flows.recorded import observed_by
from tasks.progress import Remark
from tests.flows.conftest import Run
from tests.flows.tiny import digests, ran

WITHOUT_DROPOUT = {"pretrain.dropout": 0.0, "pretrain.epochs": 1}
NEVER = {"train_head.feature_cache_mb": 0, "fine_tune.feature_cache_mb": 0}


class Listener(NoObserver):
    def __init__(self) -> None:
        self.said: list[str] = []

    def remark(self, remark: Remark) -> None:
        self.said.append(f"{remark.step}: {remark.text}")


Call = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture(scope="module")
def first(finished_store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    """The store, the result and the remarks of one run of the tiny recipe without dropout."""
    from flows.transfer_learning import transfer_learning

    root, listener = tmp_path_factory.mktemp("features") / "store", Listener()
    with pytest.MonkeyPatch.context() as patch, observed_by(listener):
        patch.setenv("GRAFT_STORE", str(root))
        result = transfer_learning(str(finished_store / "tiny.yaml"), WITHOUT_DROPOUT)
    return root, result, listener.said


@pytest.fixture
def plain(run: Run, finished_store: Path, first: Any, store: Store) -> Call:
    """`plain({overrides})` → result and remarks of another such run, in this test's own copy of the store."""
    shutil.copytree(first[0], store.root)

    def call(overrides: dict[str, Any] | None = None, **options: Any) -> tuple[dict[str, Any], list[str]]:
        listener = Listener()
        with observed_by(listener):
            result = run(str(finished_store / "tiny.yaml"), {**WITHOUT_DROPOUT, **(overrides or {})}, **options)
        return result, listener.said

    return call


def noted(store: Store, result: dict[str, Any], step: str) -> dict[str, Any]:
    execution = store.execution(result["by_step"][step]["key"])
    assert execution is not None
    return dict(execution.facts)


def features(store: Store) -> list[Path]:
    return sorted((store.artifacts / "features").glob("*"))


def test_both_trainings_train_on_activations_and_a_later_one_finds_them(plain: Call, first: Any, store: Store) -> None:
    assert [line.split(",")[0] for line in first[2]] == [
        "train_head: computed the frozen layers' activations up to `global_average` once",
        "fine_tune: computed the frozen layers' activations up to `conv_1_pool` once",
    ]
    made = features(store)
    assert len(made) == 2
    again, said = plain({"fine_tune.learning_rate": 0.002, "train_head.learning_rate": 0.02})
    assert {"train_head", "fine_tune"} <= set(ran(again))
    assert said == [
        "train_head: takes the frozen layers' activations up to `global_average` from the store",
        "fine_tune: takes the frozen layers' activations up to `conv_1_pool` from the store",
    ]
    assert features(store) == made
    assert noted(store, again, "fine_tune")["features"]["reused"] is True
    assert noted(store, again, "fine_tune")["training"]["cut"] == "conv_1_pool"


def test_they_give_the_bits_of_training_in_the_graph(plain: Call, first: Any) -> None:
    with_them = first[1]
    without, said = plain(NEVER)
    assert all("more than `feature_cache_mb` (0)" in line for line in said) and len(said) == 2
    assert {"train_head", "fine_tune"} <= set(ran(without)), "another path is another key"
    assert without["by_step"]["train_head"]["reason"] == "execution path: cut global_average → none"
    for step in ("train_head", "fine_tune", "evaluate"):
        mine, theirs = (digests(each)[step] for each in (with_them, without))
        assert mine.get("model") == theirs.get("model"), step


def test_a_bound_that_changes_nothing_retrains_nothing(plain: Call) -> None:
    again, said = plain({"train_head.feature_cache_mb": 300, "fine_tune.feature_cache_mb": 300})
    assert ran(again) == [] and said == []


def test_the_cut_falls_below_the_first_dropout(run: Run, finished: str) -> None:
    """Above it the frozen layers give other activations in every epoch; below it they are stored all the same."""
    listener = Listener()
    with observed_by(listener):
        run(finished, force=["train_head"])
    (line,) = listener.said
    assert line.startswith("train_head: ") and "activations up to `conv_1_relu`" in line


@pytest.mark.slow
def test_other_data_and_another_base_have_activations_of_their_own(plain: Call, store: Store) -> None:
    plain({"target.labels": 32})
    assert len(features(store)) == 4
    plain({"pretrain.learning_rate": 0.02})
    assert len(features(store)) == 6


def test_damaged_ones_are_made_again(plain: Call, store: Store) -> None:
    for folder in features(store):
        (folder / "train.npy").write_bytes(b"nothing")
    _, said = plain(force=["fine_tune"])
    assert said and "computed" in said[0]
    assert len(verify(store).problems) == 1, "the head's own are still damaged: nothing needed them"
    plain(force=["train_head"])
    assert verify(store).problems == []


def test_gc_keeps_those_of_kept_runs_and_takes_the_others(plain: Call, store: Store) -> None:
    before = features(store)
    plain({"target.labels": 32})
    assert holdings(store)["features"].count == 4
    collect(store, keep=1)
    left = features(store)
    assert len(left) == 2 and not set(left) & set(before)
    assert verify(store).problems == []
    collect(store, keep=0)
    assert features(store) == []


def test_nobody_needs_them_to_hit(plain: Call, store: Store) -> None:
    """They are no step's output: a run whose networks are stored hits without them."""
    shutil.rmtree(store.artifacts / "features")
    again, said = plain()
    assert ran(again) == [] and said == []
