"""`copy_weights: false`: the base's shape without what it learnt, its batch norms calibrated on the target's images."""

import numpy as np
import pytest

from artifacts.codecs import model_digest
from tasks.pure.batch_statistics import calibrate_batch_norms
from tasks.pure.surgery import graft
from tests.tasks.pure.small_networks import SHAPE, built, images, moved, network, scion, weights

pytestmark = pytest.mark.usefixtures("fresh_keras")


def random_base(architecture: str = "cnn", seed: int = 1, shape: tuple[int, int, int] = SHAPE):
    base = built(network(architecture, (5, 4, 3), batch_norm=True, dropout=0.3))
    before = model_digest(base)
    model = graft(base, scion(base, copy_weights=False), shape, 3, seed)
    assert model_digest(base) == before
    return base, model


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_no_weight_is_the_bases(architecture: str):
    base, model = random_base(architecture)
    assert moved(weights(base), model) == weights(base).keys()


def test_the_seed_decides_all_weights():
    assert weights(random_base(seed=1)[1]) == weights(random_base(seed=1)[1])
    kernels = {"conv_1", "conv_2", "conv_3", "head"}
    assert moved(weights(random_base(seed=1)[1]), random_base(seed=2)[1]) == kernels


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
@pytest.mark.parametrize("shape", [SHAPE, (6, 9, 3)])
def test_each_calibrated_batch_norm_gives_mean_0_and_variance_1_in_inference(architecture: str, shape):
    import keras

    _, model = random_base(architecture, shape=shape)
    pictures = images(70, shape)
    calibrate_batch_norms(model, pictures, batch_size=32)
    for norm in [layer for layer in model.layers if layer.name.endswith("_batch_norm")]:
        assert (norm.gamma.numpy() == 1).all() and (norm.beta.numpy() == 0).all()
        out = np.asarray(keras.Model(model.input, norm.output)(pictures, training=False), np.float64)
        inside = np.asarray(keras.Model(model.input, norm.input)(pictures, training=False), np.float64)
        axes = tuple(range(out.ndim - 1))
        np.testing.assert_allclose(out.mean(axis=axes), 0, atol=1e-4)
        variance = inside.var(axis=axes)
        np.testing.assert_allclose(out.var(axis=axes), variance / (variance + norm.epsilon), rtol=1e-3)


@pytest.mark.parametrize("batch_size", [1, 7, 70, 256])
def test_the_statistics_are_numpys_over_all_images_however_they_are_batched(batch_size: int):
    import keras

    _, model = random_base()
    calibrate_batch_norms(model, images(70), batch_size)
    norm = model.get_layer("conv_1_batch_norm")
    inside = np.asarray(keras.Model(model.input, norm.input)(images(70)), np.float64)
    np.testing.assert_allclose(norm.moving_mean, inside.mean(axis=(0, 1, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, inside.var(axis=(0, 1, 2)), rtol=1e-4)


def test_calibration_changes_statistics_only():
    _, model = random_base()
    before = {layer.name: layer.get_weights() for layer in model.layers}
    flags = [layer.trainable for layer in model.layers]
    calibrate_batch_norms(model, images(20))
    for name, old in before.items():
        new = model.get_layer(name).get_weights()
        kept = slice(0, 2) if name.endswith("_batch_norm") else slice(None)
        assert [array.tobytes() for array in new[kept]] == [array.tobytes() for array in old[kept]]
    assert [layer.trainable for layer in model.layers] == flags


def test_a_network_without_batch_norm_has_nothing_to_calibrate():
    model = built(network())
    before = model_digest(model)
    calibrate_batch_norms(model, images(20))
    assert model_digest(model) == before
