"""Augmented trainings as flows: what is stored, what is said, what retrains, and what the report shows."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifacts import codecs
from artifacts.store import Store
from artifacts.verify import verify
from flows.recorded import observed_by
from tasks.pure import fitting
from tests.flows.conftest import Run
from tests.flows.quick import quick_fit
from tests.flows.test_features import WITHOUT_DROPOUT, Listener, features, noted
from tests.flows.test_resuming import LONGER, every_epoch, interrupted  # noqa: F401 - a fixture
from tests.flows.tiny import digests, ran, write_tiny_recipe

ROTATE = {"train_head.augment.rotate": 10}
COPIES = {**ROTATE, "train_head.augment_copies": 3}
IN_ALL = {**ROTATE, "pretrain.augment.flip": "horizontal", "fine_tune.augment.mixup": 0.4}
Call = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture(scope="module")
def with_copies(harness: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], list[str]]:
    """The folder, the result and the remarks of a run whose head trained on fixed copies."""
    from flows.transfer_learning import transfer_learning

    folder, listener = tmp_path_factory.mktemp("copies"), Listener()
    with pytest.MonkeyPatch.context() as patch, observed_by(listener):
        patch.setenv("GRAFT_STORE", str(folder / "store"))
        result = transfer_learning(str(write_tiny_recipe(folder)), {**WITHOUT_DROPOUT, **COPIES})
    return folder, result, listener.said


@pytest.fixture
def plain(run: Run, with_copies: Any, store: Store) -> Call:
    """`plain({overrides})` → result and remarks of another run, in this test's own copy of that store."""
    shutil.copytree(with_copies[0] / "store", store.root)

    def call(overrides: dict[str, Any], **options: Any) -> tuple[dict[str, Any], list[str]]:
        listener = Listener()
        with observed_by(listener):
            result = run(str(with_copies[0] / "tiny.yaml"), {**WITHOUT_DROPOUT, **overrides}, **options)
        return result, listener.said

    return call


def of_head(said: list[str]) -> list[str]:
    return [line for line in said if line.startswith("train_head: ")]


def shown(store: Store, result: dict[str, Any], step: str) -> Any:
    return codecs.read_shown(store.artifacts / "history" / digests(result)[step]["history"].removeprefix("sha256:"))


def test_activations_of_copies_are_stored_and_a_training_at_another_rate_finds_them(
    plain: Call, with_copies: Any, store: Store
) -> None:
    _, result, said = with_copies
    assert [line.split(",")[0] for line in of_head(said)] == [
        "train_head: computed the frozen layers' activations up to `global_average` once"
    ]
    made = features(store)
    again, said = plain({**COPIES, "train_head.learning_rate": 0.02}, only="train_head")
    assert "train_head" in ran(again) and features(store) == made
    assert of_head(said) == ["train_head: takes the frozen layers' activations up to `global_average` from the store"]
    stored = store.execution(noted(store, again, "train_head")["features"]["key"])
    assert stored is not None and stored.identity["parameters"]["copies"] == 3
    counts = store.manifest(stored.refs()["features"]).facts["counts"]
    assert counts == {"train": 3 * 32, "validation": 8}
    assert shown(store, result, "train_head").shape == (32, 8, 8, 1)
    assert verify(store).problems == []


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("train_head.augment.rotate", 20, "parameter `train_head.augment.rotate` 10.0 → 20.0"),
        ("train_head.augment_copies", 2, "parameter `train_head.augment_copies` 3 → 2"),
        pytest.param("seed", 1, "seed 0 → 1", marks=pytest.mark.slow),
    ],
)
def test_other_copies_have_activations_of_their_own(
    plain: Call, store: Store, key: str, value: int, reason: str
) -> None:
    before = len(features(store))
    result, said = plain({**COPIES, key: value})
    assert "computed" in of_head(said)[0] and len(features(store)) > before
    assert reason in result["by_step"]["train_head"]["reason"]


def test_without_copies_the_frozen_layers_are_computed_in_every_epoch_and_that_is_said(
    plain: Call, store: Store
) -> None:
    made = features(store)
    result, said = plain(ROTATE)
    assert of_head(said) == [
        "train_head: computes the frozen layers in every epoch: `augment` draws other pictures each time"
    ]
    assert features(store) == made
    reason = result["by_step"]["train_head"]["reason"]
    assert "parameter `train_head.augment_copies` 3 → none" in reason and "cut global_average → none" in reason


def test_copies_that_cannot_be_stored_are_drawn_anew_in_every_epoch_and_that_is_said(run: Run, finished: str) -> None:
    listener = Listener()
    with observed_by(listener):
        run(finished, {**COPIES, "train_head.batch_size": 1}, only="train_head")
    (line,) = of_head(listener.said)
    assert "leave a batch of one" in line and "augments anew in every epoch instead of" in line


def test_the_report_says_and_shows_what_was_done(
    plain: Call, with_copies: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "fit", quick_fit)
    result, _ = plain({**COPIES, **IN_ALL})
    page = Path(result["report"]).read_text()
    assert "pretrain: mirrored; train_head: turned by up to 10° (3 fixed copies, an epoch each in turn); " in page
    assert "fine_tune: mixup (alpha 0.4)" in page and page.count("What the network was shown") == 1
    assert {step: shown(store, result, step) is not None for step in ("pretrain", "train_head", "fine_tune")} == {
        "pretrain": True,
        "train_head": True,
        "fine_tune": True,
    }
    markdown = Path(result["report"]).with_suffix(".md").read_text()
    assert "## What the network was shown" in markdown
    assert verify(store).problems == []


def test_without_augmentation_there_is_nothing_to_show(finished: str, run: Run, store: Store) -> None:
    result = run(finished)
    page = Path(result["report"]).read_text()
    assert "What the network was shown" not in page and "Augmented" not in page
    assert shown(store, result, "pretrain") is None


def test_an_augmented_training_of_one_step_retrains_no_other(finished: str, run: Run) -> None:
    result = run(finished, {"fine_tune.augment.flip": "vertical"})
    assert ran(result) == ["fine_tune", "evaluate", "figures"]
    assert result["by_step"]["fine_tune"]["reason"].startswith("parameter `fine_tune.augment.flip` none → vertical")


def test_what_is_off_and_what_lies_beyond_an_edge_that_nobody_crosses_change_no_key(finished: str, run: Run) -> None:
    off = {"fine_tune.augment": {"rotate": 0, "flip": None, "mixup": None, "fill": "black"}}
    assert ran(run(finished, off)) == []


@pytest.mark.slow
def test_an_interrupted_augmented_training_ends_with_the_same_bits(
    run: Run,
    tiny: str,
    every_epoch: None,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    overrides = {**LONGER, **IN_ALL}
    interrupted(run, tiny, "fine_tune", overrides)
    resumed = run(tiny, overrides)
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "untouched"))
    assert digests(run(tiny, overrides)) == digests(resumed)
