"""`graft predict`, on a real run's network: files, folders, arrays; the exported network says the same."""

import csv
import io
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts import array_codecs
from artifacts.store import Store
from flows.cli import _guarded
from flows.predict_inputs import Picture, Problem, count
from flows.predicting import BATCH_SIZE, Predictor
from tasks.device import device
from tests.flows.conftest import Run
from tests.flows.processes import ROOT, environment, graft, graft_and_its_peak
from tests.flows.tiny import tiny_arrays, write_tiny_recipe

Call = Callable[..., tuple[int, Any, str]]

PLAIN_KERAS = """
import sys, numpy as np, tensorflow as tf
class NoGraft:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("flows", "tasks", "artifacts"):
            raise ImportError(f"{name}: graft is not installed here")
sys.meta_path.insert(0, NoGraft())
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[3]))
tf.config.threading.set_inter_op_parallelism_threads(int(sys.argv[3]))
import keras
model = keras.saving.load_model(sys.argv[1])
images = np.load(sys.argv[2])["images"]
batches = [images[start : start + 256] for start in range(0, len(images), 256)]
np.save("plain.npy", np.concatenate([np.asarray(model(batch, training=False)) for batch in batches]))
"""


def in_plain_keras(folder: Path, npz: str) -> np.ndarray:
    """What `out/model.keras` in `folder` says, in a process that cannot import graft, as the README tells it."""
    subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, "out/model.keras", npz, str(device()["threads"])],
        env=environment(PYTHONPATH=None, KERAS_BACKEND="tensorflow"), cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return np.load(folder / "plain.npy")[:, 0]


def second_class(rows: list[dict[str, str]]) -> np.ndarray:
    """The probability of class `3` in each row of a CSV, or of JSON."""
    names = ("probability", "runner_up_probability")
    return np.array([np.float32(row[names[row["label"] != "3"]]) for row in rows])


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """`call("photos")` → exit code, what was printed (JSON where asked for), standard error."""

    def run_command(*arguments: str) -> tuple[int, Any, str]:
        code = _guarded(["predict", *arguments])
        out, err = capsys.readouterr()
        return code, json.loads(out) if "--json" in arguments and out else out, err

    return run_command


@pytest.fixture
def tested(finished: str, store: Store) -> tuple[np.ndarray, list[str]]:
    """The test images of the finished run, and what its network said of them."""
    run = store.run("last")
    images, _ = array_codecs.read_part(run.folder("load_data.target", "dataset"), "test")
    return images, run.predictions()["predicted"].tolist()


@pytest.fixture
def photos(tested: tuple[np.ndarray, list[str]], tmp_path: Path) -> Path:
    """A folder with the first six test images as PNG, two of them in a subfolder."""
    (tmp_path / "photos" / "more").mkdir(parents=True)
    for number, image in enumerate(tested[0][:6]):
        folder = tmp_path / "photos" / ("more" if number > 3 else "")
        Image.fromarray(image[:, :, 0]).save(folder / f"{number}.png")
    return tmp_path / "photos"


def test_a_folder_is_labelled_as_the_evaluation_did(
    photos: Path, tested: tuple[np.ndarray, list[str]], call: Call
) -> None:
    code, found, _ = call(str(photos), "--json")
    assert code == 0
    assert [Path(row["image"]).stem for row in found["predictions"]] == list("012345")
    assert [row["label"] for row in found["predictions"]] == tested[1][:6]
    for row in found["predictions"]:
        assert row["probability"] >= row["runner_up_probability"]
        assert row["probability"] + row["runner_up_probability"] == pytest.approx(1, abs=1e-6)
        assert {row["label"], row["runner_up"]} == {"2", "3"}


def test_what_is_damaged_is_reported_and_the_others_go_on(photos: Path, call: Call) -> None:
    (photos / "2b.png").write_bytes(b"no image")
    code, found, err = call(str(photos), "--json")
    assert code == 1
    assert len(found["predictions"]) == 6
    assert [Path(row["image"]).name for row in found["problems"]] == ["2b.png"]
    assert "2b.png: expected an image" in err and "Traceback" not in err


def test_photos_of_any_size_and_colour_are_taken(photos: Path, call: Call) -> None:
    with Image.open(photos / "0.png") as image:
        image.resize((300, 200)).convert("RGB").save(photos / "large.jpg")
        image.convert("RGBA").save(photos / "clear.png")
    code, found, _ = call(str(photos / "large.jpg"), str(photos / "clear.png"), str(photos / "0.png"), "--json")
    assert code == 0
    assert len({row["label"] for row in found["predictions"]}) == 1


