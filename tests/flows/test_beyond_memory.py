"""Data beyond memory: the same network as from data in memory, and a bounded peak."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from artifacts import array_codecs, digest
from artifacts.store import Store
from artifacts.verify import verify
from tasks.pure import order, readers
from tasks.pure.data import rows
from tests.flows.beyond_memory import SIDE, run_and_its_peak, seconds, write_recipe
from tests.flows.conftest import Run
from tests.flows.photographs import write_photos
from tests.flows.tiny import digests, ran, tiny_arrays

NUM_IMAGES = 20_000
STORED_ACTIVATIONS = {"pretrain.dropout": 0.0, "target.gate": 0.1, "fine_tune.class_weights": True}


@pytest.fixture
def nothing_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every array counts as too large for memory, and a block has room for an image or two."""
    for module, name in (
        (array_codecs, "MAPPED_BYTES"),
        (rows, "HELD_BYTES"),
        (order, "RESIDENT_BYTES"),
        (rows, "TOUCHED_BYTES"),
    ):
        monkeypatch.setattr(module, name, 0)
    monkeypatch.setattr(digest, "BLOCK_BYTES", 100)


@pytest.fixture
def from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny recipe's arrays, mapped, as a data set of pictures gives them."""
    arrays = tiny_arrays()
    for name in ("x_train", "x_test"):
        np.save(tmp_path / f"{name}.npy", arrays[name][..., np.newaxis])

    def read(*_: Any) -> readers.RawData:
        x_train, x_test = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("x_train", "x_test"))
        names = tuple("0123")
        return readers.RawData(x_train, arrays["y_train"], x_test, arrays["y_test"], names)

    monkeypatch.setattr(readers, "read", read)


def test_what_is_streamed_gives_the_bits_of_what_is_held(
    run: Run, tiny: str, store: Store, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = run(tiny, STORED_ACTIVATIONS)
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "second"))
    for fixture in ("nothing_held", "from_files"):
        request.getfixturevalue(fixture)
    streamed, second = run(tiny, STORED_ACTIVATIONS), Store()
    assert len(ran(streamed)) == 12
    assert digests(streamed) == digests(held)
    for step in ("pretrain", "train_head", "fine_tune"):
        told = [each.execution(held["by_step"][step]["key"]) for each in (store, second)]
        assert [each.facts["training"]["streamed"] for each in told if each] == [False, True], step
    assert sorted(path.name for path in (second.artifacts / "features").iterdir()) == sorted(
        path.name for path in (store.artifacts / "features").iterdir()
    )
    assert verify(second).problems == []
    assert not list(second.scratch.iterdir()), "no activations are left lying about"


@pytest.mark.slow
@pytest.mark.alone
def test_a_run_on_three_gigabytes_of_pictures_takes_no_more_memory_than_one_on_little(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """6 GB on disk for a few minutes: the decoded pictures, and the data sets made of them. What a run on all of
    Fashion-MNIST may take is enough (`test_shipped_recipes.py`); six gigabytes of pictures by hand, see
    `beyond_memory.py`."""
    write_recipe(tmp_path)
    write_photos(tmp_path / "photos", NUM_IMAGES, (SIDE, SIDE))
    fresh = {"GRAFT_STORE": str(tmp_path / "store"), "GRAFT_HOME": str(tmp_path / "home"), "PREFECT_API_URL": None}
    result, peak = run_and_its_peak(tmp_path, **fresh)
    size = sum(path.stat().st_size for path in tmp_path.glob("store/artifacts/pictures/*/images.npy"))
    shutil.rmtree(tmp_path / "store")  # pytest keeps folders for a while
    with capsys.disabled():
        print(f"\n{size / 1e9:.2f} GB of pictures, peak memory {peak / 1e9:.2f} GB: {seconds(result)}")
    assert size > 3e9 and len(ran(result)) == 12
    assert 100e6 < peak < 1.25e9  # TensorFlow alone takes more than that little
    assert result["metrics"]["accuracy"] > 0.4  # of five classes
