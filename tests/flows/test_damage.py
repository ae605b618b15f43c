"""Damage in the store is noticed before use, mended by the step that made it, and by no other."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from artifacts.digest import digest_file
from artifacts.manifest import MANIFEST
from artifacts.runs import RunRecord, Runs
from artifacts.sealed import seal, unseal
from artifacts.store import Store
from artifacts.verify import verify
from tests.flows.conftest import Run
from tests.flows.tiny import digests, ran


def delete(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def alter(path: Path) -> None:
    """Flip a bit in the middle; size and mtime stay as they were."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES: dict[str, Callable[[Path], None]] = {"deleted": delete, "truncated": truncate, "altered": alter}


def record_of(store: Store, recipe: str) -> RunRecord:
    record = Runs(store).last(recipe)
    if record is None:
        raise LookupError(recipe)
    return record


def maker(path: Path, store: Store, record: RunRecord) -> str:
    """The first step that made this file: an artifact by its digest, an execution or a cache record by its key."""
    names = {f"sha256:{part.removesuffix('.json')}" for part in path.relative_to(store.root).parts}
    for entry in record.steps:
        if names & {entry["key"], *entry["outputs"].values()}:
            return str(entry["step"])
    raise LookupError(path)


def covered_files(store: Store) -> list[Path]:
    """Every artifact's files, every execution, every one of Prefect's records."""
    roots = (store.artifacts, store.executions, store.prefect)
    return sorted(path for root in roots for path in root.glob("**/*") if path.is_file())


def assert_mended(run: Run, recipe: str, store: Store, expected: list[str], clean: dict[str, Any]) -> None:
    result = run(recipe)
    assert ran(result) == expected
    assert digests(result) == clean
    assert verify(store).problems == []


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(
    "where",
    ["artifacts/model/*/model.keras", "artifacts/dataset/*/manifest.json", "executions/*.json", "cache/prefect/*"],
)
def test_damage_is_mended_by_the_step_that_made_it(
    run: Run, finished: str, store: Store, where: str, damage: str
) -> None:
    record = record_of(store, finished)
    victim = sorted(store.root.glob(where))[0]
    step = maker(victim, store, record)
    DAMAGES[damage](victim)
    assert_mended(run, finished, store, [step], {entry["step"]: entry["outputs"] for entry in record.steps})


@pytest.mark.slow
def test_damage_to_any_file_of_the_store_is_mended(
    run: Run, finished: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(store, finished)
    clean = {entry["step"]: entry["outputs"] for entry in record.steps}
    for number, whole in enumerate(covered_files(store)):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(store.root, copy)
        victim = copy / whole.relative_to(store.root)
        step = maker(victim, Store(copy), record)
        DAMAGES[list(DAMAGES)[number % len(DAMAGES)]](victim)
        monkeypatch.setenv("GRAFT_STORE", str(copy))
        assert_mended(run, finished, Store(copy), [step], clean)
        shutil.rmtree(copy)


def test_another_model_in_a_models_place_is_noticed_even_with_its_hash_in_the_manifest(
    run: Run, finished: str, store: Store
) -> None:
    record = record_of(store, finished)
    fine_tuned = store.artifacts / "model" / record.outputs("fine_tune")["model"].removeprefix("sha256:")
    base = store.artifacts / "model" / record.outputs("pretrain")["model"].removeprefix("sha256:")
    shutil.copy(base / "model.keras", fine_tuned / "model.keras")
    body = unseal((fine_tuned / MANIFEST).read_bytes(), "manifest")
    swapped = fine_tuned / "model.keras"
    body["files"] = {"model.keras": {"sha256": digest_file(swapped), "size": swapped.stat().st_size}}
    (fine_tuned / MANIFEST).write_bytes(seal(body))  # a manifest with nothing wrong in itself
    assert any("model" in problem["what"] for problem in verify(store).problems)
    clean = {entry["step"]: entry["outputs"] for entry in record.steps}
    assert_mended(run, finished, store, ["fine_tune"], clean)


def test_one_steps_record_in_anothers_place_is_not_believed(run: Run, finished: str, store: Store) -> None:
    record = record_of(store, finished)
    keys = record.keys()
    one, two = (store.prefect / keys[step].removeprefix("sha256:") for step in ("freeze", "unfreeze"))
    shutil.copy(one, two)
    clean = {entry["step"]: entry["outputs"] for entry in record.steps}
    assert_mended(run, finished, store, ["unfreeze"], clean)


def test_a_damaged_run_record_is_set_aside_and_harms_no_other(run: Run, finished: str, store: Store) -> None:
    alter(Runs(store).path(record_of(store, finished).id))
    assert [problem["path"] for problem in verify(store).problems] == [str(path) for path in Runs(store).damaged()]
    assert ran(run(finished)) == []
    assert len(list((store.runs / "damaged").glob("*.json"))) == 1
    assert verify(store).problems == []


def test_without_cache_and_locks_every_step_runs_and_gives_the_same(run: Run, finished: str, store: Store) -> None:
    clean = {entry["step"]: entry["outputs"] for entry in record_of(store, finished).steps}
    shutil.rmtree(store.cache)
    for lock in store.root.glob("*.lock"):
        lock.unlink()
    result = run(finished)
    assert digests(result) == clean
    assert verify(store).problems == []
