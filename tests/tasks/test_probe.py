"""Bases are asked the same questions before any training: a row for each base and cut, beside raw pixels."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from artifacts import array_codecs
from artifacts.collecting import holdings
from artifacts.refs import DatasetRef
from artifacts.store import Store
from tasks import probe as probing_task
from tasks.probe import Candidate, outlined, probe
from tasks.pure import probe_network
from tasks.pure.errors import BadData
from tasks.pure.probe_plot import probe_dots
from tasks.pure.probe_table import conclusion, headers, probe_rows
from tests.tasks.pure.conftest import fresh_keras, tensorflow  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("fresh_keras")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("GRAFT_STORE", str(tmp_path / "store"))
    return Store()


def digits(store: Store, labels_a_class: int = 20, validation: int = 0) -> DatasetRef:
    """Handwritten 3, 5, 8 of 8 × 8 pixels."""
    found = load_digits()
    images, labels = (found.images * 15).astype(np.uint8)[..., np.newaxis], found.target
    names, parts = (3, 5, 8), {part: [] for part in array_codecs.DATASET_PARTS}
    for place, name in enumerate(names):
        rows = np.flatnonzero(labels == name)
        ends = np.cumsum([labels_a_class, validation, 0, 20])
        for part, begin, end in zip(array_codecs.DATASET_PARTS, [0, *ends[:-1]], ends, strict=True):
            parts[part].append((images[rows[begin:end]], np.full(end - begin, place)))
    whole = {part: tuple(map(np.concatenate, zip(*found, strict=True))) for part, found in parts.items()}
    ref = store.put(array_codecs.encode_dataset(whole, [str(name) for name in names])).ref
    return DatasetRef(ref.digest) if not isinstance(ref, DatasetRef) else ref


def network(scale: float = 1 / 255, size: tuple[int, int, int] = (8, 8, 1)) -> keras.Model:
    """Random convolutions with a cut below the top; with a scale of 0 it sees nothing."""
    image = keras.Input(size, name="image")
    x = keras.layers.Rescaling(scale, name="scale")(image)
    for number, width in enumerate((8, 12), 1):
        draw = keras.initializers.GlorotUniform(seed=number)
        x = keras.layers.Conv2D(width, 3, name=f"conv_{number}", kernel_initializer=draw)(x)
        x = keras.layers.ReLU(name=f"conv_{number}_relu")(x)
    return keras.Model(image, x, name="base")


Made = Callable[[], keras.Model]


def candidate(name: str, target: DatasetRef, made: Made = network, **others: Any) -> Candidate:
    return Candidate(name, made, target, **others)


def probed(store: Store, *candidates: Candidate) -> dict[str, Any]:
    return probe(candidates, 0, 0.95, store)


def counted(made: Made = network) -> tuple[Made, list[int]]:
    """`made`, and a list that grows with each call."""
    calls: list[int] = []

    def call() -> keras.Model:
        calls.append(1)
        return made()

    return call, calls


def column(found: dict[str, Any], name: str) -> Sequence[Any]:
    return [each[name] for each in found["probes"]]


def test_a_base_that_sees_nothing_is_at_chance_and_below_raw_pixels(store: Store) -> None:
    target = digits(store)
    found = probed(store, candidate("blind", target, lambda: network(0.0)), candidate("random", target))
    blind, random = found["probes"]
    assert blind["accuracy"] < 0.5 < random["accuracy"]
    assert blind["logme"] < random["logme"]
    assert blind["lead"]["high"] < 0
    assert found["raw_pixels"]["accuracy"] > 0.8
    assert found["constant"] == {"class": "3", "accuracy": pytest.approx(1 / 3), "low": pytest.approx(0.227, abs=1e-3),
                                 "high": pytest.approx(0.459, abs=1e-3)}  # fmt: skip
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_each_cut_is_probed_on_its_own_activations_averaged_over_their_places(store: Store) -> None:
    found = probed(store, candidate("random", digits(store), cuts=("conv_1", "conv_2", None), origin={"kind": "a"}))
    assert column(found, "cut") == ["conv_1", "conv_2", None]
    assert column(found, "features") == [8, 12, 12]
    below, top, whole = found["probes"]
    assert below["accuracy"] != top["accuracy"] == whole["accuracy"]
    assert column(found, "reused") == [False, False, False]


def test_what_a_cut_gives_is_what_a_network_that_is_cut_there_gives(store: Store) -> None:
    """The activation behind a convolution belongs to its layer."""
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1), np.uint8)
    whole = probe_network.headless(network(), images, 0)
    part = probe_network.up_to(whole, "conv_1")
    assert part(images).numpy().min() == 0.0


def test_pictures_are_adapted_to_the_base_and_its_head_is_left_out(store: Store) -> None:
    def coloured() -> keras.Model:
        base = network(size=(12, 10, 3))
        x = keras.layers.GlobalAveragePooling2D(name="global_average")(base.output)
        return keras.Model(base.input, keras.layers.Dense(3, activation="softmax", name="head")(x), name="base")

    found = probed(store, candidate("coloured", digits(store), coloured))["probes"][0]
    assert (found["height"], found["width"], found["features"]) == (12, 10, 12)


def test_probing_again_computes_no_activation_and_gives_the_same_figures(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = digits(store)
    first = probed(store, candidate("random", target))
    monkeypatch.delattr(probing_task.frozen, "Activations")
    again = probed(store, candidate("random", target))
    assert column(again, "reused") == [True]
    assert column(again, "accuracy") == column(first, "accuracy") and column(again, "logme") == column(first, "logme")


def test_a_base_of_a_known_origin_is_not_even_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    target, (made, calls) = digits(store), counted()
    first = probed(store, candidate("random", target, made, cuts=("conv_1", None), origin={"kind": "a"}))
    assert len(calls) == 1
    monkeypatch.delattr(probing_task.probing, "linear_probe")
    again = probed(store, candidate("random", target, made, cuts=(None, "conv_1"), origin={"kind": "a"}))
    assert len(calls) == 1
    assert column(again, "accuracy") == column(first, "accuracy")[::-1]
    assert column(again, "lead") == column(first, "lead")[::-1] and column(again, "reused") == [True, True]


def test_another_origin_other_data_and_damage_are_asked_anew(store: Store) -> None:
    made, calls = counted()
    target = digits(store)
    for origin, data in [("a", target), ("b", target), ("a", digits(store, 19)), ("a", target)]:
        probed(store, candidate("random", data, made, origin={"kind": origin}))
    assert len(calls) == 3
    for record in (store.root / "cache" / "probe").glob("*.json"):
        record.write_text("{}")
    probed(store, candidate("random", target, made, origin={"kind": "a"}))
    assert len(calls) == 4


def test_layers_are_looked_for_once(store: Store) -> None:
    made, calls = counted()
    for _ in range(2):
        layers = outlined(candidate("random", digits(store), made, origin={"kind": "a"}), store)
        assert [each["name"] for each in layers][-4::2] == ["conv_1", "conv_2"]
    assert len(calls) == 1


def test_one_label_a_class_is_asked_on_the_validation_part_or_said_to_be_unknown(store: Store) -> None:
    alone = probed(store, candidate("random", digits(store, labels_a_class=1)))
    assert column(alone, "accuracy") == [None] and column(alone, "lead") == [None]
    assert "one label only" in alone["probes"][0]["how"]
    assert "LogME alone" in conclusion(alone)
    held_out = probed(store, candidate("random", digits(store, labels_a_class=1, validation=15)))
    assert held_out["probes"][0]["accuracy"] > 0.3 and "45 rows" in held_out["probes"][0]["how"]
    assert held_out["probes"][0]["lead"]["num_test"] == 45


def test_the_test_part_is_not_looked_at(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    read, parts = array_codecs.read_part, []
    monkeypatch.setattr(array_codecs, "read_part", lambda folder, part: parts.append(part) or read(folder, part))
    probed(store, candidate("random", digits(store)))
    assert set(parts) == {"train", "validation"}


def test_features_that_are_not_finite_are_refused_in_words(store: Store) -> None:
    def broken() -> keras.Model:
        model = network()
        model.set_weights([np.full_like(weight, 3e38) for weight in model.get_weights()])
        return model

    with pytest.raises(BadData, match="finite"):
        probed(store, candidate("broken", digits(store), broken))


def test_other_pictures_than_those_of_raw_pixels_have_no_lead_over_them(store: Store) -> None:
    found = probed(store, candidate("few", digits(store, 10)), candidate("more", digits(store, 20)))
    leads = column(found, "lead")
    assert [lead is None for lead in leads] == [found["num_rows"] == 60, found["num_rows"] == 30]


def test_the_table_puts_the_best_first_and_ends_with_the_controls(store: Store) -> None:
    target = digits(store)
    found = probed(store, candidate("blind", target, lambda: network(0.0)), candidate("random", target))
    rows = probe_rows(found)
    assert [row[0] for row in rows] == ["random", "blind", "raw pixels", "always “3”"]
    assert all(len(row) == len(headers(found)) for row in rows)
    assert "pixels" not in headers(found)


def test_sizes_stand_in_the_table_where_bases_see_pictures_of_different_ones(store: Store) -> None:
    target = digits(store)
    found = probed(store, candidate("small", target), candidate("large", target, lambda: network(size=(16, 16, 1))))
    assert headers(found)[1] == "pixels"
    assert {row[0]: row[1] for row in probe_rows(found)} == {
        "small": "8 × 8", "large": "16 × 16", "raw pixels": "8 × 8", "always “3”": ""
    }  # fmt: skip


def test_the_conclusion_says_where_raw_pixels_do_as_well() -> None:
    def best(low: float, equals: int = 0) -> str:
        led = {"difference": 0.05, "low": low, "high": 0.1}
        each = {"base": "Lite0", "cut": None, "accuracy": 0.9, "low": 0.8, "high": 0.95, "logme": 1.0, "lead": led}
        return conclusion({"probes": [each] * (1 + equals)}).replace("\u00a0", " ")

    assert best(0.01) == "`Lite0` does best: 90.0 %, lead +5.0 (+1.0 to +10.0) points over raw pixels."
    assert best(0.0).startswith("No base does measurably better than logistic regression on raw pixels")
    assert best(0.01, equals=2).endswith("over raw pixels. 2 more answer as well; LogME puts it first.")


def test_the_picture_is_the_same_for_the_same_figures(store: Store) -> None:
    found = probed(store, candidate("random", digits(store), cuts=("conv_1", None)))
    assert probe_dots(found) == probe_dots(found)
    assert probe_dots(found).startswith(b"\x89PNG")
    nothing = probe_dots({**found, "probes": [{**found["probes"][0], "accuracy": None}]})
    assert nothing != probe_dots(found)


def test_the_activations_are_kept_as_features(store: Store) -> None:
    probed(store, candidate("random", digits(store)))
    assert holdings(store)["features"].count == 1
