"""What the page of a sweep is told, one mapping:

| member | |
|---|---|
| `id`, `title`, `sentence`, `why`, `rule` | of the sweep, and what was chosen |
| `grid` | key → its values, as written |
| `chosen` | place of the chosen combination in `rows` |
| `rows` | combinations: `values` (as written, in the order of `grid`), `mean`, `error`, `seeds`, `accuracies`, `behind`, `noise`, `tied`, `updates`, `trained_weights` |
| `test` | accuracy of the chosen one by seed; `test_mean`, `test_error` |
| `num_validation`, `num_test`, `seeds` | images and seeds |
| `rounds` | number of combinations and of seeds, round by round |
| `runs` | paths of the test runs' reports by seed, "" where one is gone |
| `computed`, `reused`, `seconds`, `saved`, `test_looks`, `command` | what it took, and how to repeat it |
"""  # noqa: E501

from collections.abc import Mapping
from itertools import combinations
from typing import Any

Row = Mapping[str, Any]


def pairs(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The pairs of keys, each a heat map."""
    return list(combinations(told["grid"], 2))


def cells(told: Mapping[str, Any], pair: tuple[str, str]) -> dict[tuple[str, str], Row]:
    """The two keys' values → what stands in that cell: with further keys the chosen combination where it is one of
    them, else the best of those that went on longest."""
    first, second = (list(told["grid"]).index(key) for key in pair)
    found: dict[tuple[str, str], Row] = {}
    for row in told["rows"]:
        where = row["values"][first], row["values"][second]
        if where not in found or _before(told, row, found[where]):
            found[where] = row
    return found


def is_chosen(told: Mapping[str, Any], row: Row) -> bool:
    return told["rows"][told["chosen"]] is row


def greyed(row: Row) -> bool:
    """Whether its difference to the best is there, but inside the noise."""
    return bool(row["tied"] and abs(row["behind"]) > 1e-9)


def dropped(told: Mapping[str, Any], row: Row) -> bool:
    """Whether halving gave it up before the choice was made."""
    last = max(seeds for number, seeds in told["rounds"] if number > 1)
    return bool(row["seeds"] < last)


def _before(told: Mapping[str, Any], row: Row, other: Row) -> bool:
    return _rank(told, row) > _rank(told, other)


def _rank(told: Mapping[str, Any], row: Row) -> tuple[bool, bool, float]:
    return is_chosen(told, row), not dropped(told, row), row["mean"]
