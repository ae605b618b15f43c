"""A new network's weights follow from its seed, whatever else in the process draws random numbers."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tasks.pure.architectures import build
from tasks.pure.surgery import graft
from tests.tasks.pure.small_networks import SHAPE, built, network, scion

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("tensorflow")

LIKE = network("cnn", (3, 4), batch_norm=True, dropout=0.2)


def bits(model: "keras.Model") -> bytes:
    return b"".join(weight.tobytes() for weight in model.get_weights())


@contextmanager
def another_thread_drawing() -> Iterator[None]:
    """As Prefect's threads draw from Python's global `random`, for waits between retries."""
    done = threading.Event()

    def draw() -> None:
        while not done.is_set():
            random.random()

    thread = threading.Thread(target=draw)
    thread.start()
    yield
    done.set()
    thread.join()


def new_base(seed: int) -> "keras.Model":
    return build(LIKE, SHAPE, 3, seed)


def new_graft(seed: int, **others: object) -> "keras.Model":
    base = built(LIKE)
    return graft(base, scion(base, **{"add_hidden": (4,), **others}), SHAPE, 4, seed)


@pytest.mark.parametrize("make", [new_base, new_graft, lambda seed: new_graft(seed, copy_weights=False)])
def test_another_threads_draws_move_no_weight(make: Callable[[int], "keras.Model"]) -> None:
    expected = bits(make(5))
    random.seed(1)
    with another_thread_drawing():
        assert {bits(make(5)) for _ in range(5)} == {expected}
    assert bits(make(6)) != expected


def test_what_is_new_begins_alike_over_copied_and_over_random_weights() -> None:
    copied, never = new_graft(5), new_graft(5, copy_weights=False)
    for name in ("added_1", "head"):
        assert np.array_equal(copied.get_layer(name).kernel, never.get_layer(name).kernel)
    assert not np.array_equal(copied.get_layer("conv_1").kernel, never.get_layer("conv_1").kernel)


def test_the_head_begins_alike_over_one_layer_and_over_two() -> None:
    heads = [build(network("dense", widths), SHAPE, 3, 5).get_layer("head").kernel for widths in ((4,), (7, 4))]
    assert np.array_equal(*heads)


def test_kernels_are_those_of_keras_own_initialiser_with_the_streams_numbers() -> None:
    """So a Keras whose layers were given these seeds, or that is alone after `set_random_seed`, has the same."""
    import keras

    model, stream = new_base(5), random.Random(5)
    for name in ("head", "conv_1", None, "conv_2"):  # None: the dropout between
        seed = stream.randint(1, 10**9)
        if name:
            kernel = model.get_layer(name).kernel
            assert np.array_equal(kernel, keras.initializers.GlorotUniform(seed)(kernel.shape))
