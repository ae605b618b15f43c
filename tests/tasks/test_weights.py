"""Where the ImageNet weights of applications are looked for, what Keras fetches, and what is said where it cannot."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from artifacts.errors import DataError
from tasks import weights
from tasks.device import prepare
from tasks.pure.bases.known_applications import APPLICATIONS, FAMILIES, application_names, weights_file
from tasks.pure.errors import BadBase
from tasks.weights import Published, fetch, find, published
from tests.tasks.bare_machine import REFUSED, Served

NARROW = {"alpha": 0.35}
FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"
CONTENT = b"weights, as far as a download is concerned"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras' cache, empty."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "keras"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A server that has the file, under the hash that "Keras" pins."""
    server = Served({FILE: CONTENT})
    known = Published(FILE, server.origin + FILE, hashlib.md5(CONTENT).hexdigest())
    monkeypatch.setattr(weights, "published", lambda *_: known)
    with server.running():
        yield server


def test_weights_lie_where_keras_puts_them(cache: Path) -> None:
    assert find("MobileNetV2", NARROW, (96, 96)) is None
    (cache / "models").mkdir(parents=True)
    (cache / "models" / FILE).write_bytes(CONTENT)
    assert find("MobileNetV2", NARROW, (96, 96)) == fetch("MobileNetV2", NARROW, (96, 96)) == cache / "models" / FILE
    assert find("MobileNetV2", NARROW) is None  # those for 224 pixels are another file


def test_looking_needs_no_tensorflow() -> None:
    code = "import sys; from tasks.weights import find; find('ResNet50', {}); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_keras_has_no_weights_for_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(BadBase, match=r"ImageNet weights of MobileNetV2 for 0\.35, "):
        fetch("MobileNetV2", {"alpha": 0.2})
    with pytest.raises(BadBase, match="Nearest: `ResNet50`"):
        find("ResNet5", {})


def test_what_is_not_there_is_fetched_once_and_whole(
    cache: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert fetch("MobileNetV2", NARROW, (96, 96)).read_bytes() == CONTENT
    assert served.asked == [FILE]
    assert [path.name for path in (cache / "models").iterdir()] == [FILE]
    assert capsys.readouterr().out == ""  # standard output belongs to `--json`


@pytest.mark.parametrize("fault", ["altered", "cut short", "not there"])
def test_a_failed_download_leaves_nothing_behind(cache: Path, served: Served, fault: str) -> None:
    if fault == "altered":
        served.files[FILE] = CONTENT.upper()
    elif fault == "cut short":
        served.cut = 10
    else:
        del served.files[FILE]
    with pytest.raises(DataError, match="download failed: "):
        fetch("MobileNetV2", NARROW, (96, 96))
    assert list((cache / "models").iterdir()) == []


def test_without_a_network_the_file_its_url_and_the_command_are_named(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "published", lambda *_: Published(FILE, REFUSED + FILE, None))
    with pytest.raises(DataError) as caught:
        fetch("MobileNetV2", NARROW, (96, 96))
    message = str(caught.value)
    assert f"expected {cache / 'models' / FILE} (KERAS_HOME moves it)" in message and "Connection refused" in message
    assert f"fetch {REFUSED + FILE} elsewhere" in message and "base.weights: PATH" in message and "\n" not in message
    assert caught.value.__suppress_context__
    (tmp_path / FILE).write_bytes(CONTENT)
    command = next(part for part in message.split("`") if part.startswith("mkdir -p"))
    subprocess.run(command, shell=True, cwd=tmp_path, check=True)
    assert find("MobileNetV2", NARROW, (96, 96)) == cache / "models" / FILE


def test_keras_is_asked_for_its_own_url_and_hash_and_fetches_nothing() -> None:
    small = published("MobileNetV3Small", {}, None)
    prepare()  # as the steps that follow in the same process do: nothing is pinned otherwise by then
    assert small.file == "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
    assert small.origin.startswith("https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/")
    assert small.origin.endswith(small.file)
    from keras.src.applications.mobilenet_v3 import WEIGHTS_HASHES

    assert small.file_hash == WEIGHTS_HASHES["small_224_1.0_float"][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", application_names())
def test_keras_looks_for_the_same_file(name: str) -> None:
    import keras

    keras.utils.clear_session()
    assert published(name, {}, None).file == weights_file(name, {}, None)


@pytest.mark.slow
@pytest.mark.parametrize("family", [family for family, traits in FAMILIES.items() if traits.options])
def test_keras_looks_for_the_same_file_with_every_option_it_has_weights_for(family: str) -> None:
    name = next(known.name for known in APPLICATIONS.values() if known.family == family)
    traits = FAMILIES[family]
    for size in traits.trained_sizes or (224,):
        for key, values in traits.options.items():
            for value in values:
                shape = (size, size)
                assert published(name, {key: value}, shape).file == weights_file(name, {key: value}, shape)
