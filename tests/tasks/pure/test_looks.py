"""What is said of two data sets: counts, brightness, the same picture in two parts, and what is wrong."""

from typing import Any

import numpy as np
import pytest

from tasks.pure.data import looks, sheets
from tasks.pure.data.looks import Data
from tasks.pure.page_data import alone

NAMES = ("brick", "grass", "gravel")


def pictures(count: int, seed: int, names: tuple[str, ...] = NAMES) -> tuple[np.ndarray, np.ndarray]:
    """Grey noise of 16 × 16, labels in turn."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 1), dtype=np.uint8)
    return images, np.arange(count) % len(names)


def data(**parts: tuple[np.ndarray, np.ndarray]) -> Data:
    return Data(NAMES, {"train": pictures(12, 1), "test": pictures(6, 2), **parts})


SOURCE = Data(("other", "another"), {"train": pictures(8, 3, ("a", "b")), "test": pictures(4, 4, ("a", "b"))})


def found(target: Data, source: Data = SOURCE) -> dict[str, Any]:
    return looks.findings(source, target)


def with_copies(count: int) -> Data:
    """The first `count` test pictures were trained on, the next one is in the validation part."""
    (x_train, y_train), (x_test, y_test) = pictures(12, 1), pictures(6, 2)
    x_train[:count], y_train[:count] = x_test[:count], y_test[:count]
    validation = (x_test[count : count + 1].copy(), y_test[count : count + 1])
    return data(train=(x_train, y_train), validation=validation, test=(x_test, y_test))


def test_data_without_a_fault_has_no_problem() -> None:
    said = found(data())
    assert said["problems"] == [] and said["trained_on"] == [] and said["conflicts"] == 0
    assert said["target"]["parts"] == {"train": dict.fromkeys(NAMES, 4), "test": dict.fromkeys(NAMES, 2)}
    assert said["target"]["size"] == [16, 16] and said["target"]["mode"] == "grey"
    assert said["target"]["brightness"]["train"]["mean"] == pytest.approx(127.5, abs=3)


def test_test_pictures_that_were_trained_on_are_counted_by_pair_and_named() -> None:
    said = found(with_copies(2))
    assert said["duplicates"]["exact"]["train|test"] == 2 and said["duplicates"]["exact"]["validation|test"] == 1
    assert said["duplicates"]["near"]["train|test"] == 0 and said["trained_on"] == [0, 1, 2]
    assert (
        "3 exactly, 0 nearly, of 6 (test 0 is train 0, test 1 is train 1, test 2 is validation 0)"
        in said["problems"][0]
    )


def test_a_base_that_was_pretrained_on_test_pictures_of_the_target_is_named() -> None:
    target = data()
    said = found(
        target, Data(SOURCE.class_names, {**SOURCE.parts, "train": (target.parts["test"][0], np.arange(6) % 2)})
    )
    assert said["duplicates"]["exact"]["source train|target test"] == 6 and said["trained_on"] == list(range(6))
    assert said["duplicates"]["exact"]["source train|source test"] == 0
    assert said["problems"] == [
        "The base is pretrained on test pictures of the target: 6 exactly, 0 nearly, of 6. "
        "Take other classes, or another source."
    ]


def test_a_gate_that_shares_pictures_is_counted_but_was_not_trained_on() -> None:
    said = found(data(gate=pictures(6, 2)))
    assert said["duplicates"]["exact"]["gate|test"] == 6 and said["trained_on"] == []


def test_repetitions_within_a_part_are_information_only() -> None:
    images, labels = pictures(12, 1)
    images[3], images[6] = images[0], images[0]
    said = found(data(train=(images, labels)))
    assert said["duplicates"]["exact"]["train|train"] == 2 and said["problems"] == []


def test_a_picture_under_two_classes_is_a_problem() -> None:
    images, labels = pictures(12, 1)
    images[1] = images[0]
    said = found(data(train=(images, labels)))
    assert said["conflicts"] == 1 and "1 picture is there under two classes" in said["problems"][0]


def test_a_class_that_no_validation_picture_shows_is_named_where_there_is_such_a_part() -> None:
    images, labels = pictures(12, 1)
    some, these = pictures(6, 2)
    without = found(data(train=(images, labels), validation=(some, these % 2)))["problems"]
    assert "No validation pictures of `gravel`: whatever is chosen on validation is chosen without." in without
    for whole in ({"validation": (some, these)}, {}):
        assert not any("No validation" in said for said in found(data(train=(images, labels), **whole))["problems"])


def test_classes_that_are_not_tested_small_and_in_another_light_are_named() -> None:
    images, labels = pictures(66, 1)
    labels[:] = np.where(np.arange(66) < 6, 2, np.arange(66) % 2)
    dark, tested = pictures(6, 2)
    said = found(data(train=(images, labels), test=(dark // 4, tested % 2)))
    assert said["target"]["untested"] == ["gravel"] and said["target"]["smallest"] == {"class": "gravel", "count": 6}
    assert "No test pictures of `gravel`: trained, but not tested." in said["problems"]
    assert any("darker than the training pictures: mean 3" in sentence for sentence in said["problems"])
    labels[:5] = 0
    uneven = "The classes are uneven: `gravel` has 1 training pictures, `brick` 35."
    assert uneven in found(data(train=(images, labels)))["problems"]


def test_pictures_of_one_colour_are_counted_by_part() -> None:
    images, labels = pictures(12, 1)
    images[5:7] = 200
    said = found(data(train=(images, labels)))
    assert said["target"]["plain"] == {"train": 2, "test": 0}
    assert said["problems"][-1] == "Pictures of one colour: 2 in the target's train."


def test_the_same_images_as_source_and_target_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    honest = looks.look
    monkeypatch.setattr(looks, "look", lambda *given, **more: calls.append(1) or honest(*given, **more))
    target = data()
    twin = Data(("x", "y"), {part: (images.copy(), labels % 2) for part, (images, labels) in target.parts.items()})
    said = found(target, twin)
    assert len(calls) == 2 and said["source"]["parts"]["train"] == {"x": 8, "y": 4}
    monkeypatch.setattr(looks, "COMPARED_BYTES", 1)
    twin.parts["test"][0][5, 0, 0] ^= 1
    found(target, twin)
    assert len(calls) == 5  # the test part is not the same


def test_without_a_source_nothing_is_said_of_one() -> None:
    target = with_copies(2)
    said = alone(found(target, target))
    assert "source" not in said and not any("source" in pair for pair in said["duplicates"]["exact"])
    leak, unvalidated = said["problems"]
    assert leak.startswith("Test pictures of the target lie in its")
    assert unvalidated.startswith("No validation pictures of")


def test_a_contact_sheet_is_the_same_for_the_same_pictures_and_says_what_it_leaves_out() -> None:
    target = data()
    sheet = sheets.contact_sheet(NAMES, target.parts)
    assert sheet == sheets.contact_sheet(NAMES, target.parts) and sheet.startswith(b"\x89PNG")
    other = pictures(12, 9)
    assert sheet != sheets.contact_sheet(NAMES, {**target.parts, "train": other})


def test_a_contact_sheet_stays_small_whatever_is_on_it() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (240, 80, 120, 3), dtype=np.uint8)
    labels = np.arange(240) % 24
    parts = dict.fromkeys(("train", "validation", "gate", "test"), (noise, labels))
    sheet = sheets.contact_sheet([f"class {number}" for number in range(24)], parts)
    assert len(sheet) <= 200_000
