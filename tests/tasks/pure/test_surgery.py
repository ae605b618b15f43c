"""Grafting takes weights over bit for bit, shares nothing, and leaves the base as it was: for any network and cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artifacts.codecs import model_digest
from tasks.pure import session
from tasks.pure.errors import SurgeryError
from tasks.pure.layer_choice import Scion, Trainable
from tasks.pure.layers import blocks
from tasks.pure.surgery import graft, set_trainable
from tests.tasks.pure.small_networks import (
    HEAD_ONLY,
    SHAPE,
    built,
    examples,
    grafted,
    images,
    moved,
    network,
    reloaded,
    scion,
    train,
    weights,
)

pytestmark = pytest.mark.usefixtures("tensorflow")

networks = st.builds(
    network,
    st.sampled_from(["dense", "cnn"]),
    st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    scale=st.sampled_from(["none", "unit"]),
    batch_norm=st.booleans(),
    dropout=st.sampled_from([0.0, 0.3]),
    l2=st.sampled_from([0.0, 0.01]),
)
shapes = st.tuples(st.integers(4, 12), st.integers(4, 12), st.sampled_from([1, 3]))
hiddens = st.lists(st.integers(1, 4), max_size=2).map(tuple)
few = settings(deadline=None, max_examples=15)


@few
@given(like=networks, shape=shapes, target=shapes, added=hiddens, num_classes=st.integers(2, 5), data=st.data())
def test_reused_weights_are_the_bases_and_nothing_is_shared(like, shape, target, added, num_classes, data):
    base = built(like, shape=shape)
    before, cut = model_digest(base), data.draw(st.integers(1, len(like.widths)), "cut")
    model = graft(base, scion(base, cut, add_hidden=added), target, num_classes, 0)

    reused = [member.name for block in blocks(base)[:cut] for member in block.members]
    assert {name: bits for name, bits in weights(model).items() if name in reused} == {
        name: bits for name, bits in weights(base).items() if name in reused
    }
    assert [block.name for block in blocks(model)] == [block.name for block in blocks(base)[:cut]] + [
        f"added_{number}" for number in range(1, len(added) + 1)
    ]
    assert not {id(variable) for variable in base.variables} & {id(variable) for variable in model.variables}
    assert not {id(layer) for layer in base.layers} & {id(layer) for layer in model.layers}
    assert model_digest(base) == before
    assert model.input_shape == (None, *target)
    assert model(images(2, target)).shape == (2, 1 if num_classes == 2 else num_classes)


@few
@given(like=networks, data=st.data())
def test_freezing_the_graft_does_not_touch_the_base(like, data):
    base = built(like)
    before, model = model_digest(base), grafted(base)
    names = [block.name for block in blocks(model)]
    chosen = data.draw(st.sets(st.sampled_from(names)).map(tuple), "trainable")
    set_trainable(model, Trainable(chosen, ()))
    assert model_digest(base) == before
    assert all(layer.trainable for layer in base.layers)


@settings(deadline=None, max_examples=3)
@given(like=networks)
def test_training_the_graft_does_not_touch_the_base(like):
    base = built(like)
    before, model = model_digest(base), grafted(base)
    start = weights(model)
    train(model, examples(9, 4), epochs=1)  # uneven classes: the bias moves even where all units are dead
    assert "head" in moved(start, model)
    assert model_digest(base) == before


def test_a_frozen_base_gives_a_trainable_graft():
    base = built(network(batch_norm=True))
    set_trainable(base, HEAD_ONLY)
    assert all(layer.trainable for layer in grafted(base).layers)
    assert not base.get_layer("dense_1").trainable


@pytest.mark.parametrize("architecture", ["dense", "cnn"])
def test_with_everything_reused_the_new_head_sees_what_the_old_one_saw(architecture):
    base = built(network(architecture, (5, 4), batch_norm=True, dropout=0.3))
    model = grafted(base, num_classes=3)
    model.get_layer("head").set_weights(base.get_layer("head").get_weights())
    np.testing.assert_array_equal(model(images(6)), base(images(6)))


@pytest.mark.parametrize("cut", [1, 2])
def test_a_cut_within_a_cnn_pools_its_maps_to_one_number_a_channel(cut: int):
    import keras

    base = built(network("cnn", (5, 4, 3), batch_norm=True))
    model = graft(base, scion(base, cut), SHAPE, 4, 0)
    maps = keras.Model(base.input, base.get_layer(f"conv_{cut}_pool").output)(images(6))
    below = keras.Model(model.input, model.get_layer("head").input)
    np.testing.assert_allclose(below(images(6)), np.asarray(maps).mean(axis=(1, 2)), rtol=1e-5)


def test_added_layers_stand_in_order_between_the_base_and_the_head():
    base = built(network("dense", (5, 4)))
    model = graft(base, scion(base, 1, add_hidden=(7, 6)), SHAPE, 4, 0)
    chain = [(layer.name, layer.kernel.shape) for layer in model.layers[-4:]]
    assert chain == [("dense_1", (64, 5)), ("added_1", (5, 7)), ("added_2", (7, 6)), ("head", (6, 4))]
    assert model.get_layer("added_1").activation.__name__ == "relu"


def test_the_seed_decides_the_new_weights():
    base = built(network())

    def head(seed: int) -> list[bytes]:
        return weights(graft(base, scion(base), SHAPE, 4, seed))["head"]

    assert head(1) == head(1) != head(2)


@pytest.mark.parametrize("row", [("dense_2",), ("dense_2", "dense_1"), ("dense_1", "dense_3"), (), ("head",)])
def test_only_an_unbroken_row_from_the_bottom_is_reused(row: tuple[str, ...]):
    base = built(network("dense", (5, 4, 3)))
    with pytest.raises(SurgeryError) as refusal:
        graft(base, Scion(row, True, ()), SHAPE, 4, 0)
    assert "`dense_1`, `dense_2`, `dense_3`" in str(refusal.value)
    assert "clone_with_weights.layers" in str(refusal.value)
    assert all(f"`{name}`" in str(refusal.value) for name in row)


def test_a_network_out_of_a_file_is_grafted_in_a_process_that_made_no_other():
    """Keras' automatic names clash there: a loaded network and a new, unnamed Dense would both be called `dense`."""
    base = reloaded(built(network("cnn", batch_norm=True, dropout=0.2)))
    session.fresh(0)
    model = graft(base, scion(base, add_hidden=(3,)), (9, 9, 3), 4, 0)
    assert len({layer.name for layer in model.layers}) == len(model.layers)
    assert model_digest(reloaded(model)) == model_digest(model)


def test_the_digest_of_a_graft_does_not_depend_on_what_was_made_before():
    def digest() -> str:
        base = built(network("cnn", batch_norm=True))
        session.fresh(3)
        return model_digest(grafted(base, (9, 9, 3)))

    first = digest()
    built(network("dense", (2, 2)))
    assert digest() == first
