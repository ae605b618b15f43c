"""`graft predict` and the exported `preprocess.py` see the same pictures, in a folder as people keep them."""

import ast
import csv
import inspect
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts.store import Store
from flows import exported_main, predicting
from flows.cli import _guarded
from flows.exported_script import PARTS, script
from flows.predict_inputs import Picture, Problem, Skipped, images
from flows.served import _bounds, _range, decoding_of
from tasks.device import device
from tasks.pure import inference
from tasks.pure.data.decoding import Decoding
from tests.flows.processes import environment

Predict = Callable[..., tuple[int, Any, str]]

WITHOUT_GRAFT = """
import runpy, sys
class NoGraft:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("flows", "tasks", "artifacts"):
            raise ImportError(f"{name}: graft is not installed here")
sys.meta_path.insert(0, NoGraft())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def predict(capsys: pytest.CaptureFixture[str]) -> Predict:
    """`predict("photos", "--json")` → exit code, what was printed (JSON where asked for), standard error."""

    def run_command(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()  # what other commands said
        code = _guarded(["predict", *arguments])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run_command


def as_exported(folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """`python out/preprocess.py ARGUMENTS --json` in `folder`, where graft cannot be imported."""
    command = ["out/preprocess.py", *arguments, "--json", "--threads", str(device()["threads"])]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_GRAFT, *command],
        env=environment(PYTHONPATH=None, KERAS_BACKEND="tensorflow"), cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def photo(number: int, shape: tuple[int, ...]) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, shape, np.uint8))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as people keep them: 15 pictures, two damaged ones, and litter."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    odd = folder / "a folder, with 'quotes'\nand “more”"
    odd.mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(0, (40, 60, 3)).save(folder / "sideways.jpg", exif=exif)
    photo(1, (30, 50, 4)).save(folder / "clear.png")
    Image.fromarray(np.arange(200, dtype=np.uint16).reshape(10, 20)).save(folder / "dark16.png")
    photo(2, (33, 31, 4)).convert("CMYK").save(folder / "printer.jpg")
    photo(3, (64, 8, 3)).quantize(17).save(folder / "palette.gif", transparency=2)
    photo(4, (8, 8)).save(folder / "exact.png")
    photo(5, (200, 300, 3)).save(folder / "large.webp", lossless=True)
    photo(6, (5, 5, 2)).save(folder / "small.png")
    photo(7, (9, 9)).save(folder / "wrong name.txt", "PNG")
    photo(8, (1, 77, 3)).save(folder / "thin.bmp")
    photo(9, (12, 12, 3)).save(folder / "film.gif", save_all=True, append_images=[photo(10, (12, 12, 3))])
    for number in range(3):
        photo(20 + number, (20, 30, 3)).save(odd / f"日本 {number}.jpg")
    photo(30, (7, 7)).save(os.fsencode(odd) + b"/caf\xe9.png")  # no UTF-8
    (folder / "cut.jpg").write_bytes((folder / "sideways.jpg").read_bytes()[:700])
    (folder / "no.png").write_bytes(b"no image")
    litter(folder)
    return folder


def litter(folder: Path) -> None:
    """Seven pieces of it, and a circle."""
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "notes.txt", "labels.csv", "odd/._a.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"nothing")
    (folder / ".ipynb_checkpoints").mkdir()
    photo(40, (8, 8)).save(folder / ".ipynb_checkpoints" / "hidden.png")
    (folder / "odd" / "circle").symlink_to(folder)


def decoded_as(monkeypatch: pytest.MonkeyPatch, decoding: Mapping[str, Any] | None) -> None:
    """As if the data sets had been decoded so, as those of folders and lists say of themselves."""
    facts = Store.facts
    if decoding is not None:
        monkeypatch.setattr(Store, "facts", lambda self, ref: {**(facts(self, ref) or {}), "decoding": decoding})


@pytest.mark.parametrize(
    "decoding",
    [None, {"channels": 1, "size": [8, 8], "fit": "pad", "background": "#336699", "value_range": None}],
    ids=["arrays", "padded"],
)
def test_the_export_says_of_every_file_what_predict_says_bit_for_bit(
    finished: str,
    photos: Path,
    predict: Predict,
    monkeypatch: pytest.MonkeyPatch,
    decoding: Mapping[str, Any] | None,
) -> None:
    decoded_as(monkeypatch, decoding)
    for number in range(241):  # one batch, and one picture more: alone, its last bits may be others
        photo(1000 + number, (11, 13, 3)).save(photos / f"{number:03}.png")
    assert _guarded(["export", "last", "out"]) == 0
    code, found, err = predict("photos", "photos/notes.txt", "photos/sideways.jpg", "--json")
    exported_code, exported, exported_err = as_exported(
        photos.parent, "photos", "photos/notes.txt", "photos/sideways.jpg"
    )
    assert len(found["predictions"]) == 256 + 1
    told = [{name: row[name] for name in ("image", "label", "probability")} for row in found["predictions"]]
    assert exported == {"predictions": told, "problems": found["problems"], "skipped": found["skipped"]}
    assert [row["image"] for row in found["problems"]] == ["photos/cut.jpg", "photos/no.png", "photos/notes.txt"]
    assert (found["skipped"], code, exported_code) == (7, 1, 1)
    assert "graft: 7 files that are no pictures were passed over.\n" in err
    assert "photos/cut.jpg: cannot be decoded" in exported_err
    taken = json.loads(Path("out/input.json").read_text())["decoding"]
    assert taken == (
        decoding or {"channels": 1, "size": [8, 8], "fit": "stretch", "background": "white", "value_range": None}
    )


def test_how_pictures_are_fitted_reaches_the_network(
    finished: str,
    photos: Path,
    predict: Predict,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    for how in ("stretch", "crop", "pad"):
        with monkeypatch.context() as patch:
            decoded_as(patch, {"channels": 1, "size": [8, 8], "fit": how, "background": "white", "value_range": None})
            seen.append(predict("photos/sideways.jpg", "--json")[1]["predictions"][0]["probability"])
    assert len(set(seen)) == 3


def test_litter_is_passed_over_and_counted_and_no_failure(finished: str, photos: Path, predict: Predict) -> None:
    for name in ("cut.jpg", "no.png"):
        (photos / name).unlink()
    code, found, err = predict("photos", "--json")
    assert (code, found["skipped"], found["problems"], len(found["predictions"])) == (0, 7, [], 15)
    assert err.splitlines() == [
        "graft: 1 file holds several frames; the first one was labelled.",
        "graft: 7 files that are no pictures were passed over.",
    ]
    frames = {row["image"]: row["frames"] for row in found["predictions"] if "frames" in row}
    assert frames == {"photos/film.gif": 2}
    assert predict("photos/exact.png", "--json")[1]["skipped"] == 0


def test_a_file_asked_for_by_name_is_a_problem_where_it_is_none(finished: str, photos: Path, predict: Predict) -> None:
    code, found, err = predict("photos/notes.txt", "photos/exact.png", "--json")
    assert (code, found["skipped"], len(found["predictions"])) == (1, 0, 1)
    assert err == "graft: photos/notes.txt: expected an image such as PNG or JPEG, found something else.\n"


def test_a_folder_with_litter_alone_holds_nothing_to_label(finished: str, tmp_path: Path, predict: Predict) -> None:
    (tmp_path / "litter").mkdir()
    for name in ("notes.txt", ".hidden.png"):
        (tmp_path / "litter" / name).write_bytes(b"nothing")
    code, found, err = predict(str(tmp_path / "litter"), "--json")
    assert (code, found["skipped"], found["predictions"]) == (1, 2, [])
    assert "litter: expected images, found one without images (2 other files)" in err


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ("photos/exact.png", "photos/exact.png"),
        ("./photos//exact.png", "./photos//exact.png"),
        ("photos/../photos/exact.png", "photos/../photos/exact.png"),
        ("odd/circle/exact.png", "odd/circle/exact.png"),
        ("./photos/", "./photos/exact.png"),
        ("photos", "photos/exact.png"),
        ("..", "../photos/exact.png"),
    ],
)
def test_each_file_is_named_as_it_was_given(
    photos: Path, given: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given == "..":
        monkeypatch.chdir(photos)
    if given.startswith("odd"):
        monkeypatch.chdir(photos)
    assert named in [item.name for item in images([given], Decoding(1, (8, 8))) if isinstance(item, Picture)]


def test_names_that_are_no_text_come_out_as_they_are(
    finished: str, photos: Path, predict: Predict, tmp_path: Path
) -> None:
    [strange] = [
        os.fsdecode(entry) for entry in os.listdir(os.fsencode(str(next(photos.glob("a folder*"))))) if b"caf" in entry
    ]
    _, found, _ = predict("photos", "--json")
    assert sum(strange in row["image"] for row in found["predictions"]) == 1
    predict("photos", "--csv", "labels.csv")
    with open("labels.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert sum(strange in row["image"] for row in csv.DictReader(file)) == 1
    printed = subprocess.run(
        [sys.executable, "-m", "flows.cli", "predict", "photos"], env=environment(PYTHONUTF8="1"), check=False,
        capture_output=True,
    )  # fmt: skip
    assert b"/caf\xe9.png  " in printed.stdout and b"Traceback" not in printed.stderr


def test_a_network_of_numbers_of_its_own_takes_no_pixels_of_files(photos: Path) -> None:
    np.savez("own.npz", images=np.full((2, 8, 8), -0.5))
    found = list(images(["photos/exact.png", "photos/notes.txt", "own.npz"], Decoding(1, (8, 8)), pixels=False))
    assert [type(item) for item in found] == [Problem, Problem, Picture, Picture]
    assert "trained on numbers below 0 or above 255" in found[0].problem  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([0, 1], "u1", (True, False)), ([0, 255], "u1", (True, False)), ([0, 1], "f4", (True, True)),
        ([0.2, 254], "f4", (True, False)), ([0, 255], "i8", (True, False)), ([-1, 1], "f4", (False, False)),
        ([0, 256], "u2", (False, False)), ([0, 1], "i8", (True, False)),
    ],
)  # fmt: skip
def test_what_a_network_takes_follows_from_what_it_was_trained_on(
    values: list[float], dtype: str, expected: tuple[bool, bool]
) -> None:
    images = np.array(values, dtype)
    assert _range(images.dtype, *_bounds(images, {})) == expected
    assert _range(images.dtype, *_bounds(images[:0], {"pixel_range": values})) == expected


def test_size_and_colours_are_always_those_of_the_networks_input() -> None:
    facts = {"decoding": {"channels": 3, "size": None, "fit": "crop", "background": "black", "value_range": [0, 9]}}
    assert decoding_of((8, 9, 1), facts) == Decoding(1, (8, 9), "crop", "black", (0, 9))
    assert decoding_of((8, 9, 3), {}) == Decoding(3, (8, 9))


def test_skipped_files_count_for_the_bar_and_change_no_row(photos: Path) -> None:
    from flows.predict_inputs import count

    assert count(["photos"], 1) == len(list(images(["photos"], Decoding(1, (8, 8))))) == 15 + 2 + 7
    assert sum(isinstance(item, Skipped) for item in images(["photos"], Decoding(1, (8, 8)))) == 7


def test_both_call_the_network_with_as_many_images_at_once() -> None:
    assert exported_main.BATCH_SIZE == predicting.BATCH_SIZE == inference.BATCH_SIZE


def test_the_script_is_the_decoders_own_source_under_names_that_do_not_collide() -> None:
    exported = ast.parse(script())
    defined = (ast.FunctionDef, ast.ClassDef)
    ours = {
        node.name: ast.dump(node)
        for part in PARTS
        for node in ast.parse(inspect.getsource(part)).body
        if isinstance(node, defined)
    }
    assert {node.name: ast.dump(node) for node in exported.body if isinstance(node, defined)} == ours
    names = Counter(node.name for node in exported.body if isinstance(node, defined))
    names += Counter(
        target.id
        for node in exported.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    )
    assert [name for name, times in names.items() if times > 1] == []
    imported = {node.module for node in ast.walk(exported) if isinstance(node, ast.ImportFrom)}
    assert not any(str(name).startswith(("flows", "tasks", "artifacts")) for name in imported)
