"""A run on folders and tables of pictures: decoded once, keyed by content, refused where it is not what one thinks."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts import array_codecs
from artifacts.errors import DataError, RecipeError
from artifacts.past import PastRun
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.verify import verify
from flows import arguments, recipe_files
from flows.cli import _guarded
from tasks import decode as decoding_step
from tasks import finding
from tasks.load_data import load_data
from tasks.pictures import remembered
from tasks.pure.data.decoding import NoMemory
from tasks.pure.errors import BadData
from tests.flows.conftest import Run
from tests.flows.processes import ROOT, environment
from tests.flows.test_same_pictures import as_exported
from tests.flows.tiny import digests, ran
from tests.tasks.pictures.folders import fill, put

RECIPE = """\
source: {{dataset: digits, labels: 60}}
target: {{dataset: {dataset}, path: {path}{more}}}
pretrain: {{architecture: cnn, widths: [3], epochs: 1, batch_size: 30}}
train_head: {{epochs: 1}}
fine_tune: {{epochs: 1}}
evaluate: {{bootstrap: 100}}
figures: {{mistakes: 2}}
"""


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return fill(tmp_path / "photos")


@pytest.fixture
def recipe(tmp_path: Path, photos: Path, quick: None) -> str:
    """Three classes of 8 × 8 pictures, six in each part; trainings are stand-ins."""
    return write(tmp_path)


def write(folder: Path, more: str = "", dataset: str = "folder", path: str = "photos") -> str:
    file = folder / "photos.yaml"
    file.write_text(RECIPE.format(dataset=dataset, path=path, more=more))
    return str(file)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded. Files count as settled at once."""
    done: list[str] = []
    before = decoding_step._decode_one

    def note(file: Any, *arguments: Any) -> None:
        done.append(Path(file.path).name)
        before(file, *arguments)

    monkeypatch.setattr(decoding_step, "_decode_one", note)
    monkeypatch.setattr(remembered, "SETTLED_SECONDS", -1.0)
    return done


def target(recipe: str, overrides: dict[str, Any] | None = None) -> tuple[dict[str, Any], Path]:
    """Facts and folder of the target's data set, as its step makes it; nothing else is run."""
    wanted, store = recipe_files.load(recipe, overrides or {}).recipe, Store()
    files = finding.files(wanted.target.dataset, wanted.target.path, store, "load_data.target", download=False)
    ref = load_data.fn("target", arguments.selection(wanted, "target"), files)["dataset"]
    return dict(store.facts(ref) or {}), store.folder(ref)


def test_a_folder_becomes_a_task_decoded_as_the_base_wants(recipe: str) -> None:
    facts, folder = target(recipe)
    assert facts["class_names"] == ["blue", "green", "red"]
    assert facts["counts"] == {"train": 18, "validation": 0, "gate": 0, "test": 18}
    assert facts["image_shape"] == [8, 8, 1]  # the digits' size and colours
    assert facts["pictures"]["modes"] == {"RGB": 36}
    images, labels = array_codecs.read_part(folder, "train")
    red = images[labels == 2].astype(float).mean()
    assert abs(red - (0.299 * 225 + 0.587 * 55 + 0.114 * 55)) < 3  # Rec. 601 luma of the reds


def test_a_second_run_decodes_and_computes_nothing(run: Run, recipe: str, decodings: list[str]) -> None:
    first = run(recipe)
    assert len(decodings) == 36
    decodings.clear()
    assert ran(run(recipe)) == []
    assert decodings == []
    assert digests(run(recipe)) == digests(first)


def test_touching_and_moving_files_retrains_nothing(run: Run, recipe: str, photos: Path, decodings: list[str]) -> None:
    run(recipe)
    decodings.clear()
    os.utime(photos / "train" / "red" / "0.png", (1, 1))
    (photos / "train" / "red" / "1.png").rename(photos / "train" / "red" / "another name.png")
    (photos / "train" / "red" / "litter.txt").write_text("x")
    assert (ran(run(recipe)), decodings) == ([], [])


def test_one_more_picture_decodes_one(run: Run, recipe: str, photos: Path, decodings: list[str]) -> None:
    first = run(recipe)
    decodings.clear()
    put(photos / "train" / "red" / "new.png", 99)
    second = run(recipe)
    assert decodings == ["new.png"]
    assert second["by_step"]["load_data.target"]["reason"] == "pictures came, went or changed"
    assert "pretrain" not in ran(second) and "train_head" in ran(second)
    (photos / "train" / "red" / "new.png").unlink()
    assert digests(run(recipe)) == digests(first)
    assert decodings == ["new.png"]


def test_copied_rows_are_those_that_decoding_gives(
    recipe: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target(recipe)
    put(photos / "train" / "red" / "new.png", 99)
    added = target(recipe)[1].name
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "another"))
    assert target(recipe)[1].name == added