def test_csv_is_written_row_by_row(photos: Path, call: Call, tmp_path: Path) -> None:
    assert call(str(photos), "--csv", str(tmp_path / "labels.csv"))[0] == 0
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    assert set(rows[0]) >= {"image", "label", "probability", "runner_up", "runner_up_probability"}


def on_a_terminal(*arguments: str, rows_too: bool = False) -> tuple[str, str]:
    """`graft predict` with standard error on a terminal: what came on standard output, and on the terminal.

    `rows_too` puts standard output on that terminal, as where a person types the command.
    """
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "predict", *arguments],
        env=environment(TERM="xterm", COLUMNS="200", NO_COLOR="1"), cwd=ROOT, stdin=follower,
        stdout=follower if rows_too else subprocess.PIPE, stderr=follower, text=True,
    )  # fmt: skip
    os.close(follower)
    shown: list[bytes] = []
    reader = threading.Thread(target=lambda: shown.extend(until_closed(leader)))
    reader.start()
    out = "" if process.stdout is None else process.stdout.read()
    assert process.wait(120) == 0
    reader.join(30)
    os.close(leader)
    return out, b"".join(shown).decode()


def until_closed(descriptor: int) -> Iterator[bytes]:
    while True:
        try:
            content = os.read(descriptor, 65536)
        except OSError:  # how Linux says that the last writer of a terminal has left
            return
        yield content


def test_rows_go_to_standard_output_while_the_bar_is_on_the_terminal(photos: Path) -> None:
    out, shown = on_a_terminal(str(photos), "--json")
    assert len(json.loads(out)["predictions"]) == 6
    assert "labelling" in shown and "2.png" not in shown
    out, _ = on_a_terminal(str(photos), "--csv", "-")
    assert [Path(row["image"]).stem for row in csv.DictReader(io.StringIO(out))] == list("012345")
    out, _ = on_a_terminal(str(photos))
    assert [Path(line.split("  ")[0]).stem for line in out.splitlines()] == list("012345")


def test_on_one_terminal_each_row_has_a_line_of_its_own(photos: Path) -> None:
    _, shown = on_a_terminal(str(photos), rows_too=True)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert [Path(line.split("  ")[0]).stem for line in plain.splitlines()] == list("012345")
    assert "labelling" not in plain


def test_explain_draws_a_picture_for_each_image(photos: Path, call: Call, tmp_path: Path) -> None:
    shutil.copy(photos / "0.png", photos / "more" / "0.png")  # two of one name overwrite no picture
    _, found, _ = call(str(photos), "--json", "--explain", str(tmp_path / "maps"))
    pictures = [Path(row["explanation"]) for row in found["predictions"]]
    assert len(set(pictures)) == 7
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.width == 2 * picture.height > 100


