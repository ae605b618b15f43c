"""Bases that are there, through real runs and the real command: a residual network of `keras.applications`, a network
with attention of a user's file, one that Keras 2 saved; and files that are refused before anything is trained."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from artifacts import codecs
from artifacts.store import Store
from flows.cli import _guarded
from tests.flows.processes import ROOT, as_json, graft
from tests.flows.tiny import statuses, tiny_arrays
from tests.tasks.pure.bases.plain_keras import PlainKeras
from tests.tasks.pure.user_networks import attentive

if TYPE_CHECKING:
    import keras

KERAS_2 = Path(__file__).parents[1] / "tasks/pure/bases/files/keras2"
RECIPE = """\
base: {base}
target: {{dataset: npz, path: tiny.npz, task: {{classes: [0, 1]}}, labels: 24}}
train_head: {{epochs: 1, batch_size: 8, learning_rate: 0.01}}
unfreeze: {{layers: 2}}
fine_tune: {{epochs: 1, batch_size: 8, learning_rate: 0.001}}
evaluate: {{bootstrap: 100}}
figures: {{mistakes: 2}}
"""
TRAINED = ("train_head", "fine_tune")
AFTERWARDS = ("clone_with_weights", "freeze", *TRAINED, "evaluate")


def recipe(folder: Path, base: str) -> str:
    np.savez(folder / "tiny.npz", **tiny_arrays())
    (folder / "mine.yaml").write_text(RECIPE.format(base=base))
    return str(folder / "mine.yaml")


def network_of(store: Store, step: str) -> "keras.Model":
    return codecs.read_model(store.run("last").folder(step, "model"))


@pytest.mark.slow  # `make test` has it without Prefect: bases/test_families.py
def test_a_residual_network_runs_and_its_export_answers_the_same_in_plain_keras(
    harness: None, store: Store, tmp_path: Path
) -> None:
    base = "{application: MobileNetV2, weights: none, options: {alpha: 0.35}, input_size: 32}"
    check_run(store, recipe(tmp_path, base), tmp_path, ["global_average", "block_16_depthwise_relu"])


def test_a_network_with_attention_from_a_file_does_too(harness: None, store: Store, tmp_path: Path) -> None:
    attentive().save(tmp_path / "vit.keras")
    base = "{file: vit.keras, scale: symmetric}"
    check_run(store, recipe(tmp_path, base), tmp_path, ["global_average", "tokens"])


def check_run(store: Store, mine: str, folder: Path, cuts: list[str]) -> None:
    """It runs, trains on activations stored at `cuts`, and what it exports is the network that it stored."""
    assert _guarded(["run", mine]) == 0
    past = store.run("last")
    assert [past.execution(step).identity["path"]["cut"] for step in TRAINED] == cuts
    assert _guarded(["export", "last", str(folder / "out")]) == 0
    pictures = np.repeat(tiny_arrays()["x_test"][:8, :, :, None], 1, axis=3)
    with PlainKeras(folder) as plain:
        plain.check_equal(network_of(store, "fine_tune"), pictures, folder / "out")


def test_a_network_that_keras_2_saved_with_adapted_statistics_runs(harness: None, store: Store, tmp_path: Path) -> None:
    assert _guarded(["run", recipe(tmp_path, f"{{file: {KERAS_2 / 'of_two_branches.h5'}}}")]) == 0
    network = network_of(store, "fine_tune")
    norm = codecs.read_model(store.run("last").folder("pretrain", "model")).get_layer("norm")
    assert np.array_equal(network.get_layer("norm").mean, norm.mean), "what was adapted goes along"


def lambda_inside() -> "keras.Model":
    import keras

    of = keras.layers
    return keras.Sequential([keras.Input((8, 8, 1)), of.Conv2D(2, 3), of.Lambda(lambda x: x / 2, name="halve")])


def special_class() -> "keras.Model":
    import keras

    class Mine(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3), Mine(name="special")])


def unbuilt() -> "keras.Model":
    import keras

    return keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Flatten()])


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda_inside, "layer `halve` is a Lambda"),
        (special_class, "layer `special` needs `Mine`, which is none of Keras' own"),
        (unbuilt, "has no input yet"),
    ],
)
def test_a_file_that_is_refused_ends_the_run_with_its_reason_and_nothing_is_trained(
    made: Any, said: str, served: dict[str, str], store: Store, tmp_path: Path
) -> None:
    made().save(tmp_path / "mine.keras")
    done = graft("run", recipe(tmp_path, "{file: mine.keras, scale: unit}"), "--json", cwd=ROOT, **served)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split()) and "Traceback" not in done.stdout + done.stderr
    assert {statuses(as_json(done))[step] for step in AFTERWARDS} == {"skipped"}
