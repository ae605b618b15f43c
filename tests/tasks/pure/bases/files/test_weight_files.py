"""Files of weights that are not what they should be, and those that are."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.files.weight_files import load
from tasks.pure.errors import BadBase


def small(width: int = 4, layers: int = 2) -> Any:
    import keras

    x = image = keras.Input((6, 6, 3))
    for number in range(layers):
        x = keras.layers.Conv2D(width, 3, padding="same", name=f"conv_{number}")(x)
    return keras.Model(image, x)


@pytest.fixture
def file(tmp_path: Path, fresh_keras: None) -> Path:
    small().save_weights(tmp_path / "small.weights.h5")
    return tmp_path / "small.weights.h5"


def refusal(file: Path, model: Any | None = None) -> str:
    with pytest.raises(BadBase) as caught:
        load(model or small(), file, "SmallNet (alpha 0.35)")
    assert str(file) in str(caught.value) and caught.value.__suppress_context__ | (caught.value.__context__ is None)
    return str(caught.value)


@pytest.mark.parametrize("name", ["own.weights.h5", "whole.h5", "whole.hdf5"])
def test_weights_of_keras_3_and_files_of_whole_models_are_read(name: str, tmp_path: Path, fresh_keras: None) -> None:
    saved, other = small(), small()
    (saved.save_weights if "weights" in name else saved.save)(tmp_path / name)
    load(other, tmp_path / name, "SmallNet")
    assert all(
        np.array_equal(mine, theirs) for mine, theirs in zip(other.get_weights(), saved.get_weights(), strict=True)
    )


@pytest.mark.parametrize(("width", "layers"), [(5, 2), (4, 1), (4, 3)])  # Keras takes (4, 1) without a word
def test_weights_of_another_network_are_refused_with_both_names(file: Path, width: int, layers: int) -> None:
    said = refusal(file, small(width, layers))
    assert "expected the weights of SmallNet (alpha 0.35) without its top" in said and "include_top=False" in said


def test_older_files_of_another_network_are_refused_too(tmp_path: Path, fresh_keras: None) -> None:
    small(5).save(tmp_path / "whole.h5")
    assert "expected the weights of SmallNet" in refusal(tmp_path / "whole.h5")


def test_a_larger_networks_weights_are_refused_before_they_are_read(tmp_path: Path, fresh_keras: None) -> None:
    small(400).save_weights(tmp_path / "large.weights.h5")
    assert "weights instead of" in refusal(tmp_path / "large.weights.h5")


def test_a_file_cut_short_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:2000])
    assert "damaged" in refusal(file)


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\x89HDF\r\n\x1a\n" + b"\xff" * 4000])
def test_what_is_no_hdf5_is_refused(content: bytes, tmp_path: Path, fresh_keras: None) -> None:
    (tmp_path / "bad.weights.h5").write_bytes(content)
    assert "damaged" in refusal(tmp_path / "bad.weights.h5")


def test_an_absent_file_is_refused(tmp_path: Path, fresh_keras: None) -> None:
    assert "FileNotFoundError" in refusal(tmp_path / "none.weights.h5")


def test_other_kinds_of_files_are_refused_with_what_to_write(tmp_path: Path, fresh_keras: None) -> None:
    small().save(tmp_path / "whole.keras")
    assert "base: {file: " in refusal(tmp_path / "whole.keras")


def test_numbers_that_are_none_are_refused(tmp_path: Path, fresh_keras: None) -> None:
    model = small()
    model.layers[1].bias.assign([0, 1, np.nan, 3])
    model.save_weights(tmp_path / "nan.weights.h5")
    assert "`conv_0/bias` holds NaN" in refusal(tmp_path / "nan.weights.h5")


def test_a_file_that_lacks_a_weight_is_refused_though_as_many_numbers_are_there(file: Path) -> None:
    import h5py

    with h5py.File(file, "r+") as content:
        first = first_dataset(content)
        content.create_dataset("spare", data=first[...])  # as many numbers as there should be
        del content[first.parent.parent.name]
    assert "without its top" in refusal(file)


def first_dataset(group: Any) -> Any:
    import h5py

    item = group[next(iter(group))]
    return first_dataset(item) if isinstance(item, h5py.Group) else item


@pytest.mark.parametrize("way", ["external", "virtual", "link", "soft"])
def test_a_file_that_reads_other_files_is_refused(way: str, file: Path, tmp_path: Path) -> None:
    import h5py

    (tmp_path / "secret").write_bytes(b"\0" * 1000)
    with h5py.File(file, "r+") as content:
        old = first_dataset(content)
        name, shape = old.name, old.shape
        del content[name]
        if way == "external":
            content.create_dataset(name, shape, "f4", external=[(str(tmp_path / "secret"), 0, 1000)])
        elif way == "virtual":
            layout = h5py.VirtualLayout(shape, "f4")
            layout[...] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", shape)
            content.create_virtual_dataset(name, layout)
        elif way == "link":
            content[name] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")
        else:
            content[name] = h5py.SoftLink("/nowhere")
    assert "save them anew" in refusal(file)


def test_a_few_bytes_that_stand_for_terabytes_are_refused_unread(file: Path) -> None:
    import h5py

    with h5py.File(file, "r+") as content:
        old = first_dataset(content).name
        del content[old]
        content.create_dataset(old, (2**40,), "f4", chunks=(2**20,), compression="gzip")
    assert "1,099,511,62" in refusal(file)  # 2 to the 40th
