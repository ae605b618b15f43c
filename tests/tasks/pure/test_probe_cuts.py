"""Words for cuts mean layers of each base, from the bottom up, known before any base is asked."""

from typing import Any

import pytest

from tasks.pure.errors import SurgeryError
from tasks.pure.probe_cuts import resolved


def chain(*names: str) -> list[dict[str, Any]]:
    """The outline of convolutions one above the other."""
    image = {"name": "image", "kind": "InputLayer", "inputs": [], "output_shape": [8, 8, 3], "weights": 0}
    below = ["image", *names]
    convolutions = [
        {"name": name, "kind": "Conv2D", "inputs": [under], "output_shape": [8, 8, 4], "weights": 9}
        for under, name in zip(below, names, strict=False)
    ]
    return [{**each, "trains": True, "steady": True} for each in (image, *convolutions)]


A, B = chain("stem", "block_1", "block_2", "top_conv"), chain("conv_1", "conv_2")


def cuts(*words: str) -> tuple[str | None, ...]:
    return resolved({"a": A}, words)["a"]


def test_without_words_the_top_alone() -> None:
    assert cuts() == (None,) == cuts("top")


def test_numbers_count_from_the_bottom_and_patterns_mean_all_that_fit() -> None:
    assert cuts("2") == ("block_1",)
    assert cuts("block_[12]", "stem") == ("stem", "block_1", "block_2")
    assert cuts("block_2", "top") == ("block_2", None)


def test_the_topmost_layer_is_the_top() -> None:
    assert cuts("top_conv") == cuts("4") == (None,)
    assert cuts("all") == ("stem", "block_1", "block_2", None)


def test_a_word_counts_for_the_bases_that_have_such_a_layer() -> None:
    assert resolved({"a": A, "b": B}, ["block_1"]) == {"a": ("block_1",), "b": (None,)}
    assert resolved({"a": A, "b": B}, ["3", "1"]) == {"a": ("stem", "block_2"), "b": ("conv_1",)}


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("blok_1", "a: `--cuts`: no layer named `blok_1`; did you mean `block_1`?"),
        ("5", "`--cuts`: 5 of 4 layers of the base; expected at most 4"),
        ("0", "1 or more, found 0"),
        ("-1", "1 or more, found -1"),
    ],
)
def test_what_no_base_has_is_refused_with_the_nearest(word: str, said: str) -> None:
    with pytest.raises(SurgeryError) as refused:
        resolved({"a": A, "b": B}, ["top", word])
    assert said in str(refused.value) and "No other base has such a layer: b." in str(refused.value)
