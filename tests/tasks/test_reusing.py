"""What an earlier execution left is taken again only where all of it is there and sound."""

from pathlib import Path

import numpy as np
import pytest

from artifacts import array_codecs
from artifacts.digest import digest_json
from artifacts.executions import Execution
from artifacts.store import Store
from tasks.reusing import stored

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
