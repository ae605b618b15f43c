"""`fine_tune.layer_decay`: the k-th layer below the head learns at rate · decay^k, with Keras' own optimisers."""

from typing import Any

import numpy as np
import pytest

from tasks.pure import layer_decay
from tasks.pure.surgery import graft
from tests.tasks.pure.small_networks import SHAPE, built, examples, network, scion, train, weights

DENSE = network("dense", (5, 4))
CNN = network("cnn", (3, 4), batch_norm=True)

pytestmark = pytest.mark.usefixtures("fresh_keras")


def grafted(like=DENSE, add_hidden: tuple[int, ...] = ()) -> Any:
    base = built(like)
    return graft(base, scion(base, add_hidden=add_hidden), SHAPE, 3, 0)


def moved_by(model: Any, before: dict[str, list[np.ndarray]]) -> dict[str, list[np.ndarray]]:
    return {name: [new - old for new, old in zip(now, before[name], strict=True)] for name, now in held(model).items()}


def held(model: Any) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def test_layers_are_counted_from_the_head_down_which_is_new_as_are_added_ones():
    found = layer_decay.factors(grafted(CNN, add_hidden=(4,)), 0.5)
    assert [found[name] for name in ("conv_2", "conv_2_batch_norm")] == [0.5, 0.5]
    assert [found[name] for name in ("conv_1", "conv_1_batch_norm")] == [0.25, 0.25]
    assert "head" not in found and "added_1" not in found


@pytest.mark.parametrize("jit", [False, True], ids=["plain", "xla"])
@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_an_update_is_that_of_plain_keras_at_the_layer_s_own_rate(name: str, jit: bool):
    """Each layer is compared with a whole training at the rate that it should have."""
    part, model = examples(12), grafted()
    rates = {"dense_1": 0.01 * 0.3**2, "dense_2": 0.01 * 0.3, "head": 0.01}
    found = one_update(model, part, name, 0.01, jit, decay=0.3)
    for layer, rate in rates.items():
        expected = one_update(grafted(), part, name, rate, jit)[layer]
        for mine, theirs in zip(found[layer], expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-8)


def one_update(model: Any, part: Any, name: str, rate: float, jit: bool, decay: float | None = None, **how: Any) -> Any:
    import keras

    before = held(model)
    model.compile(getattr(keras.optimizers, name)(rate, **how), "sparse_categorical_crossentropy", jit_compile=jit)
    if decay is not None:
        layer_decay.slow_down(model.optimizer, model, layer_decay.factors(model, decay))
    model.fit(*part, batch_size=len(part[1]), epochs=1, shuffle=False, verbose=0)
    return moved_by(model, before)


def test_sgd_with_momentum_is_what_numpy_makes_of_the_gradients():
    """v ← .9 v − rate · factor · g; w ← w + v, three times, with the gradients at each place."""
    part, model, twin = examples(12), grafted(), grafted()
    rates = {"dense_1": 0.05 * 0.25, "dense_2": 0.05 * 0.5, "head": 0.05}
    import keras

    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
    layer_decay.slow_down(model.optimizer, model, layer_decay.factors(model, 0.5))
    model.fit(*part, batch_size=12, epochs=3, shuffle=False, verbose=0)
    speed = [np.zeros(weight.shape, np.float32) for weight in twin.trainable_variables]
    for _ in range(3):
        for place, (weight, gradient) in enumerate(zip(twin.trainable_variables, gradients(twin, part), strict=True)):
            speed[place] = 0.9 * speed[place] - rates[weight.path.split("/")[0]] * gradient
            weight.assign(weight.numpy() + speed[place])
    for mine, expected in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)


def gradients(model: Any, part: Any) -> list[np.ndarray]:
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(part[1], model(part[0], training=True)))
    return [np.asarray(each) for each in tape.gradient(loss, [w.value for w in model.trainable_variables])]


def test_weight_decay_follows_the_rate_of_the_layer():
    """With gradients of nothing (rate on decay alone) a kernel shrinks by rate · factor · weight decay."""
    part, model, plain = examples(12), grafted(), grafted()
    start = held(model)
    with_decay = one_update(model, part, "SGD", 0.1, False, decay=0.5, weight_decay=0.2)
    without = one_update(plain, part, "SGD", 0.1, False, decay=0.5)
    for layer, factor in {"dense_1": 0.25, "dense_2": 0.5, "head": 1.0}.items():
        shrunk = with_decay[layer][0] - without[layer][0]
        np.testing.assert_allclose(shrunk, -0.1 * factor * 0.2 * start[layer][0], atol=1e-6)


@pytest.mark.parametrize("jit", [False, True], ids=["plain", "xla"])
def test_a_decay_of_one_changes_no_bit(jit: bool):
    with_it, without = grafted(CNN if not jit else DENSE), grafted(CNN if not jit else DENSE)
    train(with_it, examples(12), batch_size=5, jit=jit, layer_decay=1.0)
    train(without, examples(12), batch_size=5, jit=jit)
    assert weights(with_it) == weights(without)


def test_a_decay_below_one_moves_lower_layers_less():
    slowed, plain = grafted(), grafted()
    before = held(plain)
    train(slowed, examples(12), layer_decay=0.1)
    train(plain, examples(12))

    def step(model: Any, layer: str) -> float:
        return float(np.abs(moved_by(model, before)[layer][0]).max())

    assert step(slowed, "dense_1") < 0.02 * step(plain, "dense_1")
    assert 0.05 < step(slowed, "dense_2") / step(plain, "dense_2") < 0.2
