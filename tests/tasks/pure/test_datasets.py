"""From raw data to a task: classes, the gate, the draw of labels, and validation."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from tasks.pure.datasets import Dataset, Selection, select
from tasks.pure.errors import BadData
from tasks.pure.readers import RawData

NAMES = ("shirt", "Trouser", "dress", "coat")
PARTS = ("train", "validation", "gate", "test")


def raw_data(per_class: tuple[int, ...] = (40, 40, 40, 40), test_per_class: int = 5) -> RawData:
    """Images that all differ; the first pixels hold the class and the example's own number."""

    def split(counts: tuple[int, ...], offset: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.random.default_rng(offset).permutation(np.repeat(np.arange(len(counts)), counts))
        images = np.zeros((len(labels), 2, 2, 1), np.uint8)
        numbers = np.arange(len(labels)) + offset
        images[:, 0, 0, 0], images[:, 0, 1, 0], images[:, 1, 0, 0] = labels, numbers // 256, numbers % 256
        return images, labels.astype(np.int64)

    return RawData(*split(per_class, 0), *split((test_per_class,) * len(per_class), 10_000), NAMES[: len(per_class)])


def task(raw: RawData, **changes: Any) -> Dataset:
    """A task of all classes and all labels, but for `changes`."""
    plain = {"classes": "all", "one_vs_rest": None, "labels": "all", "validation": 0.0, "gate": 0.0, "seed": 0}
    return select(raw, Selection(dataset="mine", **(plain | changes)))


def numbers(images: np.ndarray) -> list[int]:
    return (images[:, 0, 1, 0].astype(int) * 256 + images[:, 1, 0, 0]).tolist()


def counts(labels: np.ndarray) -> list[int]:
    return np.bincount(labels).tolist()


# Classes


def test_all_classes_and_labels_are_the_raw_arrays_themselves() -> None:
    raw = raw_data()
    chosen = task(raw, seed=None)
    assert chosen.x_train is raw.x_train and chosen.x_test is raw.x_test
    assert chosen.x_validation.shape == (0, 2, 2, 1) and chosen.x_gate.shape == (0, 2, 2, 1)
    assert chosen.y_validation.dtype == np.int64 and chosen.class_names == NAMES


def test_a_subset_is_relabelled_in_the_order_given() -> None:
    raw = raw_data()
    chosen = task(raw, classes=["dress", 0])
    assert chosen.class_names == ("dress", "shirt")
    assert counts(chosen.y_train) == [40, 40] and counts(chosen.y_test) == [5, 5]
    assert np.array_equal(chosen.x_train[:, 0, 0, 0], np.where(chosen.y_train == 0, 2, 0))
    assert np.array_equal(chosen.x_test[:, 0, 0, 0], np.where(chosen.y_test == 0, 2, 0))
    assert numbers(chosen.x_train) == sorted(numbers(chosen.x_train))


@pytest.mark.parametrize("wanted", [1, "Trouser"])
def test_one_class_against_the_rest_keeps_every_image(wanted: int | str) -> None:
    raw = raw_data()
    chosen = task(raw, classes=None, one_vs_rest=wanted)
    assert chosen.class_names == ("not Trouser", "Trouser")
    assert np.array_equal(chosen.y_train, raw.y_train == 1) and np.array_equal(chosen.y_test, raw.y_test == 1)
    assert chosen.x_train is raw.x_train


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"classes": ["shirt", "trousr"]}, "Did you mean `Trouser`?"),
        ({"classes": [0, 4]}, "No class `4`. The classes: 0 `shirt`, 1 `Trouser`"),
        ({"classes": [0, -1]}, "No class `-1`"),
        ({"classes": [0, True]}, "No class `True`"),
        ({"classes": [1]}, "two different classes or more of `mine`, found 1 `Trouser`"),
        ({"classes": [1, "Trouser"]}, "two different classes"),
        ({"classes": []}, "found none"),
        ({"classes": None, "one_vs_rest": "Coats"}, "Did you mean `coat`?"),
    ],
)  # fmt: skip
def test_classes_that_make_no_task_are_refused(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(BadData) as caught:
        task(raw_data(), **changes)
    assert expected in str(caught.value)


def test_a_class_without_test_images_is_trained_all_the_same() -> None:
    raw = raw_data()
    kept = raw.y_test != 3
    raw = RawData(raw.x_train, raw.y_train, raw.x_test[kept], raw.y_test[kept], NAMES)
    chosen = task(raw)
    assert chosen.class_names == NAMES and 3 in chosen.y_train
    assert counts(chosen.y_test) == [5, 5, 5] and counts(task(raw, classes=[0, 1]).y_test) == [5, 5]


def test_a_task_without_any_test_image_is_refused() -> None:
    raw = raw_data()
    kept = raw.y_test == 3
    raw = RawData(raw.x_train, raw.y_train, raw.x_test[kept], raw.y_test[kept], NAMES)
    with pytest.raises(BadData, match="Expected test images of `shirt`, `Trouser`, found none"):
        task(raw, classes=[0, 1])


def copied(count: int) -> RawData:
    """Noise; the first `count` training images of class 0 are one of its test images, too."""
    raw = raw_data()
    generator = np.random.default_rng(0)
    x_train, x_test = (generator.integers(0, 256, (size, 16, 16, 1), dtype=np.uint8) for size in (160, 20))
    x_train[np.flatnonzero(raw.y_train == 0)[:count]] = x_test[np.flatnonzero(raw.y_test == 0)[:1]]
    return RawData(x_train, raw.y_train, x_test, raw.y_test, raw.class_names)


def test_dropped_duplicates_leave_the_training_part_before_labels_are_drawn() -> None:
    raw = copied(3)
    chosen = task(raw, drop_duplicates=True)
    assert chosen.dropped == (3, 0) and counts(chosen.y_train) == [37, 40, 40, 40]
    assert chosen.x_test is raw.x_test and task(raw).dropped == (0, 0) and len(task(raw).y_train) == 160
    drawn = task(raw, drop_duplicates=True, labels=40, validation=0.2)
    both = np.concatenate([drawn.x_train, drawn.x_validation])
    assert len(both) == 40 and not {image.tobytes() for image in both} & {image.tobytes() for image in raw.x_test}


def test_only_copies_of_test_images_of_the_task_are_dropped() -> None:
    raw = copied(3)
    foreign = RawData(raw.x_train, (raw.y_train + 1) % 4, raw.x_test, raw.y_test, raw.class_names)
    assert task(foreign, classes=[1, 2], drop_duplicates=True).dropped == (0, 0)


def test_a_class_of_copies_alone_is_refused() -> None:
    with pytest.raises(BadData, match="do not lie in the test split too .`duplicates: drop`., found none of `shirt`"):
        task(copied(40), drop_duplicates=True)


def test_a_class_that_the_gate_takes_whole_is_refused() -> None:
    with pytest.raises(BadData, match="outside the gate, found none of .* make the gate smaller"):
        task(raw_data((2, 40)), gate=0.99)


# Labels


def test_labels_are_an_exact_total_in_proportion_to_the_classes() -> None:
    chosen = task(raw_data((100, 60, 30, 10)), labels=20)
    assert counts(chosen.y_train) == [10, 6, 3, 1]
    assert numbers(chosen.x_train) == sorted(numbers(chosen.x_train))
    assert len(chosen.x_test) == 20


def test_a_rare_class_gets_one_label_at_least() -> None:
    assert counts(task(raw_data((400, 300, 2)), labels=10).y_train) == [5, 4, 1]
    assert counts(task(raw_data((400, 300, 2)), labels=3).y_train) == [1, 1, 1]


def test_the_same_seed_draws_the_same_and_another_seed_another() -> None:
    raw = raw_data()
    first, again, other = (numbers(task(raw, labels=20, seed=seed).x_train) for seed in (7, 7, 8))
    assert first == again and first != other


def test_more_labels_hold_the_fewer_of_the_same_seed() -> None:
    raw = raw_data()
    for seed in range(5):
        few, more = (set(numbers(task(raw, labels=n, seed=seed).x_train)) for n in (20, 40))
        assert few < more


def test_all_labels_may_be_asked_for_by_their_number() -> None:
    assert numbers(task(raw_data(), labels=160).x_train) == list(range(160))


@pytest.mark.parametrize("labels", [0, 3, 161])
def test_too_few_or_too_many_labels_are_refused(labels: int) -> None:
    with pytest.raises(BadData, match=f"between 4 .* and 160 .*found {labels}"):
        task(raw_data(), labels=labels)


# Validation


def test_validation_is_a_stratified_part_of_the_labels_drawn() -> None:
    raw = raw_data()
    chosen = task(raw, labels=40, validation=0.2)
    assert counts(chosen.y_train) == [8] * 4 and counts(chosen.y_validation) == [2] * 4
    everything = task(raw, labels=40)
    assert sorted(numbers(chosen.x_train) + numbers(chosen.x_validation)) == numbers(everything.x_train)


def test_validation_of_all_labels_leaves_nothing_out() -> None:
    chosen = task(raw_data(), validation=0.25)
    assert counts(chosen.y_validation) == [10] * 4
    assert sorted(numbers(chosen.x_train) + numbers(chosen.x_validation)) == list(range(160))


def test_a_fraction_is_rounded_as_it_is_written() -> None:
    """.15 of 10 is 1.5, so 2, though the float .15 is a little below."""
    assert len(task(raw_data((5, 5)), validation=0.15).y_validation) == 2


@pytest.mark.parametrize(
    "changes", [{"labels": 4, "validation": 0.5}, {"labels": 40, "validation": 0.05}, {"labels": 8, "validation": 0.9}]
)
def test_validation_of_too_few_labels_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadData, match="`validation` .* Raise `labels`, change `validation`, or set it to 0"):
        task(raw_data(), **changes)


