"""Weights between the network that came in and the fine-tuned one: which place on the line is taken, and why."""

from typing import Any

import numpy as np
import pytest

from tasks.pure.blending import ALPHAS, between, blend
from tasks.pure.movable import movable, put, values
from tasks.pure.surgery import Trainable, set_trainable
from tests.tasks.pure.small_networks import built, examples, images, moved, network, train, weights

DENSE = network("dense", (6,))
CNN = network("cnn", (3, 4), batch_norm=True)

pytestmark = pytest.mark.usefixtures("fresh_keras")


def tuned(like=DENSE, epochs: int = 6) -> tuple[Any, Any, Any]:
    """A network, what it may move, and what it held before a training."""
    model = built(like)
    variables = movable(model)
    before = values(variables)
    train(model, examples(30), batch_size=10, epochs=epochs)
    return model, variables, before


def test_both_ends_of_the_line_are_the_networks_themselves_to_the_bit():
    model, variables, before = tuned(CNN)
    after = values(variables)
    for alpha, expected in ((0.0, before), (1.0, after)):
        for mine, theirs in zip(between(before, after, alpha), expected, strict=True):
            assert mine.tobytes() == theirs.tobytes()


def test_every_float_lies_between_statistics_included_and_counts_are_the_later_ones():
    old, new = np.float32([0, 4]), np.float32([1, 0])
    middle = between([old, np.int64([3])], [new, np.int64([7])], 0.25)
    np.testing.assert_array_equal(middle[0], np.float32([0.25, 3.0]))
    assert middle[1].tolist() == [7]
    model, variables, _ = tuned(CNN)
    assert {"moving_mean", "moving_variance"} <= {variable.name for variable in variables}


def test_a_training_that_helps_is_kept_whole_and_one_that_harms_is_dropped():
    model, variables, before = tuned(epochs=25)
    good = examples(30, seed=5)
    assert blend(model, variables, before, good).alpha > 0.5
    model, variables, before = tuned(epochs=25)
    wrong = good[0], (good[1] + 1) % 3
    came_in = [array.tobytes() for array in before]
    found = blend(model, variables, before, wrong)
    assert found.alpha < 0.5
    if found.alpha == 0:
        assert [array.tobytes() for array in values(variables)] == came_in


def test_the_place_is_the_most_accurate_then_the_one_of_least_loss_and_the_curve_is_told():
    model, variables, before = tuned(epochs=8)
    found = blend(model, variables, before, examples(30, seed=5))
    assert [tried.alpha for tried in found.curve] == list(ALPHAS)
    best = max(tried.accuracy for tried in found.curve)
    chosen = next(tried for tried in found.curve if tried.alpha == found.alpha)
    assert chosen.accuracy == best
    assert chosen.loss == pytest.approx(min(each.loss for each in found.curve if each.accuracy == best), abs=1e-5)


def test_the_figures_are_those_of_plain_keras_with_the_mixed_weights():
    model, variables, before = tuned()
    after, validation = values(variables), examples(30, seed=5)
    curve = blend(model, variables, before, validation).curve
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    for tried in curve[::5]:
        put(variables, [np.float32(1 - tried.alpha) * old + np.float32(tried.alpha) * new
                        for old, new in zip(before, after, strict=True)])  # fmt: skip
        loss, accuracy = model.evaluate(*validation, verbose=0)
        np.testing.assert_allclose([tried.loss, tried.accuracy], [loss, accuracy], rtol=1e-4)


def test_of_equals_the_one_nearer_to_what_came_in_is_taken():
    model = built(DENSE)
    variables = movable(model)
    assert blend(model, variables, values(variables), examples(9)).alpha == 0.0, "nothing was learnt"


def test_what_is_frozen_keeps_its_bits():
    model = built(CNN)
    set_trainable(model, Trainable(("conv_2", "head"), ()))
    variables, held = movable(model), weights(model)
    before = values(variables)
    train(model, examples(30), batch_size=10)
    blend(model, variables, before, examples(30, seed=5))
    assert moved(held, model) <= {"conv_2", "head"}


def test_on_activations_it_finds_what_it_finds_on_images():
    from tasks.pure.frozen import activations, frozen_part

    def found(cut: str | None) -> Any:
        model = built(DENSE)
        set_trainable(model, Trainable(("head",), ()))
        variables = movable(model)
        before = values(variables)
        train(model, examples(30), batch_size=10)
        pictures, labels = examples(30, seed=5)
        part = frozen_part(model, cut)
        return blend(model, variables, before, (activations(part, pictures) if part else pictures, labels), cut)

    assert found("dense_1") == found(None)


def test_it_is_the_same_every_time():
    pictures = images(20)
    first, second = (blend(*tuned(CNN), (pictures, np.arange(20) % 3)) for _ in range(2))
    assert first == second
