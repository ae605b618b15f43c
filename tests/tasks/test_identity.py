"""When two executions of a step are the same: when nothing that can change their bits differs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from artifacts.digest import digest_json
from artifacts.refs import DatasetRef, ModelRef
from artifacts.store import Store
from tasks import identity as identities
from tasks.fingerprint import Fingerprint
from tasks.identity import COMPUTES, SourceFiles, identity
from tasks.pure.bases.base import Base
from tasks.pure.training import Training

TRAINING = Training(batch_size=8, epochs=2, learning_rate=0.1, early_stopping=None, class_weights=False)
CALL: dict[str, Any] = {
    "model": ModelRef("sha256:01"),
    "target": DatasetRef("sha256:02"),
    "training": TRAINING,
    "seed": 1,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def key(store: Store) -> Any:
    """`key(step, argument=…)`: the key of a call of a training step, with changes."""

    def call(step: str = "train_head", **changes: Any) -> str:
        return digest_json(identity(step, {**CALL, **changes}, store))

    return call


@pytest.mark.parametrize(
    "change",
    [
        {"model": ModelRef("sha256:03")},
        {"target": DatasetRef("sha256:03")},
        {"training": replace(TRAINING, epochs=3)},
        {"seed": 2},
        {"another": True},
    ],
    ids=["model", "data", "parameter", "seed", "argument"],
)
def test_a_change_is_another_key(key: Any, change: dict[str, Any]) -> None:
    assert key(**change) != key()


def test_another_step_with_the_same_arguments_is_another_key(key: Any) -> None:
    assert key("fine_tune") != key("train_head")


def test_the_order_of_the_arguments_does_not_matter(store: Store) -> None:
    backwards = dict(reversed(CALL.items()))
    assert digest_json(identity("train_head", CALL, store)) == digest_json(identity("train_head", backwards, store))


@pytest.mark.parametrize(
    "changed",
    [Fingerprint({"tasks/pure/fitting.py": "sha256:other"}, {"keras": "3"}), Fingerprint({}, {"keras": "4"})],
    ids=["code", "version"],
)
def test_other_code_and_other_versions_are_other_keys(
    key: Any, changed: Fingerprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identities, "fingerprint", lambda step: Fingerprint({}, {"keras": "3"}))
    before = key()
    monkeypatch.setattr(identities, "fingerprint", lambda step: changed)
    assert key() != before


@pytest.mark.parametrize("step", ["train_head", "freeze"])
def test_threads_count_where_tensors_are_computed_and_nowhere_else(
    key: Any, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_THREADS", "1")
    one = key(step)
    monkeypatch.setenv("GRAFT_THREADS", "2")
    assert (key(step) != one) == (step in COMPUTES)


def test_a_files_bytes_count_and_its_place_does_not(store: Store, tmp_path: Path) -> None:
    def of(path: Path) -> str:
        return digest_json(identity("load_data.source", {"files": SourceFiles({"npz": str(path)})}, store))

    here, there = tmp_path / "here.npz", tmp_path / "there.npz"
    here.write_bytes(b"images")
    there.write_bytes(b"images")
    assert of(here) == of(there)
    there.write_bytes(b"Images")
    assert of(here) != of(there)


def test_a_file_that_is_gone_is_an_oserror_that_names_it(store: Store, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone.npz"):
        identity("load_data.source", {"files": SourceFiles({"npz": str(tmp_path / "gone.npz")})}, store)


def test_the_code_of_the_step_that_makes_what_is_only_described_counts_too(store: Store) -> None:
    builds = "tasks/pure/architectures.py"
    alone, made = identity("find_rate", {}, store), identity("find_rate", {}, store, maker="pretrain")
    assert builds in made["code"] and builds not in alone["code"]
    assert made["code"].items() > alone["code"].items() and made["versions"].items() >= alone["versions"].items()


def test_a_field_and_an_argument_of_one_name_are_refused_before_one_is_lost(tmp_path: Path) -> None:
    """`cut` of a base and `cut` of a training: two bases had one key."""
    base = Base("file", cut="block_3")
    assert identity("find_rate", {"network": base}, Store(tmp_path))["parameters"]["cut"] == "block_3"
    with pytest.raises(ValueError, match="`cut` is the name of two arguments"):
        identity("find_rate", {"network": base, "cut": None}, Store(tmp_path))