# The gate


def test_an_image_is_on_the_same_side_of_the_gate_whatever_else_is_selected() -> None:
    raw = raw_data()
    whole = set(numbers(task(raw, gate=0.3).x_gate))
    assert 0.15 * 160 < len(whole) < 0.45 * 160
    subset = task(raw, classes=[3, 1], gate=0.3, labels=20, validation=0.2, seed=5)
    assert set(numbers(subset.x_gate)) == {number for number in whole if raw.y_train[number] in (1, 3)}
    reversed_raw = RawData(raw.x_train[::-1], raw.y_train[::-1], raw.x_test, raw.y_test, NAMES)
    assert set(numbers(task(reversed_raw, gate=0.3).x_gate)) == whole


def test_data_added_later_and_a_larger_gate_move_no_image_out_of_it() -> None:
    raw = raw_data()
    less = RawData(raw.x_train[:100], raw.y_train[:100], raw.x_test, raw.y_test, NAMES)
    before, after, larger = (set(numbers(task(r, gate=g).x_gate)) for r, g in ((less, 0.3), (raw, 0.3), (raw, 0.5)))
    assert before == {number for number in after if number < 100}
    assert after < larger


@given(
    per_class=st.lists(st.integers(4, 60), min_size=2, max_size=4),
    labels=st.integers(4, 100),
    validation=st.sampled_from([0.0, 0.1, 0.3, 0.5]),
    gate=st.sampled_from([0.0, 0.1, 0.5]),
    seed=st.integers(0, 2**63),
)
def test_no_training_image_is_in_two_parts_and_the_test_split_is_untouched(
    per_class: list[int], labels: int, validation: float, gate: float, seed: int
) -> None:
    raw = raw_data(tuple(per_class))
    try:
        chosen = task(raw, labels=labels, validation=validation, gate=gate, seed=seed)
    except BadData:
        reject()  # too few for what was asked: refused, as the tests above say
    drawn = numbers(chosen.x_train) + numbers(chosen.x_validation) + numbers(chosen.x_gate)
    assert len(set(drawn)) == len(drawn)
    assert len(chosen.y_train) + len(chosen.y_validation) == labels
    assert all(set(getattr(chosen, f"y_{part}")) == set(range(len(per_class))) for part in ("train", "test"))
    assert chosen.x_test is raw.x_test
    for part in ("train", "validation", "gate"):
        assert np.array_equal(getattr(chosen, f"x_{part}")[:, 0, 0, 0], getattr(chosen, f"y_{part}"))


# The selection itself


def test_a_selection_from_json_equals_one_with_tuples() -> None:
    made = [Selection("mine", classes, None, "all", 0.0, 0.0, None) for classes in ([0, 2], (0, 2))]  # type: ignore[arg-type]
    assert made[0] == made[1] and hash(made[0]) == hash(made[1])


@pytest.mark.parametrize(
    "arguments",
    [
        ("mine", "all", 1, "all", 0.0, 0.0, 0),
        ("mine", None, None, "all", 0.0, 0.0, 0),
        ("mine", "some", None, "all", 0.0, 0.0, 0),
        ("mine", "all", None, "many", 0.0, 0.0, 0),
        ("mine", "all", None, "all", 1.0, 0.0, 0),
        ("mine", "all", None, "all", float("nan"), 0.0, 0),
        ("mine", "all", None, "all", 0.0, -0.1, 0),
        ("mine", "all", None, 20, 0.0, 0.0, None),
        ("mine", "all", None, "all", 0.1, 0.0, None),
    ],
)  # fmt: skip
def test_a_selection_that_contradicts_itself_is_refused(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="Expected"):
        Selection(*arguments)
