"""Data that is not what one thinks: said, left out or refused before a minute is spent; and `graft data`."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts.array_codecs import read_part
from artifacts.inspection_codecs import read_inspection
from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.verify import verify
from flows import data_recipe, predict_inputs
from flows.cli import _guarded
from flows.dag import STEPS
from flows.data_look import LOOKED
from tasks.pure.data.decoding import Decoding
from tasks.pure.errors import BadData
from tests.flows.conftest import Run
from tests.flows.processes import as_json, graft
from tests.flows.tiny import statuses, tiny_arrays

COPIED = 3  # of the target's 40 test images
NOTHING_TRAINED = set(STEPS[STEPS.index("inspect_data") :])


def rewrite(recipe: str, **changed: Any) -> None:
    """The recipe's file anew, with other arrays in it."""
    np.savez(Path(recipe).with_name("tiny.npz"), **{**tiny_arrays(), **changed})


@pytest.fixture
def leaky(tiny: str) -> str:
    """The recipe with `COPIED` of the target's test images in the training split too."""
    arrays = tiny_arrays()
    tested = np.flatnonzero(arrays["y_test"] == 2)[:COPIED]
    trained = np.flatnonzero(arrays["y_train"] == 2)[:COPIED]
    arrays["x_train"][trained] = arrays["x_test"][tested]
    rewrite(tiny, x_train=arrays["x_train"])
    return tiny


def all_labels(**more: Any) -> dict[str, Any]:
    return {"target.labels": "all", **more}


def refused(run: Run, store: Store, recipe: str, overrides: dict[str, Any] | None = None) -> str:
    """Why the run was refused; nothing was trained."""
    with pytest.raises(BadData) as caught:
        run(recipe, overrides)
    record = Runs(store).last(recipe)
    found = {entry["step"]: entry["status"] for entry in record.steps} if record else {}
    assert {found[step] for step in NOTHING_TRAINED - {"inspect_data"}} == {"skipped"}
    return str(caught.value)


def test_test_images_that_were_trained_on_are_said_first_with_the_accuracy_without_them(
    run: Run, leaky: str, store: Store, quick: None
) -> None:
    result = run(leaky, all_labels())
    past = store.run("last")
    metrics = past.metrics()
    predictions = past.predictions()
    without = metrics["without_duplicates"]
    assert (without["trained_on"], without["num_test"]) == (COPIED, 37)
    found = read_inspection(past.folder("inspect_data", "inspection"))
    assert without["accuracy"] == predictions["right"].drop(index=found["trained_on"]).mean()
    assert result["metrics"]["accuracy_without_duplicates"] == without["accuracy"]
    assert past.record.verdict[0].startswith("3 of 40 test images (7.5\u00a0%) were trained on too. Without them")
    page = Path(result["report"]).read_text()
    assert "The data" in page and "test 0 is train 0" in page
    assert page.count("data:image/png;base64") >= 2


def test_without_a_copy_nothing_is_said_of_any(run: Run, tiny: str, store: Store, quick: None) -> None:
    run(tiny)
    past = store.run("last")
    assert past.metrics()["without_duplicates"] is None
    assert "trained on too" not in " ".join(past.record.verdict)


def test_drop_leaves_the_copies_out_of_what_is_trained_on_and_the_test_as_it_is(
    run: Run, leaky: str, store: Store, quick: None
) -> None:
    result = run(leaky, all_labels(**{"target.duplicates": "drop"}))
    past = store.run("last")
    folder = past.folder("load_data.target", "dataset")
    kept = sum(len(read_part(folder, part)[1]) for part in ("train", "validation"))
    assert (kept, len(read_part(folder, "test")[1])) == (80 - COPIED, 40)
    assert past.execution("load_data.target").facts["dropped"] == {"exact": COPIED, "near": 0}
    assert past.metrics()["without_duplicates"] is None
    assert "left 3 exact and 0 near copies" in Path(result["report"]).with_name("report.md").read_text()


def test_drop_draws_as_many_labels_as_were_asked_for(run: Run, leaky: str, store: Store, quick: None) -> None:
    run(leaky, {"target.duplicates": "drop"})
    folder = store.run("last").folder("load_data.target", "dataset")
    assert [len(read_part(folder, part)[1]) for part in ("train", "validation")] == [32, 8]


def test_refuse_says_how_many_and_which_before_anything_is_trained(run: Run, leaky: str, store: Store) -> None:
    said = refused(run, store, leaky, all_labels(**{"target.duplicates": "refuse"}))
    assert "found 3 (3 exact copies, 0 near ones" in said and "test 0 is train" in said
    found = refused(run, store, leaky, all_labels(**{"target.duplicates": "refuse"}))
    assert found == said  # a hit is no pardon


