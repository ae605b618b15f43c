"""The gate's hash, sharing out among classes, and the order in which a class is drawn."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pure.splits import apportion, gated, shuffled


def test_the_gate_is_the_hash_that_is_documented() -> None:
    image = np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3)
    share = int.from_bytes(hashlib.sha256(image.astype("<f4").tobytes()).digest()[:8], "big") / 2**64
    only = np.array([0])
    assert gated(image, only, share + 1e-9).tolist() == [True] and gated(image, only, share - 1e-9).tolist() == [False]
    assert gated(np.asfortranarray(image).astype(">f4"), only, share + 1e-9).tolist() == [True]


def test_the_order_of_a_seed_is_fixed_for_ever() -> None:
    """Every few-label result rests on it: whoever changes the draw changes them all."""
    assert shuffled(np.arange(8), 1, 0).tolist() == [2, 4, 7, 5, 0, 6, 3, 1]
    assert shuffled(np.arange(8), 1, 1).tolist() == [5, 6, 3, 0, 7, 2, 1, 4]
    assert shuffled(np.arange(8), 2, 0).tolist() == [7, 3, 6, 0, 1, 4, 5, 2]


def test_every_order_is_about_as_frequent_as_any_other() -> None:
    orders = [tuple(shuffled(np.arange(3), seed, 0)) for seed in range(3_000)]
    frequencies = [orders.count(order) for order in set(orders)]
    assert len(frequencies) == 6 and min(frequencies) > 400 and max(frequencies) < 600


@given(st.lists(st.integers(1, 50), min_size=1, max_size=12), st.data())
def test_shares_sum_to_the_total_and_stay_near_their_proportion(sizes: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(len(sizes), sum(sizes)))
    shares = apportion(np.array(sizes), total, np.array(sizes))
    assert shares.sum() == total and shares.min() >= 1 and (shares <= sizes).all()
    ideal = np.array(sizes) * total / sum(sizes)
    if ideal.min() >= 1:  # otherwise the small classes' one comes out of the others' shares
        assert (np.abs(shares - ideal) < 1).all()


def test_a_total_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(ValueError, match="Cannot share 1 among 2"):
        apportion(np.array([3, 3]), 1, np.array([3, 3]))
