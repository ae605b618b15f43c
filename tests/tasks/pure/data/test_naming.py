"""Class names are names, and a number that could be a name or a place is refused."""

import pytest

from tasks.pure.data.naming import class_number, in_order, one_form
from tasks.pure.errors import BadData

TEN = tuple(str(number) for number in range(1, 11))


def test_numbers_sort_as_numbers_and_other_names_as_text() -> None:
    assert in_order(["10", "9", "1", "1"]) == ("1", "9", "10")
    assert in_order(["10", "9", "x"]) == ("10", "9", "x")
    assert in_order(["01", "1", "2"]) == ("01", "1", "2")
    assert in_order(["b", "B", "é", "a"]) == ("B", "a", "b", "é")
    assert in_order(["²", "1"]) == ("1", "²")  # a digit to Python, no number to a person


def test_names_are_compared_in_one_form() -> None:
    assert one_form("cafe\u0301") == "caf\u00e9"
    assert class_number(("caf\u00e9", "x"), "cafe\u0301") == 0
    assert class_number(("cafe\u0301", "x"), "caf\u00e9") == 0


def test_a_name_is_a_name_even_where_it_looks_like_a_place() -> None:
    assert class_number(TEN, "1") == 0
    assert class_number(TEN, "10") == 9


@pytest.mark.parametrize(
    ("wanted", "readings"),
    [
        (1, r'the class named `1`\) or a place, counted from 0 \(place 1 is the class `2`\).*quotes: "1"'),
        (10, r"the class named `10`\) or a place, counted from 0 \(there is no place 10"),
        (0, r'no class is named `0`\) or a place, counted from 0 \(place 0 is the class `1`\).*quotes: "1"'),
    ],
)
def test_a_number_that_may_be_a_name_or_a_place_is_refused_with_both_readings(wanted: int, readings: str) -> None:
    with pytest.raises(BadData, match=readings):
        class_number(TEN, wanted)


def test_a_number_is_a_place_where_no_name_says_otherwise() -> None:
    assert class_number(("cat", "dog"), 1) == 1
    assert class_number(("0", "1", "2"), 2) == 2  # both readings are one class


@pytest.mark.parametrize("wanted", [11, -1, True, "Dog", "3"])
def test_what_is_no_class_is_refused(wanted: object) -> None:
    with pytest.raises(BadData, match=r"No class `.*`\. The classes: 0 `cat`, 1 `dog`"):
        class_number(("cat", "dog"), wanted)  # type: ignore[arg-type]
