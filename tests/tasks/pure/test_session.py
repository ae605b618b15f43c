"""Nothing of the process's past shows after `fresh`, and seeds follow from names and numbers alone."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pure.session import derive, fresh


def test_a_derived_seed_is_the_same_for_ever():
    assert derive(0, "order", 3) == 634170409
    assert derive(0, "order", 3) != derive(0, "order", 4)


@given(st.lists(st.one_of(st.integers(0, 10**20), st.text(max_size=8)), max_size=4))
def test_a_derived_seed_fits_31_bits(parts: list[int | str]):
    assert 0 <= derive(*parts) < 2**31


def test_parts_do_not_run_together():
    assert derive(1, 23) != derive(12, 3)
    assert len({derive(seed, "order", epoch) for seed in range(30) for epoch in range(30)}) == 900


@pytest.mark.usefixtures("tensorflow")
def test_automatic_names_begin_anew():
    import keras

    fresh(0)
    first = [keras.layers.Dense(1).name for _ in range(2)]
    fresh(0)
    assert [keras.layers.Dense(1).name for _ in range(2)] == first


@pytest.mark.usefixtures("tensorflow")
def test_python_numpy_and_tensorflow_draw_the_same_again():
    def drawn(seed: int) -> list[object]:
        import keras
        import tensorflow as tf

        fresh(seed)
        initial = keras.initializers.GlorotUniform()((2, 2))
        return [random.random(), np.random.random(), float(tf.random.uniform([])), np.asarray(initial).tobytes()]

    random.random(), np.random.random()
    # Threads of Prefect's, left by tests before, draw from Python's global random too: now and then one comes between.
    draws = [drawn(5) for _ in range(5)]
    first = max(draws, key=draws.count)
    assert draws.count(first) >= 3
    other = drawn(6)
    assert all(one != two for one, two in zip(first, other, strict=True))
