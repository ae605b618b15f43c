"""Which pictures are set aside: by content or group, for ever, and no group on two sides."""

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.pure.data.dividing import aside, by_group, check_apart
from tasks.pure.errors import BadData

CONTENTS = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(4_000)]


@given(st.lists(st.sampled_from(CONTENTS), max_size=40), st.sampled_from(["test", "gate"]), st.floats(0, 0.99))
@settings(max_examples=60, deadline=None)
def test_a_side_follows_from_content_alone(contents: list[str], purpose: str, fraction: float) -> None:
    alone = [bool(aside([each], purpose, fraction)[0]) for each in contents]
    assert aside(contents, purpose, fraction).tolist() == alone


def test_the_share_is_what_was_asked_for() -> None:
    for fraction in (0.1, 0.2, 0.5):
        found = aside(CONTENTS, "test", fraction).mean()
        assert abs(found - fraction) < 4 * (fraction * (1 - fraction) / len(CONTENTS)) ** 0.5


def test_more_stay_aside_when_the_fraction_grows() -> None:
    assert not (aside(CONTENTS, "test", 0.2) & ~aside(CONTENTS, "test", 0.3)).any()


def test_test_part_and_gate_are_drawn_independently() -> None:
    test, gate = aside(CONTENTS, "test", 0.3), aside(CONTENTS, "gate", 0.2)
    assert abs(gate[~test].mean() - 0.2) < 0.03  # drawn by the same hash it would be 0


def test_a_content_has_the_side_that_sha256_says() -> None:
    first = int(hashlib.sha256(f"test/{CONTENTS[0]}".encode()).hexdigest()[:16], 16) / 2**64
    assert aside(CONTENTS[:1], "test", first - 1e-9).tolist() == [False]
    assert aside(CONTENTS[:1], "test", first + 1e-9).tolist() == [True]


def test_no_group_lies_in_training_and_validation() -> None:
    draws = np.random.default_rng(0)
    groups = draws.integers(0, 40, 300)
    labels = (groups % 3).astype(np.int64)
    kept, held = by_group(labels, groups, 0.25, 7)
    assert not set(groups[kept]) & set(groups[held])
    assert sorted([*kept, *held]) == list(range(300))
    shares = np.bincount(labels[held]) / np.bincount(labels)
    assert np.abs(shares - 0.25).max() < 0.12
    assert [part.tolist() for part in by_group(labels, groups, 0.25, 7)] == [kept.tolist(), held.tolist()]
    assert by_group(labels, groups, 0.25, 8)[1].tolist() != held.tolist()


def test_every_class_is_in_both_parts_or_it_is_refused() -> None:
    labels, groups = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 9, 9])
    with pytest.raises(BadData, match="each class in both parts, found none in 64 draws of 5 groups"):
        by_group(labels, groups, 0.3, 0)
    with pytest.raises(BadData, match="two groups or more"):
        by_group(labels, np.zeros(6, np.int64), 0.3, 0)


def test_a_group_in_two_parts_is_refused_by_name() -> None:
    check_apart(["a", "a", "", ""], ["train", "train", "train", "test"])
    with pytest.raises(BadData, match=r"found 1 in several: `a` in test and train"):
        check_apart(["a", "a", "b"], ["train", "test", "test"])
