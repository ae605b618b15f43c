"""Labels and validation that no data set could give are refused before anything runs; the reader agrees."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.label_checks import TRAINING_IMAGES, label_problems
from flows.recipe_data import Target
from tasks import sources
from tasks.pure import readers
from tasks.pure.errors import BadData
from tasks.pure.splits import draw


def said(gate: float = 0.0, **data: Any) -> list[str]:
    return label_problems("target", Target.model_validate({"dataset": "fashion_mnist_sample", **data}), gate)


PAIR = {"classes": ["T-shirt/top", "Pullover"]}


@pytest.mark.parametrize("validation", [0.99, 0.01])
@pytest.mark.parametrize("data", [{}, {"dataset": "npz", "path": "/a.npz"}])
def test_a_validation_part_with_no_room_for_each_class_is_named(data: dict[str, Any], validation: float) -> None:
    (problem,) = said(task=PAIR, labels=20, validation=validation, **data)
    assert problem.startswith(f"`target.validation`: {validation} of 20 labels is {round(20 * validation)} images")
    assert said(task=PAIR, labels=20, validation=0.5, **data) == []


def test_more_labels_than_the_task_has_images_are_named() -> None:
    (problem,) = said(task=PAIR, labels=1_201)
    assert problem == (
        "`target.labels`: 1201 labels, but the task has 1200 training images in `fashion_mnist_sample`; "
        "expected at most 1200"
    )
    assert said(task=PAIR, labels=1_200) == said(labels=6_000) == said(task={"one_vs_rest": 1}, labels=6_000) == []


def test_classes_that_differ_in_size_are_counted_one_by_one() -> None:
    task = {"classes": [3, 8]}  # 147 and 140 images
    assert said(dataset="digits", task=task, labels=287) == []
    assert "expected at most 287" in said(dataset="digits", task=task, labels=288)[0]


def test_a_rare_class_with_one_label_cannot_be_in_both_parts() -> None:
    (problem,) = said(task={"one_vs_rest": 1}, labels=12, validation=0.3)
    assert "the smallest of the 2 classes gets 1 labels" in problem


def test_what_only_the_files_know_is_left_to_the_reader() -> None:
    own = {"dataset": "npz", "path": "/a.npz"}
    assert said(**own, labels=10**9) == said(**own, validation=0.999) == []
    assert said(dataset="fashion_mnist", path="/mine", labels=70_000) == []
    assert said(gate=0.5, validation=0.99999) == []


@given(
    classes=st.lists(st.integers(0, 9), min_size=2, unique=True),
    labels=st.integers(2, 1_500),
    validation=st.floats(0.001, 0.999),
)
def test_the_check_and_the_reader_refuse_the_same(classes: list[int], labels: int, validation: float) -> None:
    counts = [TRAINING_IMAGES["digits"][label] for label in classes]
    known = np.repeat(np.arange(len(classes)), counts)
    try:
        draw(known, np.arange(len(known)), labels, validation, 0)
        admitted = True
    except BadData:
        admitted = False
    problems = said(dataset="digits", task={"classes": classes}, labels=labels, validation=validation)
    assert (problems == []) == admitted


@pytest.mark.parametrize("dataset", sorted(TRAINING_IMAGES))
def test_the_known_numbers_are_those_of_the_files(dataset: str) -> None:
    files = sources.find(dataset, None)
    if files is None:
        pytest.skip(f"the files of {dataset} are not here")
    assert tuple(np.bincount(readers.read(dataset, files).y_train)) == tuple(TRAINING_IMAGES[dataset])