def test_the_exported_network_says_the_same_bit_for_bit_in_plain_keras(
    tested: tuple[np.ndarray, list[str]], call: Call, tmp_path: Path
) -> None:
    np.savez(tmp_path / "own.npz", images=tested[0][:9])
    assert _guarded(["export", "last", str(tmp_path / "out")]) == 0
    call(str(tmp_path / "own.npz"), "--csv", str(tmp_path / "graft.csv"))
    with (tmp_path / "graft.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert np.array_equal(second_class(rows), in_plain_keras(tmp_path, "own.npz"))


def test_an_array_of_another_size_is_fitted_as_a_file_is(finished: str, call: Call, tmp_path: Path) -> None:
    large = np.random.default_rng(0).integers(0, 256, (9, 19, 23), np.uint8)
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(large):
        Image.fromarray(image).save(tmp_path / "photos" / f"{number}.png")
    shares = []
    for name, images in (("bytes", large), ("wide", large.astype(np.int64)), ("floats", large.astype(np.float64))):
        np.savez(tmp_path / f"{name}.npz", images=images)
        shares.append(second_class(call(str(tmp_path / f"{name}.npz"), "--json")[1]["predictions"]))
    photos = second_class(call(str(tmp_path / "photos"), "--json")[1]["predictions"])
    assert np.array_equal(photos, shares[0]) and np.array_equal(photos, shares[1])
    np.testing.assert_allclose(photos, shares[2], atol=0.02)  # floats are not rounded after they are fitted


def test_600_images_are_the_same_bit_for_bit_whatever_lies_among_them(
    finished: str, call: Call, tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (600, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "all.npz", images=images)
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image[:, :, 0]).save(tmp_path / "photos" / f"{number:03}.png")
    (tmp_path / "photos" / "007-no-image.png").write_bytes(b"no image")
    assert _guarded(["export", "last", str(tmp_path / "out")]) == 0
    code, _, err = call(str(tmp_path / "photos"), "--csv", str(tmp_path / "graft.csv"))
    assert code == 1 and "007-no-image.png" in err
    with (tmp_path / "graft.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["image"]).stem for row in rows] == [f"{number:03}" for number in range(600)]
    assert np.array_equal(second_class(rows), in_plain_keras(tmp_path, "all.npz"))


def test_problems_keep_their_place_and_change_no_batch() -> None:
    sizes = []

    class Counting(Predictor):
        def __init__(self) -> None: ...

        def _adapted(self, picture: Picture) -> Picture:
            return picture

        def _answers(self, waiting: Any) -> Any:
            sizes.append(sum(isinstance(item, Picture) for item in waiting))
            return iter(waiting)

    bad = {0, 7, 300, 301}
    items = [
        Problem(str(number), "") if number in bad else Picture(str(number), "", np.zeros((1, 1, 1)))
        for number in range(600)
    ]
    assert list(Counting().predict(items)) == items
    assert [size for size in sizes if size] == [BATCH_SIZE, BATCH_SIZE, 600 - len(bad) - 2 * BATCH_SIZE]


@pytest.fixture
def trained_on_floats(run: Run, tmp_path: Path, quick: None) -> Path:
    """A run whose networks' data are floats of 0–1. Returns the folder of its recipe."""
    recipe = write_tiny_recipe(tmp_path)
    arrays = tiny_arrays()
    np.savez(
        tmp_path / "tiny.npz", **{name: array / 255 if name[0] == "x" else array for name, array in arrays.items()}
    )
    run(str(recipe), {"pretrain.scale": "none"})
    return tmp_path


def test_a_network_trained_on_floats_of_0_to_1_takes_pixels_exported_or_not(
    trained_on_floats: Path, call: Call, store: Store
) -> None:
    folder = trained_on_floats
    pixels = tiny_arrays()["x_test"]
    np.savez(folder / "pixels.npz", images=pixels[..., np.newaxis])
    np.savez(folder / "unit.npz", images=pixels / 255)
    (folder / "photos").mkdir()
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(folder / "photos" / f"{number:03}.png")
    _, photos, _ = call(str(folder / "photos"), "--json")
    _, arrays, _ = call(str(folder / "pixels.npz"), "--json")
    code, found, err = call(str(folder / "unit.npz"), "--json")
    assert (code, found["predictions"]) == (1, [])
    assert "expected pixels of 0–255, found floats of at most 0." in err
    assert _guarded(["export", "last", str(folder / "out")]) == 0
    plain = in_plain_keras(folder, "pixels.npz")
    assert np.array_equal(second_class(photos["predictions"]), plain)
    assert np.array_equal(second_class(arrays["predictions"]), plain)
    tested = store.run("last").predictions()["p(3)"]
    np.testing.assert_allclose(plain[np.isin(tiny_arrays()["y_test"], (2, 3))], tested, atol=1e-5)


def test_more_than_a_batch_is_labelled_in_order(
    tested: tuple[np.ndarray, list[str]], call: Call, tmp_path: Path
) -> None:
    repeats = BATCH_SIZE // len(tested[0]) + 2
    np.savez(tmp_path / "many.npz", x_test=np.tile(tested[0][..., 0], (repeats, 1, 1)))
    _, found, _ = call(str(tmp_path / "many.npz"), "--json")
    assert len(found["predictions"]) > BATCH_SIZE
    assert [row["label"] for row in found["predictions"]] == tested[1] * repeats


def test_the_champions_network_is_taken_where_it_is_named(photos: Path, call: Call) -> None:
    code, _, err = call(str(photos), "--model", "champion")
    assert code == 2 and "No champion yet" in err
    assert graft("promote", "1", "--name", "shoes").returncode == 0
    assert call(str(photos), "--model", "shoes", "--json")[0] == 0


def test_without_a_model_named_the_newest_run_that_has_one_is_taken(
    run: Run, finished: str, photos: Path, call: Call
) -> None:
    assert call(str(photos), "--json")[2] == ""
    run(finished, only="train_head")
    code, found, err = call(str(photos), "--json")
    assert code == 0 and len(found["predictions"]) == 6
    assert err == "graft: run 2 (completed) has no network; this is that of run 1.\n"
    assert call(str(photos), "--model", "last")[0] == 1


def test_a_bad_npz_stops_no_other_file(photos: Path, call: Call, tmp_path: Path) -> None:
    bad = {"text.npz": b"no zip", "cut.NPZ": b"PK\x03\x04" + b"x" * 40}
    for name, content in bad.items():
        (photos / name).write_bytes(content)
    np.savez(photos / "flat.npz", images=np.zeros((2, 0, 28)))
    code, found, err = call(str(photos), "--json")
    assert code == 1 and "Traceback" not in err
    assert len(found["predictions"]) == 6
    assert {Path(row["image"]).name for row in found["problems"]} == {*bad, "flat.npz"}


def test_an_npz_is_known_in_a_folder_and_by_any_case_of_its_name(
    photos: Path, tested: tuple[np.ndarray, list[str]], call: Call
) -> None:
    with (photos / "more" / "A.NPZ").open("wb") as file:
        np.savez(file, images=tested[0][:3])
    _, found, _ = call(str(photos), "--json")
    assert len(found["predictions"]) == 9
    assert [row["label"] for row in found["predictions"] if "A.NPZ[" in row["image"]] == tested[1][:3]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e300])
