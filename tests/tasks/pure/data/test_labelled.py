"""From decoded pictures to raw data: parts, groups, the size and colours that headers settle, what is left out."""

from typing import Any

import numpy as np
import pytest

from tasks.pure.data.decoding import Decoding
from tasks.pure.data.headers import UNREADABLE, Header
from tasks.pure.data.labelled import Labelled, raw_data
from tasks.pure.data.listed import Listed
from tasks.pure.data.of_task import about, decoding_of, labelled, refuse_damaged, remarks, wanted
from tasks.pure.datasets import Selection, select
from tasks.pure.errors import BadData

GREY, RGB = Header("PNG", "L", 8, 9, False), Header("JPEG", "RGB", 8, 9, False)


def labelled_pictures(count: int, **more: Any) -> Labelled:
    """Pictures whose pixels are their number and two more, of two classes in turn."""
    images = np.arange(2, count + 2, dtype=np.uint8).reshape(count, 1, 1, 1)
    given: dict[str, Any] = {
        "images": images, "rows": np.arange(count), "contents": [f"{number:064x}" for number in range(count)],
        "names": ["cat", "dog"] * (count // 2), "parts": [""] * count, "groups": [""] * count,
        "class_names": ("cat", "dog"),
    }  # fmt: skip
    return Labelled(**{**given, **more})


def numbers(images: Any) -> set[int]:
    return set((np.asarray(images).reshape(-1) - 2).tolist())


def selection(**more: Any) -> Selection:
    given = {"classes": "all", "one_vs_rest": None, "labels": "all", "validation": 0.0, "gate": 0.0, "seed": None}
    return Selection("folder", **{**given, **more})


def test_a_fraction_is_set_apart_for_testing_and_stays_when_pictures_are_added() -> None:
    few, many = (raw_data(labelled_pictures(count), 0.3, "photos") for count in (60, 200))
    assert numbers(few.x_test) == {number for number in numbers(many.x_test) if number < 60}
    assert numbers(few.x_train) | numbers(few.x_test) == set(range(60))
    assert not numbers(few.x_train) & numbers(few.x_test)
    assert all(label == number % 2 for number, label in zip(sorted(numbers(few.x_train)), few.y_train, strict=True))


def test_copies_of_a_picture_are_on_one_side() -> None:
    pictures = labelled_pictures(60, rows=np.repeat(np.arange(30), 2), contents=[f"{n // 2:064x}" for n in range(60)])
    raw = raw_data(pictures, 0.4, "photos")
    assert not numbers(raw.x_train) & numbers(raw.x_test)


def test_a_group_is_on_one_side_whichever_way_parts_are_drawn() -> None:
    groups = [f"patient {number // 4}" for number in range(200)]
    raw = raw_data(labelled_pictures(200, groups=groups), 0.2, "labels.csv")
    chosen = select(raw, selection(validation=0.25, gate=0.2, seed=3, labels=100))
    parts = [numbers(part) for part in (chosen.x_train, chosen.x_validation, chosen.x_gate, chosen.x_test)]
    assert all(parts)
    patients = [{number // 4 for number in part} for part in parts]
    assert sum(len(part) for part in patients) == len(set().union(*patients))


def test_parts_that_the_data_names_are_kept() -> None:
    parts = ["train", "train", "validation", "validation", "test", "test"]
    raw = raw_data(labelled_pictures(6, parts=parts), None, "photos")
    assert (numbers(raw.x_train), numbers(raw.x_test)) == ({0, 1}, {4, 5})
    assert raw.x_validation is not None and numbers(raw.x_validation) == {2, 3}


def test_a_test_part_can_be_drawn_from_a_train_folder_and_leaves_validation_alone() -> None:
    parts = ["train"] * 40 + ["validation"] * 10
    raw = raw_data(labelled_pictures(50, parts=parts), 0.3, "photos")
    assert raw.x_validation is not None and numbers(raw.x_validation) == set(range(40, 50))
    assert numbers(raw.x_train) | numbers(raw.x_test) == set(range(40))


@pytest.mark.parametrize(
    ("parts", "test", "message"),
    [
        (["train", "test"] * 3, 0.2, r"has a test part of its own; leave `test` \(0.2\) out"),
        ([""] * 6, None, "expected pictures for testing, found none set apart"),
        (["train"] * 6, None, "expected pictures for testing, found none set apart"),
        ([""] * 6, 1e-9, "expected pictures for the test part, found none"),
        (["test"] * 6, None, "expected pictures for the train part, found none"),
    ],
)
def test_parts_that_do_not_fit_the_recipe_are_refused(parts: list[str], test: float | None, message: str) -> None:
    with pytest.raises(BadData, match=message):
        raw_data(labelled_pictures(6, parts=parts), test, "photos")


def test_a_part_of_masks_is_refused_and_a_dark_picture_is_not() -> None:
    images = np.full((6, 2, 2, 1), 200, np.uint8)
    images[4:] = [[[0], [1]], [[1], [0]]]
    parts = ["train"] * 4 + ["test"] * 2
    with pytest.raises(BadData, match="found in `test` bytes of 0 and 1 only"):
        raw_data(labelled_pictures(6, images=images, parts=parts), None, "photos")
    images[5, 0, 0] = 90
    raw_data(labelled_pictures(6, images=images, parts=parts), None, "photos")


def listed(*headers: Header, name: str = "cat") -> list[Listed]:
    return [Listed(f"{n:064x}", "train", name, "", header, f"/p/{n}.png") for n, header in enumerate(headers)]


def test_size_and_colours_come_from_the_headers_where_the_recipe_leaves_them() -> None:
    assert decoding_of(listed(GREY, GREY), selection(), "photos") == Decoding(1, (8, 9))
    assert decoding_of(listed(GREY, RGB), selection(), "photos") == Decoding(3, (8, 9))
    assert decoding_of(listed(RGB), selection(colour="grey", image_size=(5, 6)), "photos") == Decoding(1, (5, 6))
    assert decoding_of(listed(GREY, UNREADABLE), selection(), "photos") == Decoding(1, (8, 9))


def test_pictures_of_several_sizes_need_one() -> None:
    other = Header("PNG", "L", 4, 4, False)
    with pytest.raises(BadData, match=r"found 2 sizes, most often \(height × width\) 8 × 9 \(2\), 4 × 4 \(1\)\. Say"):
        decoding_of(listed(GREY, GREY, other), selection(), "photos")


def test_only_the_classes_of_the_task_are_taken_and_each_must_have_a_picture() -> None:
    pictures = [*listed(GREY), *listed(GREY, name="dog")]
    names = ("cat", "dog", "owl")
    assert {each.name for each in wanted(pictures, names, selection(classes=("dog", "cat")), "photos")} == {
        "cat",
        "dog",
    }
    with pytest.raises(BadData, match="photos: expected pictures of each class, found none of `owl`"):
        wanted(pictures, names, selection(), "photos")


def test_damaged_pictures_are_refused_with_the_first_ten_and_how_many() -> None:
    refuse_damaged({}, 20)
    with pytest.raises(BadData, match=r"12 of 20 pictures cannot be decoded\.(.|\n)*- why 9\n- and 2 more$"):
        refuse_damaged({str(number): f"why {number}" for number in range(12)}, 20)


def test_what_could_not_be_decoded_is_left_out() -> None:
    pictures = listed(GREY, GREY, UNREADABLE)
    task = labelled(pictures, np.zeros((1, 2, 2, 1), np.uint8), {pictures[1].sha256: 0}, ("cat", "dog"))
    assert (task.contents, task.rows.tolist()) == ([pictures[1].sha256], [0])


def test_what_is_said_of_the_files_follows_from_their_headers() -> None:
    animation = Header("GIF", "P", 3, 4, True)
    facts = about(listed(GREY, RGB, animation, UNREADABLE), Decoding(3, (8, 9)), 1)
    assert facts["pictures"] == {
        "count": 4, "sizes": {"4×3": 1, "9×8": 2}, "modes": {"L": 1, "P": 1, "RGB": 1},
        "formats": {"GIF": 1, "JPEG": 1, "PNG": 1}, "animations": 1, "damaged": 1,
    }  # fmt: skip
    assert list(remarks({"no pictures": 2}, ["weight"], facts["pictures"])) == [
        "passed over 2 files or folders: no pictures",
        "nobody reads the columns `weight`",
        "took the first frame of 1 animation",
        "left out 1 damaged picture (`on_damaged: skip`)",
    ]
