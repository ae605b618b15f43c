"""Networks that Keras 2 saved: read right, by the numbers that Keras 2 itself gave (see `keras2/make_networks.py`)."""

import json
import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from tasks.pure.bases.base import Base
from tasks.pure.bases.files.keras2_config import in_keras_3
from tasks.pure.bases.files.own_file import input_shape, read
from tasks.pure.errors import BadBase
from tasks.pure.layers import blocks

pytestmark = pytest.mark.usefixtures("fresh_keras")
FOLDER = Path(__file__).parent / "keras2"
SEEN = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "layers", "head", "within"),
    [
        ("as_in_the_tutorials", ["conv", "depthwise"], ["answers"], 1e-6),
        ("of_two_branches", ["both", "conv"], ["answers"], 2e-3),  # Keras 2 rounded to half precision
        ("nested", ["conv", "hidden"], ["dense"], 1e-6),
    ],
)
def test_it_gives_what_keras_2_gave(name: str, layers: list[str], head: list[str], within: float) -> None:
    taken = read(FOLDER / f"{name}.h5", Base("file"))
    assert [block.name for block in blocks(taken.model)] == layers
    assert taken.about["head"] == head
    assert {str(layer.compute_dtype) for layer in taken.model.layers} == {"float32"}
    np.testing.assert_allclose(taken.model(SEEN), np.load(FOLDER / f"{name}.npy"), rtol=0, atol=within)
    assert input_shape(FOLDER / f"{name}.h5") == (8, 8, 3)


def test_the_users_file_is_not_changed(tmp_path: Path) -> None:
    path = shutil.copy(FOLDER / "nested.h5", tmp_path)
    before = Path(path).read_bytes()
    read(Path(path), Base("file"))
    assert Path(path).read_bytes() == before


@pytest.mark.parametrize(
    ("function", "y", "scale", "offset"),
    [
        ("math.truediv", 4.0, 0.25, 0.0),
        ("math.multiply", [2.0, 3.0, 4.0], [2.0, 3.0, 4.0], 0.0),
        ("math.subtract", 2, 1.0, -2),
        ("__operators__.add", 2.0, 1.0, 2.0),
    ],
)
def test_arithmetic_becomes_a_rescaling(function: str, y: object, scale: object, offset: object) -> None:
    layer = {
        "class_name": "TFOpLambda",
        "config": {"name": "op", "function": function},
        "inbound_nodes": [["photo", 0, 0, {"y": y, "name": None}]],
    }
    network = {"class_name": "Functional", "config": {"layers": [layer]}}
    mended = in_keras_3(network)["config"]["layers"][0]
    assert (mended["class_name"], mended["config"]["scale"], mended["config"]["offset"]) == ("Rescaling", scale, offset)
    assert mended["inbound_nodes"] == [[["photo", 0, 0, {}]]]
    assert network["config"]["layers"][0]["class_name"] == "TFOpLambda"  # what was given stays as it was


def test_other_operations_of_tensorflow_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = Path(shutil.copy(FOLDER / "as_in_the_tutorials.h5", tmp_path))
    with h5py.File(path, "r+") as content:
        content.attrs["model_config"] = content.attrs["model_config"].replace("math.truediv", "image.sobel_edges")
    with pytest.raises(BadBase, match=r"`tf.image.sobel_edges` is an operation of TensorFlow.*`Rescaling`"):
        read(path, Base("file"))


def test_its_own_keras_files_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.keras", "w") as content:
        content.writestr("metadata.json", json.dumps({"keras_version": "2.15.0"}))
        content.writestr("config.json", json.dumps({"class_name": "Functional", "config": {}}))
    with pytest.raises(BadBase, match=r"a `.keras` file of Keras 2.*save it there as `.h5`"):
        read(tmp_path / "mine.keras", Base("file"))
