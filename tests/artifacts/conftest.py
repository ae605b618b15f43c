"""A store of one's own, and content small enough to damage it byte by byte."""

from pathlib import Path

import numpy as np
import pytest

from artifacts.array_codecs import DATASET_PARTS, encode_dataset
from artifacts.store import Encoded, Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store in a folder with a space in its name; `GRAFT_STORE` points to it."""
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "a store"))
    return Store()


@pytest.fixture
def dataset() -> Encoded:
    """A data set of a few 2×2 images."""
    generator = np.random.default_rng(0)
    parts = {
        part: (generator.integers(0, 256, (3, 2, 2, 1), np.uint8), np.arange(3, dtype=np.int64) % 2)
        for part in DATASET_PARTS
    }
    return encode_dataset(parts, ["cat", "dog"])
