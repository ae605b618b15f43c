"""The store: content in whole or not at all, damage noticed, several processes at once."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from artifacts.checkpoints import Checkpoints
from artifacts.errors import ArtifactDamaged, ArtifactMissing, RecordDamaged, StoreError, UsageError
from artifacts.executions import Execution, Output
from artifacts.manifest import MANIFEST
from artifacts.refs import DatasetRef
from artifacts.store import ABANDONED_SECONDS, FORGOTTEN_SECONDS, Encoded, Store, default_root
from tests.flows.processes import ROOT, environment

PUT = """
import sys, time
from pathlib import Path
from artifacts.store import Encoded, Store

def write(folder):
    for number in range(50):
        (folder / f"{number}.bin").write_bytes(bytes([number]) * 20_000)
    if sys.argv[1] == "hang":
        print("writing", flush=True)
        time.sleep(60)

for _ in range(20):
    Store().put(Encoded("dataset", "sha256:" + "a" * 64, {}, write))
"""


def put_elsewhere(mode: str) -> "subprocess.Popen[bytes]":
    """Another process that puts one artifact of fifty files, twenty times."""
    return subprocess.Popen([sys.executable, "-c", PUT, mode], env=environment(), cwd=ROOT, stdout=subprocess.PIPE)


def test_what_was_put_is_there_and_sound(store: Store, dataset: Encoded) -> None:
    output = store.put(dataset)
    manifest = store.check(output.ref, output.manifest)
    assert (manifest.kind, manifest.digest) == ("dataset", dataset.digest)
    assert set(manifest.files) == {path.name for path in store.folder(output.ref).iterdir()} - {MANIFEST}
    assert list(store.scratch.iterdir()) == []


def test_equal_content_is_one_artifact_and_the_first_one_stays(store: Store, dataset: Encoded) -> None:
    first = store.put(dataset)
    inode = store.folder(first.ref).stat().st_ino
    assert store.put(dataset) == first
    assert store.folder(first.ref).stat().st_ino == inode
    assert len(list(store.artifacts.glob("*/*"))) == 1


def test_a_failure_while_writing_leaves_nothing(store: Store, dataset: Encoded) -> None:
    def write(folder: Path) -> None:
        (folder / "half").write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.put(replace(dataset, write=write))
    assert not store.artifacts.exists()
    assert list(store.scratch.iterdir()) == []


def alter(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, tuple[Callable[[Path], None], type[StoreError]]] = {
    "file altered": (lambda folder: alter(folder / "x_train.npy"), ArtifactDamaged),
    "file truncated": (lambda folder: os.truncate(folder / "y_test.npy", 10), ArtifactDamaged),
    "file deleted": (lambda folder: (folder / "classes.json").unlink(), ArtifactDamaged),
    "a folder in a file's place": (
        lambda folder: ((folder / "classes.json").unlink(), (folder / "classes.json").mkdir())[0], ArtifactDamaged),
    "manifest altered": (lambda folder: alter(folder / MANIFEST), ArtifactDamaged),
    "manifest deleted": (lambda folder: (folder / MANIFEST).unlink(), ArtifactMissing),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed_and_mended_by_putting_the_content_again(store: Store, dataset: Encoded, damage: str) -> None:
    output = store.put(dataset)
    harm, error = DAMAGES[damage]
    harm(store.folder(output.ref))
    with pytest.raises(error):
        store.check(output.ref, output.manifest)
    assert store.put(dataset) == output
    store.check(output.ref, output.manifest)


def test_an_altered_manifest_is_noticed_also_where_nobody_knows_its_hash(store: Store, dataset: Encoded) -> None:
    output = store.put(dataset)
    alter(store.folder(output.ref) / MANIFEST)
    with pytest.raises(RecordDamaged):
        store.check(output.ref)


def test_the_manifest_of_another_artifact_is_noticed(store: Store, dataset: Encoded) -> None:
    first, second = store.put(dataset), store.put(replace(dataset, digest="sha256:" + "b" * 64))
    (store.folder(first.ref) / MANIFEST).write_bytes((store.folder(second.ref) / MANIFEST).read_bytes())
    with pytest.raises(ArtifactDamaged, match="speaks of sha256:bbbb"):
        store.check(first.ref)


def test_what_was_never_put_is_missing(store: Store) -> None:
    with pytest.raises(ArtifactMissing):
        store.check(DatasetRef("sha256:" + "0" * 64))
    with pytest.raises(ArtifactMissing):
        store.sound_execution("sha256:" + "0" * 64)


def test_an_execution_is_sound_only_while_its_outputs_are(store: Store, dataset: Encoded) -> None:
    execution = Execution({"step": "load_data.source"}, {"dataset": store.put(dataset)}, 0.1, {})
    store.record(execution)
    assert store.sound_execution(execution.key) == execution
    alter(store.folder(execution.outputs["dataset"].ref) / "x_train.npy")
    with pytest.raises(ArtifactDamaged):
        store.sound_execution(execution.key)
    assert store.execution(execution.key) == execution  # the record itself has no harm


def test_an_execution_whose_manifest_was_replaced_by_another_sound_one_is_noticed(
    store: Store, dataset: Encoded
) -> None:
    output = store.put(dataset)
    execution = Execution({"step": "load_data.source"}, {"dataset": Output(output.ref, "sha256:" + "0" * 64)}, 0.1, {})
    store.record(execution)
    with pytest.raises(ArtifactDamaged, match="not the one that was written"):
        store.sound_execution(execution.key)


def test_two_processes_putting_the_same_at_once_both_succeed(store: Store) -> None:
    both = [put_elsewhere("go") for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(store.check(DatasetRef("sha256:" + "a" * 64)).files) == 50
    assert list(store.scratch.iterdir()) == []


def test_killed_in_the_middle_of_put_there_is_no_half_artifact(store: Store) -> None:
    process = put_elsewhere("hang")
    if process.stdout is not None:
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert not store.artifacts.exists()
    assert len(list(store.scratch.iterdir())) == 1  # what it had written, in nobody's way
    assert put_elsewhere("go").wait(60) == 0
    store.check(DatasetRef("sha256:" + "a" * 64))


def test_old_scratch_is_swept_and_new_scratch_is_not(store: Store) -> None:
    old, new = store.scratch / "old", store.scratch / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "x.npy").touch()
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    store.sweep()
    assert [path.name for path in store.scratch.iterdir()] == ["new"]


def test_old_lock_files_are_swept_but_never_one_that_is_held(store: Store) -> None:
    store.computing.mkdir(parents=True)
    ages = {"new": 0.0, "old": ABANDONED_SECONDS + 60.0, "held": ABANDONED_SECONDS + 60.0}
    for name, age in ages.items():
        (store.computing / f"{name}.lock").touch()
        os.utime(store.computing / f"{name}.lock", (time.time() - age,) * 2)
    command = (
        "import sys; from filelock import FileLock; lock = FileLock(sys.argv[1]); lock.acquire(); "
        "print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", command, str(store.computing / "held.lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    store.sweep()
    left = sorted(path.stem for path in store.computing.iterdir())
    holder.communicate()
    assert left == ["held", "new"]
    store.sweep()
    assert [path.stem for path in store.computing.iterdir()] == ["new"]


def test_states_of_trainings_that_nobody_went_on_with_are_swept_after_a_month(store: Store) -> None:
    for name, age in (("new", 0.0), ("week", 7 * 86_400.0), ("old", FORGOTTEN_SECONDS + 60.0)):
        Checkpoints(store).save(name, {"weights": np.zeros(3)})
        os.utime(next(store.checkpoints.glob(f"{name}-*")), (time.time() - age,) * 2)
    store.sweep()
    assert {path.name.split("-")[0] for path in store.checkpoints.iterdir()} == {"new", "week"}


def test_the_manifest_of_an_older_graft_that_told_fewer_facts_stays(store: Store, dataset: Encoded) -> None:
    """Executions of then name it; the new facts are known all the same."""
    older = store.put(replace(dataset, facts={}))
    execution = Execution({"step": "load_data.source"}, {"dataset": older}, 0.1, {})
    store.record(execution)
    newer = store.put(dataset)
    assert newer == older
    assert store.sound_execution(execution.key).refs() == {"dataset": older.ref}
    assert store.facts(newer.ref) == dataset.facts


def test_facts_outlive_the_artifact_and_its_damage_but_are_never_made_up(store: Store, dataset: Encoded) -> None:
    """They belong to the digest: the key of what follows is known before the artifact is made again."""
    output = store.put(dataset)
    assert store.facts(output.ref) == dataset.facts
    (store.folder(output.ref) / MANIFEST).write_text("{}")
    assert store.facts(output.ref) == dataset.facts
    shutil.rmtree(store.folder(output.ref))
    assert store.facts(output.ref) == dataset.facts
    remembered = next(store.known_facts.iterdir())
    remembered.write_text(remembered.read_text().replace("dataset", "model"))
    assert store.facts(output.ref) is None
    assert store.facts(DatasetRef("sha256:00")) is None


def test_the_store_is_where_graft_store_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "sub" / ".." / "here"))
    assert default_root() == tmp_path / "here"
    monkeypatch.delenv("GRAFT_STORE")
    assert default_root() == ROOT / "artifacts" / "store"


def test_a_file_where_the_store_belongs_is_bad_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="GRAFT_STORE: expected a folder"):
        Store()


def test_looking_at_a_store_makes_none(store: Store) -> None:
    assert store.execution("sha256:" + "0" * 64) is None
    assert not store.root.exists()
