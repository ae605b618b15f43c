"""Where the files of a data set are looked for, and in which order."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from artifacts.errors import DataError
from tasks import sources
from tasks.pure.readers import IDX_FILES, read
from tests.tasks.bare_machine import make_bare, put_fashion
from tests.tasks.pure.small_archives import DEBIAN

bare_machine = pytest.fixture(autouse=True)(make_bare)


def put(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"content")
    return file


def test_the_places_are_looked_at_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sources.find("fashion_mnist", None) is None
    debian = put_fashion(tmp_path / "debian")
    assert sources.find("fashion_mnist", None) == {role: debian / role for role in IDX_FILES}
    cache = put_fashion(tmp_path / "keras" / "datasets" / "fashion-mnist")
    assert sources.find("fashion_mnist", None) == {role: cache / role for role in IDX_FILES}
    named = put_fashion(tmp_path / "data")
    monkeypatch.setenv("GRAFT_DATA", str(named))
    assert sources.find("fashion_mnist", None) == {role: named / role for role in IDX_FILES}
    below = put_fashion(named / "fashion-mnist")
    assert sources.find("fashion_mnist", None) == {role: below / role for role in IDX_FILES}
    own = put_fashion(tmp_path / "own")
    assert sources.find("fashion_mnist", str(own)) == {role: own / role for role in IDX_FILES}


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="no Debian package dataset-fashion-mnist here")
def test_debians_package_is_found_and_read(monkeypatch: pytest.MonkeyPatch) -> None:
    source = dataclasses.replace(sources.SOURCES["fashion_mnist"], debian=sources.DEBIAN / "fashion-mnist")
    monkeypatch.setitem(sources.SOURCES, "fashion_mnist", source)
    assert sources.find("fashion_mnist", None) == {role: DEBIAN / role for role in IDX_FILES}


def test_a_folder_of_graft_data_without_all_files_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incomplete = put_fashion(tmp_path / "data")
    (incomplete / IDX_FILES[2]).unlink()
    monkeypatch.setenv("GRAFT_DATA", str(incomplete))
    debian = put_fashion(tmp_path / "debian")
    assert sources.find("fashion_mnist", None) == {role: debian / role for role in IDX_FILES}


def test_the_recipes_own_folder_is_never_replaced_by_another(tmp_path: Path) -> None:
    put_fashion(tmp_path / "debian")
    incomplete = put_fashion(tmp_path / "own")
    (incomplete / IDX_FILES[2]).unlink()
    for look in (sources.find, sources.fetch):
        with pytest.raises(DataError, match=f"own: expected the folder .*missing: {IDX_FILES[2]}. Put them there"):
            look("fashion_mnist", str(incomplete))


def test_keras_home_is_in_the_home_directory_unless_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    cache = put_fashion(tmp_path / "home" / ".keras" / "datasets" / "fashion-mnist")
    assert sources.find("fashion_mnist", None) == {role: cache / role for role in IDX_FILES}


@pytest.mark.parametrize(
    ("dataset", "role", "name"),
    [
        ("mnist", "mnist.npz", "mnist.npz"),
        ("cifar10", "cifar-10-batches-py.tar.gz", "cifar-10-batches-py.tar.gz"),  # as older versions of Keras named it
        ("cifar10", "cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target_archive"),  # as Keras names it today
        ("cifar10", "cifar-10-batches-py.tar.gz", "cifar-10-python.tar.gz"),  # as its own page names it
        ("cifar100", "cifar-100-python.tar.gz", "cifar-100-python.tar.gz"),
        ("cifar100", "cifar-100-python.tar.gz", "cifar-100-python-target_archive"),
    ],
)
def test_an_archive_is_found_in_keras_cache_under_any_of_its_names(
    tmp_path: Path, dataset: str, role: str, name: str
) -> None:
    assert sources.find(dataset, None) is None
    file = put(tmp_path / "keras" / "datasets" / name)
    assert sources.find(dataset, None) == {role: file}


def test_an_own_npz_is_found_where_its_path_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = put(tmp_path / "mine.npz")
    assert sources.find("npz", str(file)) == {"npz": file}
    monkeypatch.chdir(tmp_path)
    assert sources.find("npz", "mine.npz") == {"npz": file}


def test_an_own_npz_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Set `path: mine.npz`"):
        sources.find("npz", None)
    with pytest.raises(DataError, match="gone.npz: .* found no such file"):
        sources.find("npz", str(tmp_path / "gone.npz"))
    with pytest.raises(DataError, match="found a folder"):
        sources.find("npz", str(tmp_path))


def test_what_comes_with_graft_needs_no_place_and_takes_no_path() -> None:
    assert sources.find("digits", None) == {}
    sample = sources.find("fashion_mnist_sample", None)
    assert sample and read("fashion_mnist_sample", sample).x_train.shape == (6_000, 28, 28, 1)
    with pytest.raises(DataError, match="Remove `path`"):
        sources.find("digits", "somewhere")


def test_an_unknown_data_set_is_named() -> None:
    with pytest.raises(DataError, match="No data set named `imagenet`"):
        sources.find("imagenet", None)


def test_looking_imports_no_keras() -> None:
    code = (
        "import sys; from tasks import sources;"
        "sources.find('mnist', None); sources.fetch('fashion_mnist_sample', None);"
        "sys.exit(bool({'keras', 'tensorflow', 'sklearn'} & set(sys.modules)))"
    )
    root = Path(sources.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