def test_an_image_that_is_not_finite_is_reported_alone(finished: str, call: Call, tmp_path: Path, wrong: float) -> None:
    images = np.full((3, 8, 8), 100.0)
    images[1, 0, 0] = wrong
    np.savez(tmp_path / "odd.npz", images=images)
    code, found, err = call(str(tmp_path / "odd.npz"), "--json")
    assert code == 1 and "odd.npz[1]: expected finite pixels" in err
    assert [row["image"][-3:] for row in found["predictions"]] == ["[0]", "[2]"]


def test_the_bar_counts_the_images_of_an_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((70, 8, 8), np.uint8))
    (tmp_path / "b.npz").write_bytes(b"no zip")
    assert count([str(tmp_path)], channels=1) == 71


def test_links_to_nothing_are_reported(photos: Path, call: Call) -> None:
    (photos / "gone.png").symlink_to(photos / "nowhere.png")
    code, found, err = call(str(photos), "--json")
    assert code == 1 and "gone.png: expected an image such as PNG or JPEG, found a link to nothing" in err
    assert len(found["predictions"]) == 6


def test_a_folder_without_images_is_said_so(finished: str, call: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, out, err = call(str(tmp_path / "empty"))
    assert (code, out) == (1, "")
    assert "empty: expected images, found a folder without files" in err


def test_two_forms_of_the_rows_at_once_are_refused(photos: Path, call: Call, tmp_path: Path) -> None:
    code, _, err = call(str(photos), "--json", "--csv", str(tmp_path / "labels.csv"))
    assert code == 2 and "Give one of them" in err
    assert not (tmp_path / "labels.csv").exists()


def test_the_pictures_of_an_npz_are_called_by_its_indices(
    tested: tuple[np.ndarray, list[str]], call: Call, tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", images=tested[0][:3])
    _, found, _ = call(str(tmp_path / "x.npz"), "--json", "--explain", str(tmp_path / "maps"))
    names = [Path(row["explanation"]).name for row in found["predictions"]]
    assert names == ["x-0.png", "x-1.png", "x-2.png"]


def test_what_is_not_there_is_bad_usage(finished: str, call: Call, tmp_path: Path) -> None:
    code, _, err = call(str(tmp_path / "nowhere.png"))
    assert code == 2 and "No such file or folder" in err
    assert call(str(tmp_path), "--model", "nobody")[0] == 2


@pytest.mark.slow
def test_memory_stays_constant_over_thousands_of_images(
    finished: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Peak memory of labelling 4,000 large photos against 400 of them."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    for many in (400, 4000):
        folder = tmp_path / str(many)
        folder.mkdir()
        Image.fromarray(noise).save(tmp_path / "one.jpg")
        for number in range(many):
            (folder / f"{number:04}.jpg").hardlink_to(tmp_path / "one.jpg")
    peaks = [graft_and_its_peak("predict", str(tmp_path / str(many)), "--csv", "/dev/null")[1] for many in (400, 4000)]
    with capsys.disabled():
        few, many = (f"{peak / 1e6:.0f} MB" for peak in peaks)
        print(f"\npeak memory of graft predict: {few} with 400 photos, {many} with 4,000")
    assert peaks[1] < peaks[0] + 60e6  # bytes; all pixels of 3,600 such photos are 5 GB
