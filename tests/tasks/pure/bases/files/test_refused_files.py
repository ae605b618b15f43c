"""Files that are no base, refused with the reason and what to do, before Keras reads a byte of what it would run."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tasks.pure.bases.files.own_file import read
from tasks.pure.errors import BadBase
from tests.tasks.pure.bases.files.test_own_file import SHAPE, UNIT, answers, saved, sequential

pytestmark = pytest.mark.usefixtures("fresh_keras")


def test_a_lambda_is_refused_by_its_name(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Lambda(lambda x: x / 2, name="halve")])
    for suffix in (".keras", ".h5"):
        with pytest.raises(BadBase, match="layer `halve` is a Lambda: code of its own.*is not run"):
            read(saved(model, tmp_path, f"mine{suffix}"), UNIT)


def test_a_class_of_the_users_own_is_refused_by_its_name(tmp_path: Path) -> None:
    import keras

    class Mine(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    model = keras.Sequential([keras.Input(SHAPE), Mine(name="special"), keras.layers.Conv2D(2, 3)])
    with pytest.raises(BadBase, match="layer `special` needs `Mine`, which is none of Keras' own"):
        read(saved(model, tmp_path), UNIT)


def test_a_function_that_a_config_names_is_never_looked_up(tmp_path: Path) -> None:
    """As in CVE-2025-1550: a config that has `os.system` imported and called."""
    path = saved(sequential(answers()), tmp_path)
    with zipfile.ZipFile(path) as content:
        files = {name: content.read(name) for name in content.namelist()}
    evil = b'{"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}'
    files["config.json"] = files["config.json"].replace(b'"activation": "relu"', b'"activation": ' + evil, 1)
    with zipfile.ZipFile(path, "w") as content:
        for name, text in files.items():
            content.writestr(name, text)
    with pytest.raises(BadBase, match="needs `system`, which is none of Keras' own"):
        read(path, UNIT)


def test_several_inputs_or_outputs_are_refused(tmp_path: Path) -> None:
    import keras

    one, two = keras.Input(SHAPE, name="one"), keras.Input(SHAPE, name="two")
    out = keras.layers.Conv2D(2, 3)(keras.layers.Add()([one, two]))
    with pytest.raises(BadBase, match="expected one input, found 2"):
        read(saved(keras.Model([one, two], out), tmp_path), UNIT)
    x = keras.layers.Conv2D(2, 3)(one)
    with pytest.raises(BadBase, match="expected one output, found 2"):
        read(saved(keras.Model(one, [x, keras.layers.ReLU()(x)]), tmp_path, "outs.keras"), UNIT)


def test_what_never_got_an_input_is_refused(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    with pytest.raises(BadBase, match="has no input yet.*keras.Input"):
        read(saved(model, tmp_path), UNIT)


def test_nothing_left_below_the_head_is_refused(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), answers()])
    with pytest.raises(BadBase, match="no layer with weights: nothing is left to reuse"):
        read(saved(model, tmp_path), UNIT)


def test_what_takes_no_pictures_is_refused(tmp_path: Path) -> None:
    import keras

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3)])
    with pytest.raises(BadBase, match="expected a network for pictures"):
        read(saved(model, tmp_path), UNIT)


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.pkl", "a pickle: reading one can run any code"), ("a.pth", "a PyTorch file"), ("a.onnx", "found `.onnx`")],
)
def test_other_files_are_never_opened(tmp_path: Path, name: str, said: str) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path(tmp_path / "ran").touch, ()

    (tmp_path / name).write_bytes(pickle.dumps(Evil()))
    with pytest.raises(BadBase, match=said):
        read(tmp_path / name, UNIT)
    assert not (tmp_path / "ran").exists()


def test_weights_alone_are_refused(tmp_path: Path) -> None:
    model = sequential(answers())
    model.save_weights(tmp_path / "mine.weights.h5")
    with pytest.raises(BadBase, match="a file of weights alone"):
        read(tmp_path / "mine.weights.h5", UNIT)
    (tmp_path / "mine.weights.h5").rename(tmp_path / "mine.h5")
    with pytest.raises(BadBase, match="found weights alone. Save it whole"):
        read(tmp_path / "mine.h5", UNIT)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path: Path, suffix: str) -> None:
    path = saved(sequential(answers()), tmp_path, f"mine{suffix}")
    whole = path.read_bytes()
    for keep in (0, 10, len(whole) // 3, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:keep])
        with pytest.raises(BadBase, match="mine"):
            read(path, UNIT)
