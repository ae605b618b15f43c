"""Damage in the store is noticed before use, mended by the step that made it, and by no other."""

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts.digest import digest_file
from artifacts.manifest import MANIFEST
from artifacts.runs import RunRecord, Runs
from artifacts.sealed import seal, unseal
from artifacts.store import Store
from artifacts.verify import verify
from flows import plan as planning
from flows import recipe_files
from flows.mending import NOTHING_ASKED
from tests.flows.conftest import Run
from tests.flows.tiny import ORDER, digests, ran, tiny_arrays


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


def makers(path: Path, store: Store, record: RunRecord) -> list[str]:
    """The steps that made this file: an artifact by its digest, an execution or a cache record by its key."""
    names = {f"sha256:{part.removesuffix('.json')}" for part in path.relative_to(store.root).parts}
    return [entry["step"] for entry in record.steps if names & {entry["key"], *entry["outputs"].values()}]


def maker(path: Path, store: Store, record: RunRecord) -> str:
    """The first of them: once it has run, the others find what they made whole again."""
    return makers(path, store, record)[0]


def covered_files(store: Store) -> list[Path]:
    """Every artifact's files, every execution, every one of Prefect's records; not those of stored activations, which
    are no step's and are made again only where a training needs them (`test_features.py`)."""
    roots = (store.artifacts, store.executions, store.prefect)
    found = [path for root in roots for path in root.glob("**/*") if path.is_file()]
    return sorted(path for path in found if not _of_activations(path, store))


def _of_activations(path: Path, store: Store) -> bool:
    if path.parent == store.executions:
        return '"step": "features"' in path.read_text()
    return path.is_relative_to(store.artifacts / "features")


def assert_mended(run: Run, recipe: str, store: Store, expected: list[str], clean: dict[str, Any]) -> None:
    result = run(recipe)
    assert ran(result) == expected
    assert digests(result) == clean
    assert verify(store).problems == []


PLACES = ("artifacts/model/*/model.keras", "artifacts/dataset/*/manifest.json", "executions/*.json", "cache/prefect/*")
QUICK = {*zip(PLACES, ["altered", "deleted", "truncated", "deleted"], strict=True)}


@pytest.mark.parametrize(
    ("where", "damage"),
    [
        pytest.param(*case, marks=() if case in QUICK else pytest.mark.slow)
        for case in itertools.product(PLACES, DAMAGES)
    ],
)
def test_damage_is_mended_by_the_step_that_made_it(
    run: Run, finished: str, store: Store, where: str, damage: str
) -> None:
    record = record_of(store, finished)
    # Activations are an execution of no step; which file comes first depends on the keys.
    victim = next(path for path in sorted(store.root.glob(where)) if makers(path, store, record))
    step = maker(victim, store, record)
    DAMAGES[damage](victim)
    assert_mended(run, finished, store, [step], {entry["step"]: entry["outputs"] for entry in record.steps})


def rounds(store: Store, record: RunRecord) -> Iterator[list[Path]]:
    """Every file of the store, in few portions: one file of every second step, so that each step between two damaged
    ones is seen to be left alone."""
    files = [(maker(path, store, record), path) for path in covered_files(store)]
    for half in (ORDER[::2], ORDER[1::2]):
        of_step = ([path for step, path in files if step == name] for name in half)
        for portion in itertools.zip_longest(*of_step):
            yield [path for path in portion if path]


@pytest.mark.slow
def test_damage_to_any_file_of_the_store_is_mended(
    quick: None, run: Run, tiny: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tiny)
    record = record_of(store, tiny)
    clean = {entry["step"]: entry["outputs"] for entry in record.steps}
    seen: set[Path] = set()
    for number, portion in enumerate(rounds(store, record)):
        copy = tmp_path / f"copy-{number}"
        shutil.copytree(store.root, copy)
        for place, whole in enumerate(portion):
            DAMAGES[list(DAMAGES)[(number + place) % len(DAMAGES)]](copy / whole.relative_to(store.root))
        steps = [maker(path, store, record) for path in portion]
        monkeypatch.setenv("GRAFT_STORE", str(copy))
        assert_mended(run, tiny, Store(copy), steps, clean)
        shutil.rmtree(copy)
        seen |= set(portion)
    assert seen == set(covered_files(store))


def wounds(path: Path, store: Store) -> Iterator[bytes | None]:
    """Contents that are not the file's: none at all, cut short, and with one bit flipped at several places."""
    whole = path.read_bytes()
    yield None
    yield from (whole[:-1], whole[: len(whole) // 2], b"")
    for place in {0, 1, *(len(whole) * part // 8 for part in range(1, 8)), len(whole) - 1} - unbelieved(whole, store):
        yield whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def unbelieved(whole: bytes, store: Store) -> set[int]:
    """Where in one of Prefect's records stands what nobody believes: the folder of then, Prefect's version."""
    found: set[int] = set()
    for text in (str(store.prefect), '"prefect_version":"3.8.8"'):
        at = whole.find(text.encode())
        found |= set(range(at, at + len(text))) if at >= 0 else set()
    return found


@pytest.mark.slow
def test_any_damage_to_any_file_of_the_store_is_noticed_by_the_plan(run: Run, tiny: str, store: Store) -> None:
    """Whoever made the file is to run, and nothing else."""
    run(tiny)
    record = record_of(store, tiny)
    for path in covered_files(store):
        whole, concerned = path.read_bytes(), makers(path, store, record)
        for number, content in enumerate(wounds(path, store)):
            path.unlink() if content is None else path.write_bytes(content)
            found = {line.step for line in planned(tiny) if line.status == "run"} - {"report"}
            assert concerned and found == set(concerned), (path, number)
            path.write_bytes(whole)
    assert {line.status for line in planned(tiny)} == {"hit", "run"}


def planned(recipe: str) -> list[planning.PlannedStep]:
    return planning.walk(recipe_files.load(recipe), NOTHING_ASKED)


def test_damage_to_large_images_that_two_data_sets_share_is_noticed_and_mended(
    quick: None, run: Run, tiny: str, store: Store, tmp_path: Path
) -> None:
    """Above 256 KB hashes are remembered, above 64 KB equal files are one on the disk."""
    arrays, many = tiny_arrays(), 5_000
    tests = {"x_test": np.resize(arrays["x_test"], (many, 8, 8)), "y_test": np.resize(arrays["y_test"], many)}
    np.savez(tmp_path / "tiny.npz", **arrays | tests)
    classes = {"source.task.classes": [0, 1, 2, 3], "target.task.classes": [0, 1, 2, 3]}
    clean = digests(run(tiny, classes))
    one, two = sorted(store.artifacts.glob("dataset/*/x_test.npy"))
    assert one.stat().st_ino == two.stat().st_ino and one.stat().st_size > 256 * 1024
    alter(one)
    assert {problem["what"] for problem in verify(store).problems} == {
        f"{path} was altered: its bytes are not those that the manifest names." for path in (one, two)
    }
    result = run(tiny, classes)
    assert ran(result) == ["load_data.source"]  # which gives the other data set its images back, too
    assert digests(result) == clean
    assert verify(store).problems == []


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
