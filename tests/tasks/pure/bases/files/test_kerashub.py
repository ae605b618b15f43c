"""Presets of KerasHub: those of Keras' own layers become bases, all others are refused. KerasHub itself is an extra."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.pure.bases.base import Base
from tasks.pure.bases.files.kerashub import input_shape, read
from tasks.pure.errors import BadBase
from tasks.pure.layers import blocks

pytestmark = pytest.mark.usefixtures("fresh_keras")
VGG = {"stackwise_num_repeats": [1, 1], "stackwise_num_filters": [4, 8]}
CONFIG = {
    "module": "keras_hub.src.models.vgg.vgg_backbone",
    "class_name": "VGGBackbone",
    "config": {"name": "vgg"},
    "registered_name": "keras_hub>VGGBackbone",
}
SEEN = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)


@pytest.fixture
def hub() -> Any:
    return pytest.importorskip("keras_hub")


def written(folder: Path, config: object, converter: object = None) -> Path:
    (folder / "config.json").write_text(json.dumps(config))
    if converter is not None:
        (folder / "image_converter.json").write_text(json.dumps(converter))
    return folder


def test_without_kerashub_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(BadBase, match=r"KerasHub has to be installed: pip install 'graft\[kerashub\]'"):
        read(written(tmp_path, CONFIG), Base("kerashub"))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**CONFIG, "module": "os.path"}, "expected a network of KerasHub's, found `os.path.VGGBackbone`"),
        ({**CONFIG, "registered_name": "mine>VGGBackbone"}, "expected a network of KerasHub's"),
        ({**CONFIG, "config": {"name": "n", "x": {"module": "os", "class_name": "function", "config": "system"}}},
         "needs `system`, which is none of Keras' own"),
        ([], "names no object of Keras"),
        ("x", "names no object of Keras"),
    ],
)  # fmt: skip
def test_only_networks_of_kerashub_are_looked_up(tmp_path: Path, config: object, said: str) -> None:
    with pytest.raises(BadBase, match=said):
        read(written(tmp_path, config), Base("kerashub"))


def test_a_folder_that_is_no_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadBase, match="expected the folder of a preset.*`config.json` cannot be read"):
        read(tmp_path, Base("kerashub"))


@pytest.mark.parametrize("scale", ["x", [[1]], {"a": 1}])
def test_a_scaling_that_nobody_knows_is_refused(tmp_path: Path, scale: object) -> None:
    with pytest.raises(BadBase, match="scales pixels in a way that is not known"):
        read(written(tmp_path, CONFIG, {"config": {"scale": scale}}), Base("kerashub"))


def test_the_size_of_its_pictures_is_known_without_kerashub(tmp_path: Path) -> None:
    assert input_shape(written(tmp_path, CONFIG)) is None
    assert input_shape(written(tmp_path, CONFIG, {"config": {"image_size": [32, 48]}})) == (32, 48, 3)
    assert input_shape(written(tmp_path, CONFIG, {"config": {"image_size": "x"}})) is None


def test_a_network_of_keras_own_layers_becomes_a_base(tmp_path: Path, hub: Any) -> None:
    backbone = hub.models.VGGBackbone(**VGG, image_shape=(32, 32, 3))
    backbone.save_to_preset(str(tmp_path))
    taken = read(tmp_path, Base("kerashub", scale="none"))
    assert [block.name for block in blocks(taken.model)] == ["block1_conv1", "block2_conv1"]
    assert taken.about["network"] == "VGGBackbone"
    assert all(type(layer).__module__.startswith("keras.src.") for layer in taken.model.layers)
    np.testing.assert_array_equal(taken.model(SEEN), backbone(SEEN))
    with pytest.raises(BadBase, match="nothing in the network scales pixels"):
        read(tmp_path, Base("kerashub"))


def test_pixels_are_scaled_as_the_preset_says_and_its_size_is_taken(tmp_path: Path, hub: Any) -> None:
    backbone = hub.models.VGGBackbone(**VGG)
    backbone.save_to_preset(str(tmp_path))
    written_by_hub = {"config": {"scale": [0.5, 0.25, 1.0], "offset": -1.0, "image_size": [32, 32]}}
    (tmp_path / "image_converter.json").write_text(json.dumps(written_by_hub))
    taken = read(tmp_path, Base("kerashub"))
    assert taken.model.input_shape == (None, 32, 32, 3)
    np.testing.assert_allclose(taken.model(SEEN), backbone(SEEN * np.float32([0.5, 0.25, 1]) - 1), rtol=1e-5, atol=1e-4)
    assert read(tmp_path, Base("kerashub", input_size=(24, 40))).model.input_shape == (None, 24, 40, 3)
    with pytest.raises(BadBase, match="scales pixels itself, as its preset says"):
        read(tmp_path, Base("kerashub", scale="unit"))


def test_layers_of_kerashubs_own_are_named(tmp_path: Path, hub: Any) -> None:
    sizes = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "mlp_dim": 16, "patch_size": 8}
    hub.models.ViTBackbone(image_shape=(32, 32, 3), **sizes).save_to_preset(str(tmp_path))
    with pytest.raises(BadBase, match="is a ViTPatchingAndEmbedding, one of KerasHub's own.*`base: {application"):
        read(tmp_path, Base("kerashub", scale="none"))


def test_damaged_weights_are_refused(tmp_path: Path, hub: Any) -> None:
    hub.models.VGGBackbone(**VGG, image_shape=(32, 32, 3)).save_to_preset(str(tmp_path))
    weights = tmp_path / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:-3000])
    with pytest.raises(BadBase, match="KerasHub cannot load it"):
        read(tmp_path, Base("kerashub", scale="none"))
