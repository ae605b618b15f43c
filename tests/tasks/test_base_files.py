"""Which files a base consists of: what is in the key, and what is said where they are not there."""

from pathlib import Path

import pytest

from artifacts.errors import DataError
from tasks.base_files import files
from tasks.pure.bases.base import Base

PRESET = Base("kerashub")


def test_a_preset_is_all_the_files_in_its_folder(tmp_path: Path) -> None:
    for name in ("config.json", "model.weights.h5", "image_converter.json", "README.md"):
        (tmp_path / name).touch()
    (tmp_path / "assets").mkdir()
    found = files(PRESET, tmp_path, download=False)
    assert found is not None
    assert dict(found.paths) == {
        "weights": str(tmp_path / "config.json"),
        "file image_converter.json": str(tmp_path / "image_converter.json"),
        "file model.weights.h5": str(tmp_path / "model.weights.h5"),
    }


def test_a_folder_without_a_preset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a preset's folder.*no `config.json` there"):
        files(PRESET, tmp_path, download=False)


def test_a_presets_name_is_refused_with_how_to_fetch_it() -> None:
    with pytest.raises(DataError, match=r'from_preset\("resnet_18"\).save_to_preset\("./resnet_18"\)'):
        files(Base("kerashub", "resnet_18"), None, download=True)


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found nothing there"):
        files(Base("file"), tmp_path / "mine.keras", download=False)
    with pytest.raises(DataError, match="found a folder there.*SavedModel"):
        files(Base("file"), tmp_path, download=False)
