"""The order of the training examples: every example once an epoch, as (seed, epoch) alone decides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.pure.order import Order
from tasks.pure.training import Training

pytestmark = pytest.mark.usefixtures("tensorflow")


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**31 - 1), st.integers(0, 50))
def test_every_epoch_sees_every_example_once(count: int, batch_size: int, seed: int, epoch: int):
    order = Order(numbered(count), Training(1, batch_size, 0.1, None, False), 3, seed)
    order.shuffle(epoch)
    batches = [(np.asarray(pictures), np.asarray(labels)) for pictures, labels in order.batches()]
    assert [len(labels) for _, labels in batches][:-1] == [batch_size] * ((count - 1) // batch_size)
    seen = np.concatenate([labels for _, labels in batches])
    assert sorted(seen) == list(range(count))
    pictures = np.concatenate([pictures for pictures, _ in batches])
    np.testing.assert_array_equal(pictures[:, 0, 0, 0], seen, "each image keeps its label")


def test_each_epoch_has_an_order_of_its_own_and_each_seed():
    def drawn(seed: int, epoch: int) -> list[int]:
        order = Order(numbered(30), Training(1, 7, 0.1, None, False), 3, seed)
        order.shuffle(epoch)
        return np.concatenate([np.asarray(labels) for _, labels in order.batches()]).tolist()

    assert drawn(1, 0) == drawn(1, 0)
    assert len({tuple(drawn(seed, epoch)) for seed in (1, 2) for epoch in (0, 1, 2)}) == 6


def numbered(count: int):
    """Images that say their own number, which is their label too."""
    labels = np.arange(count, dtype=np.int64)
    return labels.astype(np.uint8)[:, None, None, None], labels
