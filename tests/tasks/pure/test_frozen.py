"""Training on stored activations of the frozen part: the same network as training the whole of it on images."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure import frozen
from tasks.pure.contracts import check_unmoved, frozen_state
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.fitting import fit
from tasks.pure.frozen import activations, frozen_part, images_at_once
from tasks.pure.inference import BATCH_SIZE, LEAST_IMAGES
from tasks.pure.layer_choice import Trainable
from tasks.pure.stages import train_under_contract
from tasks.pure.surgery import set_trainable
from tasks.pure.training import Part, Training, Watch
from tests.tasks.pure.small_networks import HEAD_ONLY, built, examples, grafted, moved, network, none_of, weights
from tests.tasks.pure.test_epochs import float64  # noqa: F401 - a fixture

if TYPE_CHECKING:
    import keras

CNN = network("cnn", (5, 4), batch_norm=True, l2=0.01)
DENSE = network("dense", (6, 5), batch_norm=True)
TOP = Trainable(("conv_2", "head"), ())
TOP_OF_DENSE = Trainable(("dense_2", "head"), ())
HOW = Training(3, 8, 0.01, None, False)

pytestmark = pytest.mark.usefixtures("fresh_keras")
cases = pytest.mark.parametrize(
    "like, trainable, cut",
    [
        (CNN, HEAD_ONLY, "global_average"),
        (CNN, TOP, "conv_1_pool"),
        (DENSE, HEAD_ONLY, "dense_2_relu"),
        (DENSE, TOP_OF_DENSE, "dense_1_relu"),
    ],
    ids=["head of a cnn", "top of a cnn", "head of a dense", "top of a dense"],
)


def twins(like: Any, trainable: Trainable) -> "tuple[keras.Model, keras.Model]":
    models = []
    for _ in range(2):
        model = grafted(built(like))
        set_trainable(model, trainable)
        models.append(model)
    return models[0], models[1]


def on_activations(model: "keras.Model", cut: str, part: Part) -> Part:
    return activations(frozen_part(model, cut), part[0]), part[1]


def both(like: Any, trainable: Trainable, cut: str, jit: bool = False) -> "tuple[keras.Model, keras.Model, Any, Any]":
    """One network trained in-graph, its twin on activations; and both histories."""
    whole, upper = twins(like, trainable)
    part, validation = examples(30, 4), examples(9, 4, seed=5)
    first = fit(whole, part, validation, HOW, 7, path=ExecutionPath(jit))
    stored = on_activations(upper, cut, part), on_activations(upper, cut, validation)
    second = fit(upper, *stored, HOW, 7, path=ExecutionPath(jit, cut))
    return whole, upper, first.history, second.history


@cases
def test_without_xla_it_is_bit_equal(like: Any, trainable: Trainable, cut: str) -> None:
    whole, upper, first, second = both(like, trainable, cut)
    assert weights(whole) == weights(upper)
    assert first["accuracy"].equals(second["accuracy"]) and first["val_accuracy"].equals(second["val_accuracy"])
    np.testing.assert_allclose(first["loss"], second["loss"], rtol=1e-6)


@pytest.mark.parametrize("trainable, cut", [(HEAD_ONLY, "dense_2_relu"), (TOP_OF_DENSE, "dense_1_relu")])
def test_with_xla_it_agrees_to_1e_6(trainable: Trainable, cut: str) -> None:
    whole, upper, _, _ = both(DENSE, trainable, cut, jit=True)
    for mine, theirs in zip(whole.get_weights(), upper.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-6, atol=1e-6)


def test_with_xla_in_float64_it_agrees_to_1e_14(float64: None) -> None:  # noqa: F811
    whole, upper, _, _ = both(DENSE, TOP_OF_DENSE, "dense_1_relu", jit=True)
    for mine, theirs in zip(whole.get_weights(), upper.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-14, atol=1e-14)


@cases
def test_the_contracts_hold_on_the_whole_network(like: Any, trainable: Trainable, cut: str) -> None:
    _, model = twins(like, trainable)
    before, part = weights(model), on_activations(model, cut, examples(30, 4))
    train_under_contract(model, (part, none_of(part)), trainable, HOW, 7, Watch(), ExecutionPath(cut=cut))
    assert {name.removesuffix("_batch_norm") for name in moved(before, model)} == set(trainable.trainable_layers)


def test_a_frozen_layer_that_moves_all_the_same_is_noticed() -> None:
    _, model = twins(CNN, HEAD_ONLY)
    before = frozen_state(model)
    model.get_layer("conv_1").kernel.assign_add(1e-3 * np.ones((3, 3, 1, 5)))
    with pytest.raises(Exception, match="`conv_1`"):
        check_unmoved(before, model)


@pytest.mark.parametrize("count", [0, 2, 37, BATCH_SIZE, BATCH_SIZE + 1, 2 * BATCH_SIZE + 3])
def test_activations_are_those_of_any_batch_size(count: int) -> None:
    model = grafted(built(CNN))
    part = frozen_part(model, "global_average")
    pictures = examples(count, 4)[0]
    found = activations(part, pictures)
    assert found.shape == (count, 4) and found.dtype == np.float32
    for start in range(0, count - 1, 7):
        batch = pictures[start : start + 7]
        if len(batch) > 1:
            np.testing.assert_array_equal(found[start : start + 7], np.asarray(part(batch, training=False)))


@pytest.mark.parametrize("count, pieces", [(2, 1), (4, 1), (5, 2), (9, 3), (BATCH_SIZE + 1, 2 * BATCH_SIZE // 4)])
def test_large_activations_are_made_a_few_images_at_a_time_with_the_same_bits(
    count: int, pieces: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, pictures = frozen_part(grafted(built(CNN)), "global_average"), examples(count, 4)[0]
    whole, made = activations(part, pictures), []
    monkeypatch.setattr(frozen, "images_at_once", lambda _part: 4)
    monkeypatch.setattr(frozen.stopping, "point", lambda: made.append(1))
    assert np.array_equal(activations(part, pictures), whole)
    assert len(made) == pieces


def test_how_many_images_at_once_follows_from_the_largest_map(monkeypatch: pytest.MonkeyPatch) -> None:
    part = frozen_part(grafted(built(CNN)), "global_average")
    largest = max(int(np.prod(layer.output.shape[1:])) for layer in part.layers)
    monkeypatch.setattr(frozen, "VALUES_AT_ONCE", 50 * largest)
    assert images_at_once(part) == 50
    monkeypatch.setattr(frozen, "VALUES_AT_ONCE", largest)
    assert images_at_once(part) == LEAST_IMAGES
