"""The report's section about a base that was taken in."""

from typing import Any

import pytest

from tasks.pure.page import html, markdown
from tasks.pure.page_base import UNKNOWN_LICENCE, base_rows
from tests.tasks.pure import example_page

ABOUT: dict[str, Any] = {
    "kind": "package", "name": "efficientnet-lite0", "called": "efficientnet-lite0", "trained": False,
    "origin": "https://pypi.org/project/x", "licence": "Apache-2.0", "classes": ["daisy", "palace"],
    "parameters": 3_413_024, "input_size": [96, 96], "head": {"layers": ["pool", "fc"], "classes": 2},
}  # fmt: skip


def page(*, copy_weights: bool = True, **about: Any) -> Any:
    facts = {**example_page.page().facts, "source": None, "taken_in": {**ABOUT, **about}}
    return example_page.page(facts=facts, copy_weights=copy_weights, metrics=example_page.metrics(base=None))


def test_name_origin_licence_and_size_are_told() -> None:
    rows = dict(base_rows(ABOUT))
    assert rows["Network"] == "efficientnet-lite0, from an installed package"
    assert rows["Licence"] == "Apache-2.0" and rows["From"] == "https://pypi.org/project/x"
    assert rows["Parameters"] == "3,413,024" and rows["Pictures it takes"] == "96 × 96 pixels"
    assert rows["Classes it knew"] == "2" and rows["Head, left out"] == "pool, fc"
    assert "not trained here" in rows["Training"]


def test_a_licence_that_nobody_knows_is_said_to_be_unknown() -> None:
    assert dict(base_rows({**ABOUT, "licence": None}))["Licence"] == UNKNOWN_LICENCE


def test_what_is_not_known_is_left_out() -> None:
    rows = dict(base_rows({"kind": "file", "called": "mine.keras", "trained": True}))
    assert rows.keys() == {"Network", "Training", "Licence"} and "trained further" in rows["Training"]


@pytest.mark.parametrize("render", [html, markdown])
def test_a_page_without_a_source_has_a_base_instead(render: Any) -> None:
    text = render(page())
    assert "Apache" in text and "3,413,024" in text
    assert "Source task" not in text and "on its own task" not in text


@pytest.mark.parametrize("render", [html, markdown])
def test_a_base_that_was_trained_here_has_no_such_section(render: Any) -> None:
    assert "Licence" not in render(example_page.page())


def test_beside_a_base_whose_weights_were_not_copied_that_is_said() -> None:
    assert "## Base (random base: the weights were NOT copied)" in markdown(page(copy_weights=False))


def test_what_a_file_says_of_itself_is_text() -> None:
    assert "<script>" not in html(page(origin="<script>alert(1)</script>"))


def test_the_learning_curves_speak_of_a_source_only_where_there_is_one() -> None:
    assert "pretrain learns the source task" in html(example_page.page())
    assert "pretrain learns the source task" not in html(page())
