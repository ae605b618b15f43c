"""Images of another size or colour are converted inside the network, so that what was trained is what is served."""

import numpy as np
import pytest

from tasks.pure.errors import SurgeryError
from tasks.pure.surgery import graft, set_trainable
from tests.tasks.pure.small_networks import HEAD_ONLY, built, examples, grafted, images, network, reloaded, scion, train

pytestmark = pytest.mark.usefixtures("fresh_keras")


def adapted(shape: tuple[int, int, int], base_shape: tuple[int, int, int], pictures: np.ndarray) -> np.ndarray:
    """What the reused layers of a base for `base_shape` get to see of `pictures`."""
    import keras

    model = grafted(built(network("cnn", (2,), scale="none"), shape=base_shape), shape)
    return np.asarray(keras.Model(model.input, model.get_layer("conv_1").input)(pictures))


def bilinear(rows: np.ndarray, size: int) -> np.ndarray:
    """`rows` (n, …) resampled along the first axis to `size`, pixel centres at halves, edges repeated."""
    place = np.clip((np.arange(size) + 0.5) * len(rows) / size - 0.5, 0, len(rows) - 1)
    low = np.floor(place).astype(int)
    high, part = np.minimum(low + 1, len(rows) - 1), (place - low).reshape(-1, *[1] * (rows.ndim - 1))
    return rows[low] * (1 - part) + rows[high] * part


def test_images_that_fit_are_left_alone():
    model = grafted(built(network()))
    assert not {"resize", "to_grey", "to_rgb"} & {layer.name for layer in model.layers}
    np.testing.assert_array_equal(adapted((8, 8, 1), (8, 8, 1), images(2)), images(2))


@pytest.mark.parametrize("size", [(4, 4), (8, 6), (13, 20)])
def test_other_sizes_are_resized_bilinearly(size: tuple[int, int]):
    pictures = images(3, (*size, 1))
    expected = [bilinear(bilinear(picture / 1.0, 8).swapaxes(0, 1), 8).swapaxes(0, 1) for picture in pictures]
    np.testing.assert_allclose(adapted((*size, 1), (8, 8, 1), pictures), expected, atol=0.01)


def test_grey_becomes_rgb_by_repetition():
    pictures = images(3)
    np.testing.assert_array_equal(adapted((8, 8, 1), (8, 8, 3), pictures), np.repeat(pictures, 3, axis=-1))


def test_rgb_becomes_grey_by_luma():
    pictures = images(3, (8, 8, 3))
    expected = pictures[..., :1] * 0.299 + pictures[..., 1:2] * 0.587 + pictures[..., 2:] * 0.114
    np.testing.assert_allclose(adapted((8, 8, 3), (8, 8, 1), pictures), expected, rtol=1e-5)


def test_the_luma_is_pillows():
    from PIL import Image

    picture = images(1, (8, 8, 3))
    grey = np.asarray(Image.fromarray(picture[0]).convert("L"), np.float32)[None, ..., None]
    np.testing.assert_allclose(adapted((8, 8, 3), (8, 8, 1), picture), grey, atol=1)


def test_size_and_colour_are_converted_together():
    assert adapted((5, 9, 3), (8, 8, 1), images(2, (5, 9, 3))).shape == (2, 8, 8, 1)
    assert adapted((5, 9, 1), (8, 8, 3), images(2, (5, 9, 1))).shape == (2, 8, 8, 3)


@pytest.mark.parametrize("channels", [2, 4])
def test_other_numbers_of_channels_are_refused(channels: int):
    base = built(network())
    with pytest.raises(SurgeryError, match=f"images of 1 channels, the target has {channels}.*grey.*RGB"):
        graft(base, scion(base), (8, 8, channels), 3, 0)


def test_the_luma_weights_never_train():
    model = grafted(built(network("cnn", (3,))), (8, 8, 3), 3)
    set_trainable(model, HEAD_ONLY)
    before = model.get_layer("to_grey").get_weights()[0]
    train(model, examples(8, shape=(8, 8, 3)))
    np.testing.assert_array_equal(model.get_layer("to_grey").get_weights()[0], before)
    assert not model.get_layer("to_grey").trainable


def test_adapters_survive_the_file():
    model = grafted(built(network("cnn", (3,))), (5, 9, 3))
    pictures = images(4, (5, 9, 3))
    np.testing.assert_array_equal(reloaded(model)(pictures), model(pictures))
