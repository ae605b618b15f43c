"""What is fetched, by Keras' own `get_file`, from a real server on this machine; and what is said where it fails."""

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from artifacts.errors import DataError
from tasks import sources
from tasks.pure.readers import IDX_FILES, read
from tests.tasks.bare_machine import Served, make_bare, move_origin, put_fashion

bare_machine = pytest.fixture(autouse=True)(make_bare)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The four small files of Fashion-MNIST and an archive for CIFAR-10, with their right hashes."""
    folder = put_fashion(tmp_path / "on the server")
    files = {role: (folder / role).read_bytes() for role in IDX_FILES}
    files["cifar-10-batches-py-target_archive"] = b"an archive"
    server = Served(files)
    move_origin(monkeypatch, server.origin, {name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
    with server.running():
        yield server


def everything_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_what_is_not_found_is_fetched_into_keras_cache_and_found_the_next_time(
    tmp_path: Path, served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sources.fetch("fashion_mnist", None)
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    assert files == {role: cache / role for role in IDX_FILES}
    assert len(read("fashion_mnist", files).x_train) == 30
    assert everything_in(cache) == set(IDX_FILES)  # nothing half-done is left beside them
    assert capsys.readouterr().out == ""  # standard output belongs to `--json`
    assert sources.find("fashion_mnist", None) == files
    assert sources.fetch("fashion_mnist", None) == files
    assert sorted(served.asked) == sorted(IDX_FILES)


def test_only_what_the_cache_lacks_is_fetched(tmp_path: Path, served: Served) -> None:
    cache = put_fashion(tmp_path / "keras" / "datasets" / "fashion-mnist")
    (cache / IDX_FILES[1]).unlink()
    sources.fetch("fashion_mnist", None)
    assert served.asked == [IDX_FILES[1]]


def test_nothing_is_fetched_that_is_found(tmp_path: Path, served: Served) -> None:
    put_fashion(tmp_path / "debian")
    sources.fetch("fashion_mnist", None)
    assert served.asked == []


def test_cifar_is_fetched_under_the_name_that_keras_looks_for(tmp_path: Path, served: Served) -> None:
    files = sources.fetch("cifar10", None)
    assert files == {"cifar-10-batches-py.tar.gz": tmp_path / "keras/datasets/cifar-10-batches-py-target_archive"}


@pytest.mark.parametrize("fault", ["altered", "cut short", "not there"])
def test_a_failed_download_leaves_nothing_that_counts_as_found(tmp_path: Path, served: Served, fault: str) -> None:
    if fault == "altered":
        served.files[IDX_FILES[2]] += b"!"
    elif fault == "cut short":
        served.cut = 100
    else:
        del served.files[IDX_FILES[2]]
    with pytest.raises(DataError, match="failed: "):
        sources.fetch("fashion_mnist", None)
    assert IDX_FILES[2] not in everything_in(tmp_path / "keras")
    assert not [name for name in everything_in(tmp_path / "keras") if name.startswith(".graft")]
    assert sources.find("fashion_mnist", None) is None


def test_a_mended_server_is_asked_only_for_the_rest(tmp_path: Path, served: Served) -> None:
    last = served.files.pop(IDX_FILES[3])
    with pytest.raises(DataError, match="404"):
        sources.fetch("fashion_mnist", None)
    served.files[IDX_FILES[3]] = last
    served.asked.clear()
    sources.fetch("fashion_mnist", None)
    assert served.asked.count(IDX_FILES[3]) == 1


def test_where_all_fail_one_paragraph_names_the_four_places_and_the_command_for_each(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        sources.fetch("fashion_mnist", None)
    message = str(caught.value)
    assert "in none of 4 places" in message and "\n" not in message
    for place in ("(1) a folder of yours", "(2) Keras' cache", "(3) Debian's package", "(4) Keras' own download"):
        assert place in message
    cache = tmp_path / "keras" / "datasets" / "fashion-mnist"
    commands = ("export GRAFT_DATA=FOLDER", f"mkdir -p {cache} && cp train", "apt-get install dataset-fashion-mnist")
    for command in commands:
        assert command in message
    assert "Connection refused" in message and "fashion_mnist_sample" in message
    assert caught.value.__suppress_context__  # no traceback of Keras' beside it


def test_other_data_sets_name_three_places_and_what_graft_data_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFT_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError) as caught:
        sources.fetch("mnist", None)
    message = str(caught.value)
    assert "MNIST was found in none of 3 places" in message and f"GRAFT_DATA={tmp_path / 'data'} lacks them" in message
    assert "apt-get" not in message


def test_a_cache_that_cannot_be_written_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="Not a directory"):
        sources.fetch("mnist", None)


def test_the_command_for_the_cache_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "with a space"))
    with pytest.raises(DataError) as caught:
        sources.fetch("fashion_mnist", None)
    command = next(part for part in str(caught.value).split("`") if part.startswith("mkdir -p"))
    folder = put_fashion(tmp_path / "elsewhere")
    subprocess.run(command, shell=True, cwd=folder, check=True)
    assert sources.find("fashion_mnist", None) is not None
