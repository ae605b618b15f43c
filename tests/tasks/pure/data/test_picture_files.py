"""What lies in a folder, and the bytes of a picture: litter set aside, circles ended, no pipe opened."""

import os
from pathlib import Path

import pytest

from tasks.pure.data import picture_files
from tasks.pure.data.picture_files import files_below, read_picture
from tasks.pure.data.recognising import DamagedPicture, NotAPicture
from tests.tasks.pure.data.test_hostile_pictures import FILES


def touched(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")


def below(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in files_below(folder).files]


def test_files_are_listed_in_order_with_those_of_subfolders(tmp_path: Path) -> None:
    touched(tmp_path, "b.png", "a/2.png", "a/10.png", "a/c/x.png", "a b/'q\"\n.png", "ä.png")
    assert below(tmp_path) == ["a/10.png", "a/2.png", "a/c/x.png", "a b/'q\"\n.png", "b.png", "ä.png"]


def test_litter_is_set_aside_with_all_that_lies_in_it(tmp_path: Path) -> None:
    touched(tmp_path, "a.png", ".hidden/b.png", ".hidden/c.png", "Thumbs.db", "x/.ipynb_checkpoints/d.png", "x/._e.png")
    found = files_below(tmp_path)
    assert below(tmp_path) == ["a.png"]
    assert sorted(path.name for path in found.litter) == ["._e.png", ".hidden", ".ipynb_checkpoints", "Thumbs.db"]


def test_the_folder_itself_may_be_hidden(tmp_path: Path) -> None:
    touched(tmp_path, ".photos/a.png")
    assert below(tmp_path / ".photos") == ["a.png"]


def test_links_in_circles_end_and_each_folder_is_listed_once(tmp_path: Path) -> None:
    touched(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a")
    (tmp_path / "b" / "across").symlink_to(tmp_path / "a")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert below(tmp_path) == ["a/1.png", "b/2.png", "loop"]


def test_a_link_to_a_folder_elsewhere_is_followed(tmp_path: Path) -> None:
    touched(tmp_path, "elsewhere/1.png", "photos/2.png")
    (tmp_path / "photos" / "more").symlink_to(tmp_path / "elsewhere")
    assert below(tmp_path / "photos") == ["2.png", "more/1.png"]


def test_a_folder_that_cannot_be_listed_is_told_by_who_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched(tmp_path, "a.png", "private/b.png")
    listed = Path.iterdir

    def refusing(self: Path) -> object:
        if self.name == "private":
            raise PermissionError(13, "Permission denied")
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert below(tmp_path) == ["a.png", "private"]
    with pytest.raises(DamagedPicture, match="p: expected an image.*, found a folder that cannot be listed"):
        read_picture(tmp_path / "private", "p")


def test_a_picture_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(FILES["PNG"] + b"\0" * 10_000)
    assert read_picture(tmp_path / "a", "a") == FILES["PNG"] + b"\0" * 10_000


def test_of_litter_only_the_beginning_is_read(tmp_path: Path) -> None:
    with (tmp_path / "film.mkv").open("wb") as film:
        film.truncate(1 << 40)  # a file of 1 TB that takes no room
    with pytest.raises(NotAPicture, match="film"):
        read_picture(tmp_path / "film.mkv", "film.mkv")


def test_a_file_too_large_for_a_picture_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_files, "MOST_BYTES", 1000)
    (tmp_path / "a.png").write_bytes(FILES["PNG"] + b"\0" * 10_000)
    with pytest.raises(DamagedPicture, match=r"a\.png: .*found a file of more than"):
        read_picture(tmp_path / "a.png", "a.png")


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DamagedPicture, match="no regular file"):
        read_picture(tmp_path / "pipe.jpg", "pipe.jpg")
    with pytest.raises(DamagedPicture, match="a link to nothing"):
        read_picture(tmp_path / "gone.jpg", "gone.jpg")
