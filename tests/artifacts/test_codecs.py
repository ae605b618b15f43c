"""Content comes back bit for bit; equal content makes equal bytes; nothing of the process shows."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from artifacts import array_codecs, codecs
from artifacts.errors import ArtifactDamaged
from artifacts.store import Encoded, Store
from tasks.pure.outlining import outline
from tests.flows.processes import ROOT, environment

MAKE = """
import sys, time
from tasks.device import prepare
prepare()
import keras, numpy as np
from tasks.pure import session
from tasks.pure.architectures import Network, build
from artifacts.codecs import encode_model
from tasks.pure.outlining import outline
from pathlib import Path
if sys.argv[2] == "late":
    for _ in range(3):
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])  # names count up
    time.sleep(1.1)                                                   # the file's clock has a resolution of a second
session.fresh(7)
model = build(Network("cnn", (3,), "unit", True, 0.9, 0.1, 0.001), (8, 8, 1), 3, 0)
model.layers[2].trainable = False
content = encode_model(model, outline(model))
content.write(Path(sys.argv[1]))
c = keras.config
print(content.digest, keras.backend.backend(), c.floatx(), c.image_data_format())
print(c.epsilon(), c.max_epochs(), c.max_steps_per_epoch())
"""


def model_in_another_process(folder: Path, when: str = "now", **changes: str) -> str:
    """Encode the same small CNN into `folder`; returns digest, backend, float type and image format."""
    folder.mkdir()
    arguments = [sys.executable, "-c", MAKE, str(folder), when]
    done = subprocess.run(arguments, env=environment(**changes), cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def written(content: Encoded, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    content.write(folder)
    return folder


def test_a_data_set_comes_back_bit_for_bit(store: Store, dataset: Encoded) -> None:
    folder = store.folder(store.put(dataset).ref)
    images, labels = array_codecs.read_part(folder, "gate")
    assert (images.shape, images.dtype, labels.dtype) == ((3, 2, 2, 1), np.uint8, np.int64)
    assert codecs.derive_digest("dataset", folder) == dataset.digest
    assert dataset.facts["class_names"] == ["cat", "dog"]


def test_a_history_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    frame = pd.DataFrame({"epoch": [0, 1], "loss": [0.1 + 0.2, 1e-300], "accuracy": [1 / 3, float(np.float32(0.7))]})
    content = codecs.encode_history(frame)
    folder = written(content, tmp_path / "history")
    pd.testing.assert_frame_equal(codecs.read_history(folder), frame, check_exact=True)
    assert codecs.derive_digest("history", folder) == content.digest


def test_an_evaluation_and_its_predictions_come_back(tmp_path: Path) -> None:
    metrics = {"accuracy": 0.5, "per_class": [{"class": "Größe", "f1": None}]}
    predictions = {"probabilities": np.eye(2, dtype=np.float32), "labels": np.arange(2)}
    content = codecs.encode_evaluation(metrics, predictions)
    folder = written(content, tmp_path / "evaluation")
    assert codecs.read_evaluation(folder) == metrics
    back = codecs.read_predictions(folder)
    assert {name: (array.dtype, array.tolist()) for name, array in back.items()} == {
        name: (array.dtype, array.tolist()) for name, array in predictions.items()
    }
    assert codecs.derive_digest("evaluation", folder) == content.digest


def test_pictures_come_back(tmp_path: Path) -> None:
    pictures = {"confusion": b"\x89PNG one", "curves": b"\x89PNG two"}
    content = codecs.encode_figures(pictures)
    folder = written(content, tmp_path / "figures")
    assert codecs.read_figures(folder) == pictures
    assert codecs.derive_digest("figures", folder) == content.digest


def test_the_same_network_gives_the_same_bytes_whatever_the_process_did_before_and_when(
    plain: tuple[Path, str], tmp_path: Path
) -> None:
    assert model_in_another_process(tmp_path / "late", "late") == plain[1]
    assert (tmp_path / "late" / "model.keras").read_bytes() == (plain[0] / "model.keras").read_bytes()


def test_keras_own_settings_change_nothing(plain: tuple[Path, str], tmp_path: Path) -> None:
    home = tmp_path / "keras"
    home.mkdir()
    other = {"backend": "jax", "floatx": "float64", "image_data_format": "channels_first", "epsilon": 1e-3}
    (home / "keras.json").write_text(json.dumps(other))
    assert plain[1].endswith("tensorflow float32 channels_last\n1e-07 None None")
    odd = {"KERAS_HOME": str(home), "KERAS_BACKEND": "torch", "KERAS_MAX_EPOCHS": "1", "KERAS_MAX_STEPS_PER_EPOCH": "1"}
    assert model_in_another_process(tmp_path / "odd", **odd) == plain[1]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A stored CNN with batch norm and dropout, one of its layers frozen; and what its process said."""
    folder = tmp_path_factory.mktemp("model") / "cnn"
    return folder, model_in_another_process(folder)


