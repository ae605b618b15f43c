"""`graft verify` derives everything anew, and says what mends what is wrong."""

from collections.abc import Callable
from pathlib import Path

import pytest

from artifacts.digest import digest_file
from artifacts.executions import Execution
from artifacts.manifest import MANIFEST
from artifacts.runs import Runs
from artifacts.sealed import seal, unseal
from artifacts.store import Encoded, Store
from artifacts.verify import verify


@pytest.fixture
def full(store: Store, dataset: Encoded) -> Store:
    """A store with one artifact, its execution and the record of the run that made it."""
    execution = Execution({"step": "load_data.source"}, {"dataset": store.put(dataset)}, 0.1, {})
    store.record(execution)
    runs = Runs(store)
    record = runs.open("run-1", "quickstart", "quickstart", {"seed": 3}, {})
    step = {"step": "load_data.source", "key": execution.key, "outputs": {"dataset": dataset.digest}}
    runs.update(record, steps=[step], state="completed")
    return store


def only(store: Store, pattern: str) -> Path:
    (found,) = store.root.glob(pattern)
    return found


def rewrite_with_its_hash(store: Store, content: bytes | None = None) -> None:
    """Another array in an array's place, and a manifest with nothing wrong in itself."""
    array, manifest = only(store, "artifacts/*/*/y_train.npy"), only(store, f"artifacts/*/*/{MANIFEST}")
    array.write_bytes(array.read_bytes()[:-1] + b"\x01" if content is None else content)
    body = unseal(manifest.read_bytes(), "manifest")
    body["files"]["y_train.npy"] = {"sha256": digest_file(array), "size": array.stat().st_size}
    manifest.write_bytes(seal(body))


DAMAGES: dict[str, tuple[Callable[[Store], object], str]] = {
    "array altered": (lambda store: only(store, "**/x_test.npy").write_bytes(b"x"), "x_test.npy was altered"),
    "array deleted": (lambda store: only(store, "**/x_test.npy").unlink(), "missing files: x_test.npy"),
    "manifest altered": (lambda store: only(store, f"**/{MANIFEST}").write_bytes(b"{}"), "checksum"),
    "manifest deleted": (lambda store: only(store, f"**/{MANIFEST}").unlink(), "No dataset"),
    "execution altered": (lambda store: only(store, "executions/*").write_bytes(b"{}"), "execution"),
    "array emptied, hash replaced": (lambda store: rewrite_with_its_hash(store, b""), "cannot be read as dataset"),
    "content and hash replaced": (rewrite_with_its_hash, "its content is sha256:"),
}


def test_nothing_is_wrong_in_a_sound_store(full: Store) -> None:
    found = verify(full)
    assert (found.artifacts, found.executions, found.problems) == (1, 1, [])


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named_with_the_command_that_mends_it(full: Store, damage: str) -> None:
    harm, said = DAMAGES[damage]
    harm(full)
    problems = verify(full).problems
    assert any(said in problem["what"] for problem in problems), problems
    assert all("graft run quickstart --set seed=3" in problem["mend"] for problem in problems)


def test_a_file_of_which_no_record_speaks_is_named(full: Store) -> None:
    (full.root / "notes.txt").write_text("mine")
    (problem,) = verify(full).problems
    assert problem["path"].endswith("notes.txt")
    assert problem["mend"] == "delete it"


@pytest.mark.parametrize("name", [".DS_Store", "more.npy"])
def test_a_file_that_somebody_put_beside_an_artifacts_own_is_to_be_deleted(full: Store, name: str) -> None:
    stranger = only(full, "artifacts/*/*") / name
    stranger.write_bytes(b"mine")
    (problem,) = verify(full).problems
    assert (problem["path"], problem["mend"]) == (str(stranger), "delete it")
    stranger.unlink()
    assert verify(full).problems == []


def test_locks_caches_and_reports_may_be_anything(full: Store) -> None:
    for path in (full.root / "artifacts.lock", full.cache / "rubbish", full.runs / "run-1" / "report.html"):
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("anything")
    assert verify(full).problems == []


def test_damage_of_which_no_run_speaks_has_a_way_out_too(store: Store, dataset: Encoded) -> None:
    store.put(dataset)
    only(store, "**/x_test.npy").unlink()
    (problem,) = verify(store).problems
    assert problem["mend"].startswith("delete ")


def test_an_empty_store_is_sound(store: Store) -> None:
    assert verify(store).problems == []
    assert not store.root.exists()
