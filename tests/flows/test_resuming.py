"""A training that was interrupted goes on at its last saved epoch, and ends with the bits of one that was not."""

from pathlib import Path
from typing import Any

import pytest

from artifacts.store import Store
from flows.observing import NoObserver
from flows.recorded import observed_by
from tasks import resuming
from tasks.progress import EpochNews, Remark
from tests.flows.conftest import Run
from tests.flows.tiny import digests


class Stopper(NoObserver):
    """Interrupts a step when it tells of the end of an epoch; remembers what else was said."""

    def __init__(self, step: str = "", epoch: int = 0) -> None:
        self.place = (step, epoch)
        self.said: list[str] = []
        self.epochs: list[tuple[str, int]] = []

    def epoch(self, news: EpochNews) -> None:
        if news.logs:
            self.epochs.append((news.step, news.epoch))
            if self.epochs[-1] == self.place:
                raise KeyboardInterrupt

    def remark(self, remark: Remark) -> None:
        self.said.append(remark.text)


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """States are kept every ten seconds; the epochs of these trainings take less."""
    monkeypatch.setattr(resuming, "BETWEEN_SECONDS", 0.0)


def kept(store: Store) -> list[Path]:
    return sorted(store.checkpoints.glob("*"))


LONGER = {"pretrain.epochs": 4, "train_head.epochs": 4, "fine_tune.epochs": 4}


@pytest.mark.parametrize("step", ["pretrain", pytest.param("fine_tune", marks=pytest.mark.slow)])
def test_it_goes_on_where_it_was_and_gives_the_same_bits(
    run: Run, tiny: str, store: Store, step: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    interrupted(run, tiny, step)
    assert len(kept(store)) == 1
    second = Stopper()
    with observed_by(second):
        resumed = run(tiny, LONGER)
    # The state of an epoch is kept after it was told: the interrupted third one is trained again.
    assert [epoch for name, epoch in second.epochs if name == step] == [3, 4]
    assert "goes on after epoch 2, where it was interrupted" in second.said
    assert kept(store) == [], "nothing is left of what has ended"
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "untouched"))
    assert digests(run(tiny, LONGER)) == digests(resumed)


def interrupted(run: Run, tiny: str, step: str = "pretrain", overrides: dict[str, Any] = LONGER) -> None:
    """A run that is stopped in the third epoch of `step`."""
    with observed_by(Stopper(step, 3)), pytest.raises(KeyboardInterrupt):
        run(tiny, overrides)


def pretrained(run: Run, tiny: str, overrides: dict[str, Any] = LONGER, **options: Any) -> list[int]:
    """The epochs of `pretrain` that a run tells of; at the last one it is stopped."""
    watcher = Stopper("pretrain", LONGER["pretrain.epochs"])
    with observed_by(watcher), pytest.raises(KeyboardInterrupt):
        run(tiny, overrides, **options)
    return [epoch for name, epoch in watcher.epochs if name == "pretrain"]


def test_a_damaged_state_is_none(run: Run, tiny: str, store: Store) -> None:
    interrupted(run, tiny)
    content = kept(store)[0].read_bytes()
    kept(store)[0].write_bytes(content[:-9] + b"x" + content[-8:])
    assert pretrained(run, tiny) == [1, 2, 3, 4]


def test_a_step_that_is_forced_is_computed_from_the_beginning(run: Run, tiny: str) -> None:
    interrupted(run, tiny)
    assert pretrained(run, tiny, force=["pretrain"]) == [1, 2, 3, 4]


def test_another_parameter_goes_on_nowhere(run: Run, tiny: str) -> None:
    interrupted(run, tiny)
    assert pretrained(run, tiny, {**LONGER, "pretrain.learning_rate": 0.02}) == [1, 2, 3, 4]


def test_with_early_stopping_it_goes_on_to_the_same_bits(
    run: Run, tiny: str, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    overrides: dict[str, Any] = {**LONGER, "pretrain.early_stopping": 2, "source.validation": 0.2}
    interrupted(run, tiny, overrides=overrides)
    assert len(kept(store)) == 1
    watcher = Stopper()
    with observed_by(watcher):
        resumed = run(tiny, overrides)
    assert "goes on after epoch 2, where it was interrupted" in watcher.said
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "untouched"))
    assert digests(run(tiny, overrides)) == digests(resumed)