def test_other_labels_of_the_same_pictures_decode_nothing(recipe: str, decodings: list[str]) -> None:
    target(recipe)
    decodings.clear()
    target(recipe, {"target.labels": 9, "seed": 4})
    assert decodings == []


def test_verify_and_gc_know_decoded_pictures(run: Run, recipe: str, store: Store, decodings: list[str]) -> None:
    from artifacts.collecting import collect

    run(recipe)
    assert verify(store).problems == []
    collect(store, keep=1)
    decodings.clear()
    target(recipe, {"target.labels": 9})
    assert decodings == []
    (images,) = (store.artifacts / "pictures").glob("*/images.npy")
    content = bytearray(images.read_bytes())
    content[-1] ^= 1
    images.chmod(0o644)
    images.write_bytes(content)
    assert [problem for problem in verify(store).problems if "pictures" in str(problem)]


def test_a_damaged_picture_is_refused_by_name_and_the_others_are_kept(
    recipe: str, photos: Path, decodings: list[str]
) -> None:
    (photos / "train" / "red" / "bad.jpg").write_bytes(b"no picture")
    content = (photos / "train" / "red" / "0.png").read_bytes()
    (photos / "test" / "blue" / "cut.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadData, match=r"2 of 38 pictures cannot be decoded\.(.|\n)*bad\.jpg(.|\n)*cut\.png"):
        target(recipe)
    assert len(decodings) == 37  # `bad.jpg` has not even a header
    decodings.clear()
    (photos / "train" / "red" / "bad.jpg").unlink()
    (photos / "test" / "blue" / "cut.png").unlink()
    target(recipe)
    assert decodings == []


def test_damaged_pictures_can_be_skipped_and_are_counted(recipe: str, photos: Path) -> None:
    (photos / "train" / "red" / "bad.jpg").write_bytes(b"no picture")
    facts, _ = target(recipe, {"target.on_damaged": "skip"})
    assert (facts["pictures"]["count"], facts["pictures"]["damaged"]) == (37, 1)
    assert facts["counts"]["train"] == 18


def test_a_file_replaced_while_it_is_read_fails_the_step(
    recipe: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = decoding_step.content_of

    def replaced(path: str) -> Any:
        content, sha256 = before(path)
        return (content + b"more", "0" * 64) if path.endswith("train/red/0.png") else (content, sha256)

    monkeypatch.setattr(decoding_step, "content_of", replaced)
    with pytest.raises(DataError, match=r"0\.png was replaced while the pictures were read\. Run again"):
        target(recipe)


def test_a_file_that_comes_while_pictures_are_decoded_fails_the_step(
    recipe: str, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = decoding_step.content_of

    def late(path: str) -> Any:
        put(photos / "train" / "red" / "late.png", 1234)
        return before(path)

    monkeypatch.setattr(decoding_step, "content_of", late)
    with pytest.raises(DataError, match="The files of `target` changed while they were read"):
        target(recipe)


def test_a_fraction_for_testing_and_a_gate(tmp_path: Path, quick: None) -> None:
    fill(tmp_path / "photos", [""], 40)
    facts, _ = target(write(tmp_path, ", test: 0.3, gate: 0.2, validation: 0.25"))
    assert sum(facts["counts"].values()) == 120
    assert all(facts["counts"].values())


def test_a_validation_folder_is_the_validation_part(tmp_path: Path, quick: None) -> None:
    fill(tmp_path / "photos", ("train", "val", "test"), 3)
    facts, _ = target(write(tmp_path))
    assert facts["counts"] == {"train": 9, "validation": 9, "gate": 0, "test": 9}


def test_a_table_gives_what_a_folder_gives(recipe: str, photos: Path, tmp_path: Path) -> None:
    by_folder = target(recipe)[1].name
    rows = [
        f"{file.relative_to(photos)},{file.parent.name},{file.parent.parent.name}" for file in photos.rglob("*.png")
    ]
    (photos / "labels.csv").write_text("\n".join(["file,label,split", *rows]) + "\n")
    assert target(write(tmp_path, dataset="list", path="photos/labels.csv"))[1].name == by_folder


def test_groups_of_a_table_lie_in_one_part(photos: Path, tmp_path: Path, quick: None) -> None:
    files = sorted(photos.rglob("*.png"))
    rows = [f"{file.relative_to(photos)},{file.parent.name},{place // 3}" for place, file in enumerate(files)]
    (photos / "labels.csv").write_text("\n".join(["file,label,group", *rows]) + "\n")
    facts, folder = target(write(tmp_path, ", test: 0.4, image_size: 8", "list", "photos/labels.csv"))
    assert facts["counts"]["train"] % 3 == facts["counts"]["test"] % 3 == 0


def test_the_page_and_the_lineage_name_the_folder(run: Run, recipe: str) -> None:
    page = Path(run(recipe)["report"]).with_suffix(".md").read_text()
    assert "photos (" in page.split("## Made from")[1]


def test_a_size_is_asked_for_where_pictures_differ_and_nothing_says_it(
    photos: Path, tmp_path: Path, quick: None
) -> None:
    put(photos / "train" / "red" / "large.png", 7, size=(20, 10))
    file = write(tmp_path)
    with pytest.raises(BadData, match="found 2 sizes"):
        target(file, {"source.dataset": "folder", "source.path": str(photos), "source.labels": "all"})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (", image_size: [8]", "image_size"),
        (", image_size: 0", "image_size"),
        (", test: 1", "expected a number > 0 and < 1"),
        (", fit: squeeze", "did you mean"),
        (", background: whitte", "Expected a colour"),
        (", value_range: [1, 0]", "a lower and a higher value"),
        (", on_damaged: ignore", "one of `refuse`, `skip`"),
        (", task: {classes: [red, red]}", "there twice"),
    ],
)
def test_wrong_keys_are_refused_before_anything_is_read(tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        recipe_files.load(write(tmp_path, more))


@pytest.mark.parametrize("key", ["image_size: 8", "test: 0.2", "colour: grey", "on_damaged: skip", "fit: crop"])
def test_keys_of_pictures_are_refused_where_there_are_none(tmp_path: Path, key: str) -> None:
    text = Path(write(tmp_path)).read_text().replace("{dataset: digits, labels: 60}", f"{{dataset: digits, {key}}}")
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(RecipeError, match=f"`source.{key.split(':')[0]}`: only the data sets `folder` and `list`"):
        recipe_files.load(str(tmp_path / "wrong.yaml"))


@pytest.mark.parametrize("classes", ["[1, 2]", "[0, 1]"])
def test_numbered_folders_are_chosen_by_name(tmp_path: Path, quick: None, classes: str) -> None:
    fill(tmp_path / "photos", count=2, names=[str(number) for number in range(1, 11)])
    with pytest.raises(BadData, match="it could be a name"):
        target(write(tmp_path, f", task: {{classes: {classes}}}"))
    facts, _ = target(write(tmp_path, ', task: {classes: ["10", "2"]}'))
    assert facts["class_names"] == ["10", "2"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_class_of_no_or_one_picture(photos: Path, recipe: str, count: int) -> None:
    shutil.rmtree(photos / "train" / "red")
    (photos / "train" / "red").mkdir()
    if count:
        put(photos / "train" / "red" / "only.png", 50)
        assert target(recipe)[0]["counts"]["train"] == 13
    else:
        with pytest.raises(BadData, match="none of `red`"):
            target(recipe)


NASTY = ["a b.png", "'quoted'.png", 'double"quote.png', "new\nline.png", "猫.png", "-rf.png", "#1.png", "%s{0}.png"]


def test_names_of_files_may_be_anything(photos: Path, recipe: str) -> None:
    for number, name in enumerate(NASTY):
        put(photos / "train" / "red" / name, 200 + number)
    (photos / "train" / "blue" / os.fsdecode(b"caf\xe9.png")).write_bytes(
        (photos / "train" / "blue" / "0.png").read_bytes() + b" "
    )
    assert target(recipe)[0]["counts"]["train"] == 18 + len(NASTY) + 1


def test_a_targa_picture_is_known_by_its_name_alone(photos: Path, recipe: str) -> None:
    with Image.open(photos / "train" / "red" / "0.png") as image:
        image.save(photos / "train" / "red" / "0.tga")
    facts, _ = target(recipe)
    assert (facts["counts"]["train"], facts["pictures"]["formats"]) == (19, {"PNG": 36, "TGA": 1})


def test_names_that_are_no_text_can_be_told(photos: Path, recipe: str, store: Store) -> None:
    (photos / "train" / "red" / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"no picture")
    facts, _ = target(recipe, {"target.on_damaged": "skip"})
    assert facts["pictures"]["damaged"] == 1
    with pytest.raises(BadData, match=r"caf\\xe9\.jpg: expected an image"):
        target(recipe)


def test_memory_that_is_short_says_nothing_of_a_picture(recipe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: Any) -> Any:
        raise NoMemory("<file>: not enough memory to decode it.")

    monkeypatch.setattr(decoding_step, "decode", short)
    with pytest.raises(DataError, match=r"\.png: not enough memory"):
        target(recipe, {"target.on_damaged": "skip"})
    monkeypatch.undo()


def test_links_in_circles_end(photos: Path, recipe: str) -> None:
    (photos / "train" / "red" / "up").symlink_to(photos / "train" / "red")
    assert target(recipe)[0]["counts"]["train"] == 18


def test_a_class_name_that_cannot_be_printed_is_refused(photos: Path, recipe: str) -> None:
    put(photos / "train" / "a\x07bell" / "1.png", 1)
    with pytest.raises(BadData, match="class names that are distinct and can be printed"):
        target(recipe)


def test_the_command_plans_a_folder_and_says_what_is_wrong_in_one_paragraph(photos: Path, tmp_path: Path) -> None:
    def graft(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "flows.cli", *arguments]
        env = environment(GRAFT_STORE=str(tmp_path / "store"), PYTHONPATH=str(ROOT))
        return subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    write(tmp_path)
    planned = graft("plan", "photos.yaml", "--json")
    assert planned.returncode == 0, planned.stderr
    assert json.loads(planned.stdout)["steps"][1]["reason"] == "never ran"
    put(photos / "bus" / "1.png", 1)
    refused = graft("plan", "photos.yaml")
    assert refused.returncode == 1
    assert "are they parts or classes?" in refused.stderr and "Traceback" not in refused.stderr


Writer = Callable[[Path], None]


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_what_trains_is_what_pillow_makes_of_the_file(tmp_path: Path, quick: None, fit: str) -> None:
    """Held to Pillow itself: antialiased, by the recipe's `fit`."""
    fill(tmp_path / "photos", count=1, names=["a", "b"])
    for part in ("train", "test"):
        for name in "ab":
            put(tmp_path / "photos" / part / name / "0.png", ord(name) + len(part), size=(40, 20))
    facts, folder = target(write(tmp_path, f", image_size: [10, 10], fit: {fit}, colour: rgb"))
    images, labels = array_codecs.read_part(folder, "train")
    with Image.open(tmp_path / "photos" / "train" / "a" / "0.png") as image:
        rgb = image.convert("RGB")
        box = (0, 10, 20, 30) if fit == "crop" else None
        wanted = np.asarray(rgb.resize((5, 10) if fit == "pad" else (10, 10), Image.Resampling.BILINEAR, box))
    got = np.asarray(images[labels == 0][0])
    if fit == "pad":
        assert (got[:, [0, 1, 8, 9]] == 255).all()
        start = next(column for column in range(10) if (got[:, column] != 255).any())
        got = got[:, start : start + 5]
    np.testing.assert_array_equal(got, wanted)
    assert facts["decoding"]["fit"] == fit


def test_the_same_picture_in_two_parts_is_named_by_its_files(run: Run, photos: Path, recipe: str, store: Store) -> None:
    shutil.copy(photos / "train" / "red" / "3.png", photos / "test" / "red" / "copy.png")
    result = run(recipe)
    page = Path(result["report"]).with_suffix(".md").read_text()
    assert "`test/red/copy.png` is `train/red/3.png`" in page
    with pytest.raises(BadData, match="`test/red/copy.png` is `train/red/3.png`"):
        run(recipe, {"target.duplicates": "refuse"})
    facts, _ = target(recipe, {"target.duplicates": "drop"})
    assert (facts["counts"]["train"], facts["counts"]["test"]) == (17, 19)
    assert verify(store).problems == []


def test_training_predict_and_export_see_one_picture(
    run: Run, tmp_path: Path, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was evaluated, what `graft predict` says and what the exported script says of the same files: equal bits."""
    fill(tmp_path / "photos", names=["a", "b"], count=3)
    for part in ("train", "test"):
        put(tmp_path / "photos" / part / "a" / "large.png", len(part), "blue", size=(31, 50))
    result = run(write(tmp_path, ", image_size: [10, 12], fit: pad, background: '#204060', colour: rgb"))
    past = PastRun(store, Runs(store).get(result["run"]))
    hashes = array_codecs.read_files(past.folder("load_data.target", "dataset"))["test"]
    evaluated = dict(zip((each.tobytes().hex() for each in hashes), past.predictions()["p(b)"], strict=True))
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    assert _guarded(["predict", "photos/test", "--json"]) == 0
    predicted = json.loads(capsys.readouterr().out)["predictions"]
    assert _guarded(["export", "last", "out"]) == 0
    code, exported, _ = as_exported(tmp_path, "photos/test")
    assert code == 0
    told = {each["image"]: _of_b(each) for each in predicted}
    assert told == {each["image"]: _of_b(each) for each in exported["predictions"]}
    assert len(told) == 7
    for name, share in told.items():
        sha256 = hashlib.sha256(Path(name).read_bytes()).hexdigest()
        assert share == pytest.approx(float(evaluated[sha256]), abs=0)


def _of_b(row: dict[str, Any]) -> float:
    return float(row["probability"] if row["label"] == "b" else row["runner_up_probability"])