def test_refuse_lets_data_without_copies_pass(run: Run, tiny: str, quick: None) -> None:
    assert run(tiny, {"target.duplicates": "refuse"})["state"] == "completed"


def test_refuse_sees_what_the_base_is_pretrained_on(run: Run, tiny: str, store: Store) -> None:
    overrides = {"source.task": {"classes": [0, 1]}, "target.task": {"classes": [0, 1]}}
    arrays = tiny_arrays()
    arrays["x_train"][0] = arrays["x_test"][0]
    rewrite(tiny, x_train=arrays["x_train"])
    said = refused(
        run, store, tiny, {**overrides, "target.duplicates": "refuse", "target.labels": 4, "target.validation": 0}
    )
    assert "target test 0 is source train 0" in said


def test_source_and_target_on_different_scales_are_refused_before_training(
    run: Run, tiny: str, store: Store, tmp_path: Path
) -> None:
    arrays = tiny_arrays()
    unit = {name: (arrays[name] / 255).astype(np.float32) for name in ("x_train", "x_test")}
    np.savez(tmp_path / "unit.npz", **{**arrays, **unit})
    both = {"target.path": str(tmp_path / "unit.npz"), "pretrain.scale": "none"}
    said = refused(run, store, tiny, both)
    assert "bytes of 0 to 209 in the source, but floats of 0 to 0.81961 in the target" in said
    assert "times 255" in said


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda images: images % 2, "bytes of 0 and 1 only"),
        (lambda images: (images / 127.5 - 1).astype(np.float32), "the range -1 to 1"),
        (lambda images: (images.astype(np.float32) - 90) / 50, "as standardising leaves them"),
        (lambda images: images.astype(np.float32) * 257, "the range of 16 bits"),
    ],
)
def test_pixels_that_no_network_should_be_fed_are_refused_when_they_are_read(
    run: Run, tiny: str, store: Store, harm: Any, said: str
) -> None:
    arrays = tiny_arrays()
    rewrite(tiny, x_train=harm(arrays["x_train"]), x_test=harm(arrays["x_test"]))
    assert said in refused(run, store, tiny, {"pretrain.scale": "none"})


def test_train_of_0_to_255_and_test_of_0_to_1_are_refused(run: Run, tiny: str, store: Store) -> None:
    arrays = tiny_arrays()
    floats = arrays["x_train"].astype(np.float32), (arrays["x_test"] / 255).astype(np.float32)
    rewrite(tiny, x_train=floats[0], x_test=floats[1])
    assert "found floats of 0 to 209 in `x_train`, but floats of 0 to" in refused(run, store, tiny)


