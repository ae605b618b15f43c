"""The page of a sweep: what stands in a cell, what is grey, and that outside text is escaped."""

from typing import Any

from tasks.pure.statistics.choosing import standings
from tasks.pure.sweep_page import page
from tasks.pure.sweep_page.told import cells, dropped, greyed, pairs


def told(grid: dict[str, list[str]], worth: dict[tuple[str, ...], list[float]], chosen: int, **more: Any) -> Any:
    stands = standings(worth)
    rows = [
        {"values": list(values), "accuracies": found, "seeds": len(found), "updates": 60, "trained_weights": 9}
        | vars(stands[values])
        for values, found in worth.items()
    ]
    seeds = max(map(len, worth.values()))
    return {
        "id": "0123456789ab", "title": "<b>", "sentence": "Chosen: a=1.", "why": "best", "rule": "cheapest",
        "grid": grid, "rows": rows, "chosen": chosen, "test": [0.8, 0.9], "test_mean": 0.85, "test_error": 0.05,
        "num_validation": 6, "num_test": 200, "seeds": 2, "rounds": [[len(rows), seeds]], "runs": ["", "r.html"],
        "computed": 3, "reused": 4, "seconds": 1.0, "saved": 2.0, "test_looks": {"here": 2, "elsewhere": 5},
        "command": "graft sweep x", **more,
    }  # fmt: skip


ONE = told({"a": ["1", "2"]}, {("1",): [0.8, 0.9], ("2",): [0.7, 0.9]}, 0)
WORTH = {("1", "3"): [0.8, 0.9], ("1", "4"): [0.5, 0.6], ("2", "3"): [0.81, 0.88], ("2", "4"): [0.1, 0.2]}
TWO = told({"a": ["1", "2"], "b": ["3", "4"]}, WORTH, 0)


def test_one_key_has_a_row_a_value_and_two_a_heat_map() -> None:
    assert set(page.pictures(ONE)) == {"values"} and pairs(ONE) == []
    assert set(page.pictures(TWO)) == {"map-0"} and pairs(TWO) == [("a", "b")]


def test_three_keys_have_a_map_a_pair_and_a_cell_is_the_best_of_the_rest() -> None:
    worth = {(a, b, c): [0.5, 0.4 + 0.1 * (a == b == c)] for a in "12" for b in "12" for c in "12"}
    three = told({key: ["1", "2"] for key in "abc"}, worth, 0)
    assert pairs(three) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert cells(three, ("a", "b"))["2", "2"]["values"] == ["2", "2", "2"]
    assert cells(three, ("a", "b"))["1", "1"]["values"] == ["1", "1", "1"]


def test_what_is_inside_the_noise_is_grey_and_the_best_is_not() -> None:
    """(2, 3) is .005 behind with a standard error of .015; (1, 4) is .3 behind."""
    assert [greyed(row) for row in TWO["rows"]] == [False, False, True, False]
    coloured = {**TWO, "rows": [{**row, "tied": False} for row in TWO["rows"]]}
    assert page.pictures(TWO) != page.pictures(coloured)


def test_the_same_figures_make_the_same_picture() -> None:
    assert page.pictures(TWO) == page.pictures(TWO)
    assert page.pictures(TWO) != page.pictures({**TWO, "chosen": 2})


def test_who_was_given_up_is_said() -> None:
    halved = told({"a": ["1", "2", "3", "4"]}, {("1",): [0.5], ("2",): [0.6] * 5, ("3",): [0.5] * 3, ("4",): [0.4]}, 1,
                  rounds=[[4, 1], [2, 3], [1, 5]])  # fmt: skip
    assert [dropped(halved, row) for row in halved["rows"]] == [True, False, False, True]
    text = page.markdown({**halved, "pictures": {}} | {"pictures": page.pictures(halved)})
    assert "Successive halving" in text and "given" in text


def test_html_and_markdown_say_the_same_and_escape_it() -> None:
    known = {**TWO, "pictures": page.pictures(TWO)}
    html, markdown = page.html(known), page.markdown(known)
    assert "<b>" not in html and "&lt;b&gt;" in html
    for text in (html, markdown):
        assert "Chosen: a=1." in text and "16.7 points" in text and "looked at 5 times before" in text
    assert 'href="r.html"' in html and "gone" in html
