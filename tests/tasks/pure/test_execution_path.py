"""Which way a training is computed: by what the network holds, how much there is to do, the device, the recipe."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.pure.execution_path import (
    XLA_UPDATES,
    Chosen,
    ExecutionPath,
    Work,
    of_grafted_network,
    of_new_network,
)

MUCH = Work(examples=60_000, validated=0, batch_size=32, epochs=10)
UNSTEADY = ("Dropout", "GaussianNoise", "RandomFlip", "SomebodysOwnLayer")  # `test_outlining.py` has the real ones
LITTLE = Work(examples=20, validated=0, batch_size=10, epochs=20)


def layer(name: str, kind: str, shape: tuple[int, ...], weights: int = 0, trains: bool = False) -> dict[str, Any]:
    steady = kind not in UNSTEADY
    facts = {"name": name, "kind": kind, "output_shape": list(shape), "weights": weights, "trains": trains}
    return {**facts, "steady": steady}


def grafted(layers: Sequence[dict[str, Any]], work: Work, megabytes: int) -> Chosen:
    """The path for a chain of `layers`, each on the one before."""
    before = [[], *([layer["name"]] for layer in layers)]
    return of_grafted_network(
        [{**layer, "inputs": of} for layer, of in zip(layers, before, strict=False)], work, megabytes
    )


IMAGE = layer("image", "InputLayer", (28, 28, 1))
FLAT = layer("flatten", "Flatten", (784,))
HEAD = layer("head", "Dense", (10,), 170, trains=True)


def dense(name: str, width: int, trains: bool = False) -> dict[str, Any]:
    return layer(name, "Dense", (width,), 784 * width, trains)


CONV = layer("conv_1", "Conv2D", (28, 28, 32), 288)
NORM = layer("conv_1_batch_norm", "BatchNormalization", (28, 28, 32), 128)
POOLED = layer("global_average", "GlobalAveragePooling2D", (32,))
DENSE_NET = [IMAGE, FLAT, dense("dense_1", 128), dense("dense_2", 16), HEAD]
CNN = [IMAGE, CONV, NORM, POOLED, HEAD]


def test_a_dense_pretraining_is_compiled_with_xla_a_convolution_never() -> None:
    assert of_new_network("dense", MUCH) == Chosen(ExecutionPath(jit=True))
    assert of_new_network("cnn", MUCH) == Chosen(ExecutionPath(jit=False))


def test_what_is_too_short_to_pay_for_its_compilation_is_not() -> None:
    work = replace(MUCH, examples=XLA_UPDATES, batch_size=1, epochs=1)
    assert of_new_network("dense", work).path.jit
    assert not of_new_network("dense", replace(work, examples=XLA_UPDATES - 1)).path.jit
    assert not of_new_network("dense", LITTLE).path.jit


def test_the_head_of_a_frozen_base_trains_on_activations_just_below_it() -> None:
    assert grafted(DENSE_NET, MUCH, 512) == Chosen(ExecutionPath(True, "dense_2"))
    assert grafted(CNN, MUCH, 512) == Chosen(ExecutionPath(True, "global_average")), "only Dense is left"
    assert grafted(CNN, LITTLE, 512) == Chosen(ExecutionPath(False, "global_average"))


def test_fine_tuning_trains_on_activations_below_its_first_trainable_layer() -> None:
    tuned = [IMAGE, FLAT, dense("dense_1", 128), dense("dense_2", 16, trains=True), HEAD]
    assert grafted(tuned, MUCH, 512).path.cut == "dense_1"


def test_a_fixed_conversion_to_grey_is_no_frozen_base() -> None:
    grey = layer("to_grey", "Conv2D", (28, 28, 1), 3)
    all_of_it = [IMAGE, grey, FLAT, dense("dense_1", 128, trains=True), HEAD]
    assert grafted(all_of_it, MUCH, 512).path.cut is None


def test_with_everything_unfrozen_there_is_nothing_to_store_and_nothing_to_say() -> None:
    all_of_it = [IMAGE, FLAT, dense("dense_1", 128, trains=True), HEAD]
    assert grafted(all_of_it, MUCH, 512) == Chosen(ExecutionPath(jit=True))


@pytest.mark.parametrize("kind", UNSTEADY)
def test_the_cut_lies_below_what_differs_by_epoch(kind: str) -> None:
    stochastic = [
        IMAGE,
        CONV,
        layer("noise", kind, (28, 28, 32)),
        layer("conv_2", "Conv2D", (28, 28, 8), 9),
        POOLED,
        HEAD,
    ]
    assert grafted(stochastic, LITTLE, 512) == Chosen(ExecutionPath(False, "conv_1"))


@pytest.mark.parametrize("kind", UNSTEADY)
def test_what_differs_by_epoch_below_all_frozen_layers_refuses_a_cut_and_says_why(kind: str) -> None:
    stochastic = [IMAGE, layer("noise", kind, (28, 28, 32)), CONV, POOLED, HEAD]
    chosen = grafted(stochastic, MUCH, 512)
    assert chosen.path.cut is None and "`noise`" in chosen.remark


def test_of_a_block_that_is_partly_frozen_the_cut_is_the_one_before() -> None:
    inside = layer("conv_b", "Conv2D", (28, 28, 32), 9, trains=True)
    joined = layer("add", "Add", (28, 28, 32))
    chain = [IMAGE, CONV, layer("conv_a", "Conv2D", (28, 28, 32), 9), inside, joined, POOLED, HEAD]
    of = [[], ["image"], ["conv_1"], ["conv_a"], ["conv_1", "conv_b"], ["add"], ["global_average"]]
    outline = [{**each, "inputs": inputs} for each, inputs in zip(chain, of, strict=True)]
    assert of_grafted_network(outline, LITTLE, 512).path.cut == "conv_1"


def test_dropout_above_the_cut_does_not() -> None:
    above = [IMAGE, FLAT, dense("dense_1", 128), HEAD | {"trains": True}, layer("noise", "Dropout", (10,))]
    assert grafted(above, MUCH, 512).path.cut == "dense_1"


def test_a_batch_norm_that_adapts_is_above_the_cut() -> None:
    """It trains, so its inputs are what is stored; never its own, moving outputs."""
    adapting = [IMAGE, CONV, NORM | {"trains": True}, POOLED, HEAD]
    assert grafted(adapting, LITTLE, 512).path.cut == "conv_1"


def test_activations_beyond_the_recipes_bound_are_not_stored() -> None:
    size = 4 * 32 * 60_000 / 1e6  # 7.68 MB
    assert grafted(CNN, MUCH, 8).path.cut == "global_average"
    refused = grafted(CNN, MUCH, 7)
    assert refused.path.cut is None and f"{size:,.0f} MB" in refused.remark and "feature_cache_mb" in refused.remark
    assert grafted(CNN, replace(MUCH, validated=10_000), 8).path.cut is None, "validation counts"
    assert grafted(CNN, MUCH, 0).path.cut is None


def test_a_last_batch_of_one_refuses_it() -> None:
    """A product with a single row has other last bits."""
    assert grafted(CNN, replace(LITTLE, examples=21), 512).path.cut is None
    assert grafted(CNN, replace(LITTLE, batch_size=1), 512).path.cut is None


def test_what_is_augmented_trains_on_images_without_xla_and_says_why() -> None:
    augmented = replace(MUCH, augmented=True)
    assert of_new_network("dense", augmented) == Chosen(ExecutionPath())
    chosen = grafted(DENSE_NET, augmented, 512)
    assert chosen.path == ExecutionPath() and "`augment` draws other pictures each time" in chosen.remark
    all_of_it = [IMAGE, FLAT, dense("dense_1", 128, trains=True), HEAD]
    assert grafted(all_of_it, augmented, 512) == Chosen(ExecutionPath())


def test_fixed_copies_train_on_activations_like_any_others_and_each_counts() -> None:
    """7.68 MB a copy."""
    copies = replace(MUCH, augmented=True, copies=4, validated=60_000)
    assert grafted(CNN, copies, 39) == Chosen(ExecutionPath(True, "global_average"))
    refused = grafted(CNN, copies, 38)
    assert refused.path == ExecutionPath() and "38 MB" in refused.remark
    assert "anew in every epoch instead of `augment_copies`" in refused.remark


@given(st.integers(1, 10**6), st.integers(1, 512), st.integers(1, 100))
def test_a_convolution_is_never_compiled_with_xla(examples: int, batch_size: int, epochs: int) -> None:
    work = Work(examples, 0, batch_size, epochs)
    in_graph = grafted([IMAGE, CONV | {"trains": True}, POOLED, HEAD], work, 512)
    assert not of_new_network("cnn", work).path.jit and not in_graph.path.jit