@pytest.fixture
def folder(plain: tuple[Path, str]) -> Path:
    return plain[0]


def test_equal_arrays_are_equal_bytes_whatever_their_order_in_memory(tmp_path: Path) -> None:
    """As `scipy.io.loadmat` gives them, in Fortran order, or from a big-endian machine."""
    images, labels = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5, 1), np.arange(3)
    contents = []
    for number, given in enumerate((images, np.asfortranarray(images), images.astype(">f4"))):
        content = array_codecs.encode_dataset(
            dict.fromkeys(array_codecs.DATASET_PARTS, (given, labels)), ["a", "b", "c"]
        )
        folder = written(content, tmp_path / str(number))
        contents.append((content.digest, content.facts, (folder / "x_train.npy").read_bytes()))
    assert contents[0] == contents[1] == contents[2]


@pytest.fixture
def keras() -> object:
    from tasks.device import prepare
    from tasks.pure import session

    prepare()
    session.fresh(0)  # as every step begins
    import keras

    return keras


def test_a_network_comes_back_with_its_flags_and_not_compiled(folder: Path, keras: object) -> None:
    model = codecs.read_model(folder)
    assert not model.compiled
    assert [layer.name for layer in model.layers if not layer.trainable] == ["conv_1"]
    assert codecs.encode_model(model, outline(model)).digest == codecs.derive_digest("model", folder)


def test_a_network_made_anew_shares_nothing(folder: Path, keras: object) -> None:
    model = codecs.read_model(folder)
    twin = codecs.rebuild(model)
    before = codecs.model_digest(model)
    assert codecs.model_digest(twin) == before
    twin.set_weights([np.zeros_like(weight) for weight in twin.get_weights()])
    assert codecs.model_digest(model) == before != codecs.model_digest(twin)


@pytest.mark.parametrize("change", ["weight", "flag", "name"])
def test_a_models_digest_notices(change: str, folder: Path, keras: object) -> None:
    model = codecs.read_model(folder)
    before = codecs.model_digest(model)
    if change == "weight":
        model.get_layer("head").bias.assign_add([1e-7] * 3)
    elif change == "flag":
        model.get_layer("conv_1").trainable = True
    else:
        model.name = "other"
    assert codecs.model_digest(model) != before


def test_a_file_that_is_no_network_is_damage(tmp_path: Path, keras: object) -> None:
    (tmp_path / "model.keras").write_bytes(b"not a zip")
    with pytest.raises(ArtifactDamaged, match="Keras cannot read it"):
        codecs.read_model(tmp_path)


def test_custom_code_in_a_file_is_not_run(tmp_path: Path, folder: Path, keras: object) -> None:
    proof = tmp_path / "executed"
    with zipfile.ZipFile(folder / "model.keras") as sound, zipfile.ZipFile(tmp_path / "model.keras", "w") as evil:
        for name in sound.namelist():
            content = sound.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1] = {
                    **config["config"]["layers"][1],
                    "module": "builtins",
                    "class_name": "exec",
                    "config": {"source": f"open({str(proof)!r}, 'w')"},
                }
                content = json.dumps(config).encode()
            evil.writestr(name, content)
    with pytest.raises(ArtifactDamaged):
        codecs.read_model(tmp_path)
    assert not proof.exists()


@pytest.mark.parametrize("kind", ["dataset", "model", "history", "evaluation", "figures"])
def test_deriving_from_an_empty_folder_is_damage_or_another_digest(kind: str, tmp_path: Path, keras: object) -> None:
    if kind == "figures":  # no pictures are content too, but of another digest
        assert codecs.derive_digest(kind, tmp_path) == codecs.encode_figures({}).digest
    else:
        with pytest.raises(ArtifactDamaged):
            codecs.derive_digest(kind, tmp_path)
