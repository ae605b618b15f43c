"""The network as it is served, and what it looked at."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.pure.explaining import occlusion, picture
from tasks.pure.serving import before_the_model, servable
from tests.tasks.pure.small_networks import SHAPE, built, grafted, images, network

pytestmark = pytest.mark.usefixtures("fresh_keras")


def test_a_network_trained_on_pixels_is_served_as_it_is() -> None:
    model = built(network("cnn", (3,)))
    assert servable(model) is model
    assert before_the_model(model, batch := images(5)) is batch


@pytest.mark.parametrize("unit", [True, False])
def test_a_served_network_takes_the_size_that_it_was_trained_on_and_no_other(unit: bool) -> None:
    model = grafted(built(network("dense", scale="none")), shape=(6, 5, 3))
    served = servable(model, unit)
    assert served.input_shape == (None, 6, 5, 3)
    with pytest.raises(ValueError, match="shape"):
        served(images(2, (30, 40, 3)))


def test_a_network_trained_on_floats_of_0_to_1_is_served_for_pixels() -> None:
    model = built(network("cnn", (3,), scale="none"))
    batch = images(5)
    served = servable(model, unit=True)
    assert np.array_equal(served(batch, training=False), model(batch * np.float32(1 / 255), training=False))
    assert np.array_equal(before_the_model(served, batch), batch * np.float32(1 / 255))


class OneCorner:
    """A stand-in for a network: sure of class 1 as long as the upper left quarter is bright."""

    def __call__(self, batch: Any, training: bool) -> np.ndarray:
        bright = np.asarray(batch)[:, :4, :4].mean(axis=(1, 2, 3)) / 255
        return bright[:, np.newaxis]


def test_occlusion_finds_the_corner_that_the_answer_rests_on() -> None:
    image = np.zeros((*SHAPE[:2], 1), np.float32)
    image[:4, :4] = 255
    loss = occlusion(OneCorner(), image, answer=1)  # type: ignore[arg-type]
    assert loss.shape == SHAPE[:2]
    assert loss[:4, :4].min() > 0
    assert np.abs(loss[4:, 4:]).max() < loss[:4, :4].min()


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 20, 3), (3, 3, 1), (1, 9, 3)])
def test_the_picture_shows_the_image_and_the_map_side_by_side(shape: tuple[int, int, int]) -> None:
    image = images(1, shape)[0]
    loss = np.random.default_rng(0).normal(size=shape[:2])
    opened = Image.open(io.BytesIO(picture(image, loss)))
    height, width = shape[:2]
    scale = opened.height // height
    assert opened.size == (2 * width * scale, height * scale)


def test_where_nothing_counts_nothing_is_painted() -> None:
    image = images(1)[0]
    opened = np.asarray(Image.open(io.BytesIO(picture(image, np.zeros(SHAPE[:2])))))
    assert np.array_equal(opened[:, : opened.shape[1] // 2], opened[:, opened.shape[1] // 2 :])
