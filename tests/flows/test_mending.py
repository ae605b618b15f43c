"""What `graft verify` advises works today: the command that makes it again, or else what to delete."""

import re
import shutil
from pathlib import Path

import pytest

from artifacts.runs import RunRecord, Runs
from artifacts.store import Store
from artifacts.verify import verify
from flows.mending import advised


@pytest.fixture
def record(finished: str, store: Store) -> RunRecord:
    found = Runs(store).last(finished)
    if found is None:
        raise LookupError(finished)
    return found


def advice(store: Store) -> list[str]:
    return [problem["mend"] for problem in advised(store, verify(store).problems)]


def harm_model(store: Store, record: RunRecord) -> None:
    digest = record.outputs("fine_tune")["model"].removeprefix("sha256:")
    (store.artifacts / "model" / digest / "model.keras").write_bytes(b"altered")


def harm_execution(store: Store, record: RunRecord) -> None:
    store.execution_path(record.keys()["fine_tune"]).write_bytes(b"altered")


def delete_what_is_named(mend: str) -> None:
    for name in re.findall(r"/\S+", mend.split(": ")[0]):
        path = Path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("harm", [harm_model, harm_execution])
def test_a_command_that_makes_it_again_today_is_named(store: Store, record: RunRecord, harm: object) -> None:
    harm(store, record)  # type: ignore[operator]
    assert advice(store) == [f"{record.command()} (makes it again)"]


@pytest.mark.parametrize("harm", [harm_model, harm_execution])
def test_a_command_that_would_compute_something_else_is_not_named_as_a_cure(
    store: Store, record: RunRecord, monkeypatch: pytest.MonkeyPatch, harm: object
) -> None:
    harm(store, record)  # type: ignore[operator]
    monkeypatch.setenv("GRAFT_THREADS", "97")
    (mend,) = advice(store)
    assert mend.startswith("delete ")
    assert re.search(r"`pretrain`: device threads \d+ → 97", mend)
    delete_what_is_named(mend)
    assert verify(store).problems == []


def test_a_recipe_that_is_gone_is_no_cure_either(store: Store, record: RunRecord, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.yaml")
    runs = Runs(store)
    runs.update(record, recipe=gone)
    harm_model(store, record)
    (mend,) = advice(store)
    assert "it cannot be run" in mend and "gone.yaml" in mend
    delete_what_is_named(mend)
    assert verify(store).problems == []


def test_what_needs_no_command_keeps_its_own_advice(store: Store, record: RunRecord) -> None:
    (store.root / "notes.txt").write_text("mine")
    assert advice(store) == ["delete it"]
