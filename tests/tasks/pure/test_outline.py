"""Where a network can be cut, and what a layer is: told from its outline, without Keras."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.pure.outline import (
    above_first,
    cut_points,
    multiply_adds,
    outlined_blocks,
    scales_pixels,
)


def layer(
    name: str, inputs: str = "", kind: str = "", weights: int = 0, shape: tuple[int, ...] = (8, 8, 4)
) -> dict[str, Any]:
    """`inputs` are names with spaces between; a layer called `conv…` or `dense…` has weights."""
    counts = weights or (10 if name.startswith(("conv", "dense", "head")) else 4 if name.startswith("bn") else 0)
    kind = kind or ("BatchNormalization" if name.startswith("bn") else "Conv2D" if counts else "ReLU")
    return {"name": name, "inputs": inputs.split(), "kind": kind, "weights": counts, "output_shape": list(shape)}


CHAIN = [
    layer("image"), layer("scale", "image", "Rescaling"), layer("conv_1", "scale"), layer("bn_1", "conv_1"),
    layer("relu_1", "bn_1"), layer("conv_2", "relu_1"), layer("pool", "conv_2", shape=(4,)),
    layer("head", "pool", "Dense", shape=(3,)),
]  # fmt: skip
RESIDUAL = [
    layer("image"), layer("conv_stem", "image"), layer("conv_a", "conv_stem"), layer("bn_a", "conv_a"),
    layer("conv_b", "bn_a"), layer("add_1", "conv_stem conv_b", "Add"), layer("relu", "add_1"),
    layer("conv_top", "relu"),
]  # fmt: skip


def test_a_chain_can_be_cut_anywhere() -> None:
    assert cut_points(CHAIN) == list(range(len(CHAIN)))


def test_a_residual_block_cannot_be_cut_inside() -> None:
    assert [RESIDUAL[place]["name"] for place in cut_points(RESIDUAL)] == [
        "image",
        "conv_stem",
        "add_1",
        "relu",
        "conv_top",
    ]


def test_each_convolution_of_a_chain_is_a_layer_and_takes_its_norm_and_activation_along() -> None:
    first, second = outlined_blocks(CHAIN)
    assert (first.name, first.members, first.end, first.batch_norm) == (
        "conv_1", ("conv_1", "bn_1", "relu_1"), "relu_1", True,
    )  # fmt: skip
    assert (second.name, second.members, second.end) == ("conv_2", ("conv_2",), "conv_2"), "global pooling is no member"
    assert not second.batch_norm


def test_a_residual_block_is_one_layer_named_by_its_end() -> None:
    blocks = outlined_blocks(RESIDUAL)
    assert [block.name for block in blocks] == ["conv_stem", "add_1", "conv_top"]
    assert blocks[1].members == ("conv_a", "bn_a", "conv_b", "add_1", "relu")
    assert blocks[1].end == "relu"
    assert blocks[1].batch_norm


def test_what_only_changes_the_rank_belongs_to_no_layer_but_a_norm_above_it_does() -> None:
    net = [
        layer("image"),
        layer("conv_1", "image"),
        layer("pool", "conv_1", shape=(4,)),
        layer("bn_top", "pool", shape=(4,)),
    ]
    (block,) = outlined_blocks(net)
    assert block.members == ("conv_1", "bn_top")
    assert block.end == "conv_1"


def test_a_fixed_layer_that_prepares_pixels_is_no_layer() -> None:
    flip = layer("scale_flip", "image", "Conv2D", weights=9)
    net = [layer("image"), flip, layer("conv_1", "scale_flip"), layer("scale_2", "conv_1", "Conv2D", weights=9)]
    assert [block.name for block in outlined_blocks(net)] == ["conv_1", "scale_2"], "only below all others"
    assert above_first(net) == {"conv_1", "scale_2"}
    assert scales_pixels(net)


def test_a_norm_below_everything_is_preparation_too() -> None:
    net = [layer("image"), layer("norm", "image", "Normalization", weights=7), layer("conv_1", "norm")]
    assert [block.name for block in outlined_blocks(net)] == ["conv_1"]
    assert scales_pixels(net)
    assert not scales_pixels([layer("image"), layer("conv_1", "image")])


def test_a_network_without_weights_has_no_layer() -> None:
    net = [layer("image"), layer("relu", "image")]
    assert outlined_blocks(net) == []
    assert above_first(net) == set()


def test_a_layer_that_is_used_twice_makes_one_block_of_all_between() -> None:
    twice = {**layer("conv_1"), "inputs": ["image", "conv_2"]}
    net = [layer("image"), twice, layer("conv_2", "conv_1"), layer("conv_3", "conv_1")]
    assert [block.name for block in outlined_blocks(net)] == ["conv_3"]


def test_a_weight_is_multiplied_once_at_every_place_of_its_output() -> None:
    net = [layer("image"), layer("conv_1", "image", weights=72, shape=(5, 5, 8)), layer("bn_1", "conv_1")]
    assert multiply_adds(net, ["conv_1", "bn_1"]) == 72 * 25
    assert multiply_adds([layer("dense_1", weights=30, shape=(3,))], ["dense_1"]) == 30


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Random networks in topological order from one input to one output, each layer on a path between them."""
    count = draw(st.integers(2, 9))
    inputs = [[]] + [sorted(draw(st.sets(st.integers(0, n - 1), min_size=1, max_size=3))) for n in range(1, count)]
    unread = set(range(count - 1)) - {place for read in inputs for place in read}
    inputs[-1] = sorted({*inputs[-1], *unread})
    return [layer(f"n{n}", " ".join(f"n{place}" for place in read)) for n, read in enumerate(inputs)]


@given(graphs())
def test_a_cut_point_is_what_no_path_goes_round(net: list[dict[str, Any]]) -> None:
    """By the definition: without it the top is out of reach."""

    def reaches_top(without: str) -> bool:
        reached = {net[0]["name"]} - {without}
        for each in net[1:]:
            if each["name"] != without and reached & set(each["inputs"]):
                reached.add(each["name"])
        return net[-1]["name"] in reached

    needed = [each["name"] for each in net if not reaches_top(each["name"])]
    assert [net[place]["name"] for place in cut_points(net)] == needed


def test_the_head_is_no_layer() -> None:
    assert "head" not in {member for block in outlined_blocks(CHAIN) for member in block.members}
