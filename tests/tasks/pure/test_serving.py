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


def test_images_of_the_networks_own_size_pass_through_unchanged_to_the_last_bit() -> None:
    model = built(network("cnn", (3,)))
    batch = images(5)
    assert np.array_equal(servable(model)(batch, training=False), model(batch, training=False))


def test_any_size_goes_in_and_resizing_one_by_one_makes_the_same_bits() -> None:
    served = servable(built(network("cnn", (3,))))
    batch = images(4, (13, 21, 1))
    one_by_one = [np.asarray(served.get_layer("any_size")(image[np.newaxis].astype(np.float32)))[0] for image in batch]
    assert np.array_equal(np.stack(one_by_one), np.asarray(served.get_layer("any_size")(batch.astype(np.float32))))
    assert served(batch).shape == (4, 3)


def test_a_grafted_network_with_adapters_is_served_too() -> None:
    model = grafted(built(network("dense")), shape=(6, 5, 3))
    assert servable(model)(images(2, (30, 40, 3))).shape == (2, 4)


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
