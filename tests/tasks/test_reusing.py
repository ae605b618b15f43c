"""What an earlier execution left is taken again only where all of it is there and sound."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from artifacts import array_codecs
from artifacts.digest import digest_json
from artifacts.executions import Execution
from artifacts.refs import Ref
from artifacts.store import Store
from tasks.reusing import once, stored
from tests.flows.processes import ROOT, environment

OWN = {"step": "features", "seed": 7}


@pytest.fixture
def left(tmp_path: Path) -> tuple[Store, Execution]:
    """A store, and an execution in it that left activations."""
    store = Store(tmp_path / "store")
    parts = {name: np.zeros((2, 3), np.float32) for name in array_codecs.FEATURE_PARTS}
    execution = Execution(OWN, {"features": store.put(array_codecs.encode_features(parts))}, 0.1, {})
    store.record(execution)
    return store, execution


def test_what_the_same_execution_left_is_found(left: tuple[Store, Execution]) -> None:
    store, execution = left
    assert stored(store, OWN, "features") == execution.refs()["features"]
    assert execution.key == digest_json(OWN)


def test_another_execution_left_nothing(left: tuple[Store, Execution]) -> None:
    assert stored(left[0], {**OWN, "seed": 8}, "features") is None


def test_what_is_damaged_or_was_collected_is_made_anew(left: tuple[Store, Execution]) -> None:
    store, execution = left
    file = next(store.folder(execution.refs()["features"]).glob("*.npy"))
    file.write_bytes(file.read_bytes()[:-1])
    assert stored(store, OWN, "features") is None
    file.unlink()
    assert stored(store, OWN, "features") is None


MAKE = """
import sys, time
from pathlib import Path
from artifacts.store import Store
from tasks.reusing import once
from tests.tasks.test_reusing import OWN, made

store = Store(Path(sys.argv[1]))

def slowly():
    print("making", flush=True)
    time.sleep(2)
    return made(store)

once(store, OWN, "features", print, slowly)
"""


def made(store: Store) -> Ref:
    parts = {name: np.zeros((2, 3), np.float32) for name in array_codecs.FEATURE_PARTS}
    execution = Execution(OWN, {"features": store.put(array_codecs.encode_features(parts))}, 0.1, {})
    store.record(execution)
    return execution.refs()["features"]


def test_what_another_process_makes_just_now_is_waited_for_and_taken(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKE, str(tmp_path / "store")]
    other = subprocess.Popen(command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "making\n"
    said: list[str] = []
    store = Store(tmp_path / "store")
    ref, reused = once(store, OWN, "features", said.append, lambda: pytest.fail("it was made by the other"))
    other.communicate()
    assert reused and ref == stored(store, OWN, "features") and len(said) == 1


def test_it_is_made_once_and_then_taken(tmp_path: Path) -> None:
    store, calls = Store(tmp_path / "store"), []

    def make() -> Ref:
        calls.append(1)
        return made(store)

    found = [once(store, OWN, "features", lambda _: None, make) for _ in range(2)]
    assert [reused for _, reused in found] == [False, True] and found[0][0] == found[1][0]
    assert len(calls) == 1


def test_what_failed_in_one_is_made_by_the_next(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")

    def fail() -> Ref:
        raise ValueError

    with pytest.raises(ValueError):
        once(store, OWN, "features", lambda _: None, fail)
    assert once(store, OWN, "features", lambda _: None, lambda: made(store))[1] is False