def test_predict_refuses_what_training_refuses(tmp_path: Path) -> None:
    pixels = tiny_arrays()["x_test"][:1, ..., np.newaxis]
    harmed = {
        "bits": pixels % 2, "signed": pixels / 127.5 - 1, "standard": (pixels - 90.0) / 50, "ringing": pixels / 200,
        "deep": pixels.astype(np.uint16) * 257, "deep_floats": pixels * 257.0,
    }  # fmt: skip
    for name, images in harmed.items():
        np.savez(tmp_path / f"{name}.npz", images=images)
        found = list(predict_inputs.images([str(tmp_path / f"{name}.npz")], Decoding(1, (8, 8))))
        assert [type(each) for each in found] == [predict_inputs.Problem], name
        assert "expected pixels of 0–255, found" in found[0].problem
    np.savez(tmp_path / "fine.npz", images=np.concatenate([pixels, pixels // 8, pixels * 0]))
    assert {type(each) for each in predict_inputs.images([str(tmp_path / "fine.npz")], Decoding(1, (8, 8)))} == {
        predict_inputs.Picture
    }


def test_early_stopping_without_a_validation_part_is_refused_once_the_file_was_read(
    run: Run, tiny: str, store: Store
) -> None:
    said = refused(run, store, tiny, {"pretrain.early_stopping": 2})
    assert said.startswith("`pretrain.early_stopping` stops by the validation loss, but the data of `source` has no")
    both = {"fine_tune.early_stopping": 2, "target.validation": 0}
    assert refused(run, store, tiny, both).startswith("`fine_tune.early_stopping`")


def test_a_class_without_test_images_is_trained_and_reported_as_not_tested(
    run: Run, tiny: str, store: Store, quick: None
) -> None:
    arrays = tiny_arrays()
    kept = arrays["y_test"] != 3
    rewrite(tiny, x_test=arrays["x_test"][kept], y_test=arrays["y_test"][kept])
    result = run(tiny)
    assert "1 of 2 classes was not tested: `3`." in store.run("last").record.verdict
    metrics = store.run("last").metrics()
    recalls = [row["recall"] for row in metrics["per_class"]]
    assert recalls[1] is None and metrics["balanced_accuracy"] == recalls[0]
    assert "not tested" in Path(result["report"]).with_name("report.md").read_text()


def test_data_is_looked_at_once_and_a_run_finds_it_looked_at(
    run: Run, leaky: str, store: Store, served: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    done = graft("data", leaky, "--set", "target.labels=all", "--json", **served)
    assert done.returncode == 0, done.stderr
    said = as_json(done)
    assert {part: list(counts) for part, counts in said["parts"].items()} == {
        "train": ["2", "3"], "validation": ["2", "3"], "test": ["2", "3"]
    }  # fmt: skip
    assert sum(said["duplicates"]["exact"][pair] for pair in ("train|test", "validation|test")) == COPIED
    assert said["duplicates"]["near"]["train|test"] == said["skipped"] == 0
    assert len(said["problems"]) == 1 and said["source"]["parts"]["train"] == {"0": 40, "1": 40}
    assert "Is the data what one thinks?" in Path(said["report"]).read_text()
    runs = len(Runs(store).all())
    assert _guarded(["data", leaky, "--set", "target.labels=all", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == said and len(Runs(store).all()) == runs  # nothing had to run
    result = run(leaky, all_labels(), only="pretrain")
    assert {statuses(result)[step] for step in LOOKED} == {"hit"}
    assert verify(store).problems == []


def test_data_that_cannot_be_trained_on_is_shown_all_the_same_with_exit_code_1(
    run: Run, finished: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _guarded(["data", finished, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["refused"] == []
    assert _guarded(["data", finished, "--set", "pretrain.early_stopping=3", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["problems"] == said["refused"] != [] and said["parts"]["test"] == {"2": 20, "3": 20}
    assert _guarded(["data", finished, "--set", "pretrain.early_stopping=3"]) == 1
    assert "✗ `pretrain.early_stopping` stops by the validation loss" in capsys.readouterr().out


def test_an_npz_alone_is_looked_at_without_a_recipe(
    leaky: str, served: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    done = graft("data", str(Path(leaky).with_name("tiny.npz")), "--json", **served)
    said = as_json(done)
    assert done.returncode == 0 and "source" not in said
    assert said["parts"]["test"] == {"0": 20, "1": 20, "2": 20, "3": 20}
    assert said["duplicates"]["exact"] == {"train|test": COPIED, "train|train": 0, "test|test": 0}
    assert _guarded(["data", str(Path(leaky).with_name("tiny.npz"))]) == 0
    assert "test in train" in capsys.readouterr().out


def test_what_was_taken_for_granted_of_a_bare_folder_is_said(tmp_path: Path, store: Store) -> None:
    for name, side in (("cat", 8), ("dog", 9)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.new("L", (side, 8), side).save(tmp_path / "photos" / name / "1.png")
    photos = str(tmp_path / "photos")
    test, size = data_recipe.assumed(data_recipe.loaded(photos, {}))
    assert "20 % were" in test and "needs `test: 0.2`" in test
    assert "fitted into 96 × 96" in size and "needs `image_size`" in size
    assert data_recipe.assumed(data_recipe.loaded(photos, {"target.test": 0.5, "target.image_size": 32})) == []
    for part in ("train", "test"):
        shutil.copytree(tmp_path / "photos" / "cat", tmp_path / "parts" / part / "cat")
    assert data_recipe.assumed(data_recipe.loaded(str(tmp_path / "parts"), {})) == []


def test_data_that_cannot_be_read_is_said_as_json_too(
    tiny: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "tiny.npz").unlink()
    assert _guarded(["data", tiny, "--json"]) != 0
    said = json.loads(capsys.readouterr().out)
    assert said["parts"] == {} and said["duplicates"] == {"exact": {}, "near": {}} and "tiny.npz" in said["problems"][0]


def test_an_altered_inspection_is_found_by_verify(finished: str, store: Store) -> None:
    victim = next((store.artifacts / "inspection").glob("*/inspection.json"))
    victim.write_text(victim.read_text().replace('"conflicts":0', '"conflicts":1'))
    assert any("inspection" in problem["what"] for problem in verify(store).problems)
