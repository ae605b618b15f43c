"""What would run code or read other files is refused before Keras sees it, and so is what would fill the memory."""

import contextlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tasks.pure.bases.base import Base
from tasks.pure.bases.files.own_file import input_shape, read
from tasks.pure.bases.files.saved_config import check_built_in, config_of
from tasks.pure.errors import BadBase

pytestmark = pytest.mark.usefixtures("fresh_keras")
UNIT = Base("file", scale="unit")


def network(**settings: Any) -> Any:
    import keras

    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3, name="conv", **settings)])


def saved(folder: Path, suffix: str = ".keras", **settings: Any) -> Path:
    network(**settings).save(folder / f"mine{suffix}")
    return folder / f"mine{suffix}"


def with_members(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path) as content:
        files = {name: content.read(name) for name in content.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as content:
        for name, text in {**files, **members}.items():
            content.writestr(name, text)
    return path


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("setting", ["activation", "kernel_initializer"])
def test_a_lambda_among_a_layers_settings_is_refused(tmp_path: Path, suffix: str, setting: str) -> None:
    code = {"activation": lambda x: x, "kernel_initializer": lambda shape, dtype=None: np.ones(shape)}
    with pytest.raises(BadBase, match="layer `conv` holds a Lambda: code.*not run"):
        read(saved(tmp_path, suffix, **{setting: code[setting]}), UNIT)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_class_derived_from_one_of_keras_is_named(tmp_path: Path, suffix: str) -> None:
    import keras

    class Mine(keras.layers.Conv2D):
        pass

    model = keras.Sequential([keras.Input((8, 8, 1)), Mine(2, 3, name="special")])
    model.save(tmp_path / f"mine{suffix}")
    with pytest.raises(
        BadBase, match="layer `special` needs `Mine`, which is none of Keras' own layers.*copy the weights"
    ):
        read(tmp_path / f"mine{suffix}", UNIT)


def test_a_network_that_is_a_class_of_the_users_is_named(tmp_path: Path) -> None:
    import keras

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = keras.layers.Conv2D(2, 3)

        def call(self, x: Any) -> Any:
            return self.conv(x)

    net = Net()
    net(np.zeros((1, 8, 8, 1), np.float32))
    net.save(tmp_path / "net.keras")
    with pytest.raises(BadBase, match="the network itself needs `Net`, which is none of Keras' own"):
        read(tmp_path / "net.keras", UNIT)


@pytest.mark.parametrize(
    "node",
    [
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/elsewhere"}},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {"module": "gASVBQ=="}},
        {"module": "keras.utils", "class_name": "function", "config": "get_file", "registered_name": "get_file"},
        {"module": "keras.config", "class_name": "function", "config": "enable_unsafe_deserialization"},
        {"module": "keras_hub.src.models", "class_name": "Backbone", "config": {}},
        {"module": "kerasx", "class_name": "Dense", "config": {}},
        {"module": None, "class_name": "Dense", "config": {}, "registered_name": "mine>Dense"},
        {"module": "builtins", "class_name": "__lambda__", "config": {"value": ["4wEA"]}},
    ],
)
def test_nothing_is_looked_up_outside_of_keras_layers(node: dict[str, Any]) -> None:
    config = {"class_name": "Sequential", "module": "keras", "config": {"name": "net", "layers": [{"deep": [node]}]}}
    with pytest.raises(BadBase, match="layer `net`"):
        check_built_in(config, Path("mine.keras"), is_own=lambda _: True)


def test_what_keras_itself_saves_passes(tmp_path: Path) -> None:
    import keras

    of = keras.layers
    settings = {"kernel_regularizer": keras.regularizers.L2(1e-3), "kernel_constraint": keras.constraints.MaxNorm(2)}
    image = keras.Input((8, 8, 1))
    x = of.Conv2D(2, 3, activation=keras.activations.gelu, dtype="mixed_float16", **settings)(image)
    x = of.PReLU(shared_axes=[1, 2])(x)
    keras.Model(image, x).save(tmp_path / "mine.h5")
    assert read(tmp_path / "mine.h5", UNIT).model.output_shape == (None, 6, 6, 2)
    keras.Model(image, keras.ops.mean(x[:, 1:] * 2.0, axis=(1, 2))).save(tmp_path / "mine.keras")
    assert read(tmp_path / "mine.keras", UNIT).model.output_shape == (None, 2)


def test_files_beside_the_weights_are_refused(tmp_path: Path) -> None:
    path = with_members(saved(tmp_path), {"assets/words.txt": b"root"})
    with pytest.raises(BadBase, match="found `assets/words.txt` beside them"):
        read(path, UNIT)


def test_what_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = with_members(saved(tmp_path), {"model.weights.h5": bytes(50 * 2**20)})
    with pytest.raises(BadBase, match="would unpack to 5.,...,... bytes"):
        read(path, UNIT)
    path = saved(tmp_path, ".h5")
    with h5py.File(path, "r+") as content:
        content.create_dataset("model_weights/many", (10**12,), "f4", chunks=(1024,), compression="gzip")
    with pytest.raises(BadBase, match="would unpack to 2,000,000,.* bytes"):
        read(path, UNIT)


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, ".h5")
    with h5py.File(path, "r+") as content:
        content["model_weights/there"] = h5py.ExternalLink("/etc/other.h5", "x")
    with pytest.raises(BadBase, match="`there` is a link"):
        read(path, UNIT)


@pytest.mark.parametrize(
    "config", ["[" * 100_000, '{"a":' * 100_000, "[]", "null", "{", '{"class_name": 3, "config": 7}']
)
def test_a_config_that_is_none_ends_in_words(tmp_path: Path, config: str) -> None:
    path = with_members(saved(tmp_path), {"config.json": config.encode()})
    assert input_shape(path) is None
    with pytest.raises(BadBase, match="mine.keras"):
        read(path, UNIT)


def test_a_config_of_any_depth_is_read_or_refused(tmp_path: Path) -> None:
    """Python goes about a thousand deep, and json goes deeper than what looks through its result."""
    refused = 0
    for depth in range(700, 1000, 3):
        path = tmp_path / "mine.keras"
        with zipfile.ZipFile(path, "w") as content:
            content.writestr("metadata.json", '{"keras_version": "3"}')
            content.writestr("config.json", '{"a":' * depth + "0" + "}" * depth)
        try:
            check_built_in(config_of(path), path, is_own=lambda _: True)
        except BadBase:
            refused += 1
    assert 0 < refused < 100


def test_every_single_change_of_a_config_ends_in_words_or_a_network(tmp_path: Path) -> None:
    """Whatever stands where a setting stood: a base, or a refusal; never another error."""
    path = saved(tmp_path)
    with zipfile.ZipFile(path) as content:
        config = json.loads(content.read("config.json"))
    layers = config["config"]["layers"]
    places = [(layer["config"], key) for layer in layers for key in layer["config"]]
    for settings, key in [*places, *((layer, key) for layer in layers for key in layer)][::2]:
        kept, settings[key] = settings[key], {"x": [None]}
        with_members(path, {"config.json": json.dumps(config).encode()})
        with contextlib.suppress(BadBase):
            read(path, UNIT)
        settings[key] = kept
