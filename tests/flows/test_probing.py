"""`graft probe`: bases in words, a table, JSON; the data is read as for a run, and nothing is trained."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from artifacts.errors import UsageError
from artifacts.runs import Runs
from artifacts.store import Store
from flows import probing
from flows.probe_commands import probe_bases


def test_a_base_is_named_in_one_word() -> None:
    assert probing.section("recipe") is None
    assert probing.section("MobileNetV2") == {"application": "MobileNetV2"}
    assert probing.section("MobileNetV2:none") == {"application": "MobileNetV2", "weights": "none"}
    assert probing.section("efficientnet-lite0") == {"package": "efficientnet-lite0"}
    assert probing.section("run:12") == {"run": "12"}
    assert probing.section("kerashub:resnet_18") == {"kerashub": "resnet_18"}
    assert probing.section("mine.keras") == {"file": str(Path("mine.keras").absolute())}
    with pytest.raises(UsageError, match="behind the colon"):
        probing.section("run:")


def test_words_stand_between_commas_and_each_counts_once() -> None:
    assert probing.listed(" A, B ,,A") == ["A", "B"] and probing.listed(None) == []
    assert probing.candidates(["A"], []) == [("A", (None,))]
    assert probing.candidates(["A", "B"], ["conv_1", "top"]) == [("A", ("conv_1", None)), ("B", ("conv_1", None))]
    with pytest.raises(UsageError, match="--bases"):
        probing.candidates([], [])


def take_in(word: str, _loaded: Any, shape: tuple[int, int, int]) -> Any:
    """Stands in for taking a base in: a small convolution, or one that sees nothing."""
    import keras

    image = keras.Input(shape, name="image")
    x = keras.layers.Rescaling(0.0 if word == "Blind" else 1 / 255, name="scale")(image)
    draw = keras.initializers.GlorotUniform(seed=1)
    return keras.Model(image, keras.layers.Conv2D(6, 5, name="conv_1", kernel_initializer=draw)(x), name="base")


def test_probing_tells_bases_apart_and_trains_nothing(
    finished: str, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = len(Runs(store).all())
    assert probe_bases(finished, "Blind,Random", "conv_1", [], True, take_in) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["base"] for each in told["probes"]] == ["Random", "Blind"]
    assert told["probes"][0]["cut"] == "conv_1" and told["num_rows"] == 32
    assert Path(told["picture"]).read_bytes().startswith(b"\x89PNG")
    assert len(Runs(store).all()) == runs

    assert probe_bases(finished, "Blind,Random", "conv_1", [], False, take_in) == 0
    shown = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert all(words in shown for words in ("Random · conv_1", "raw pixels", "always “", "LogME", "Picture: "))
