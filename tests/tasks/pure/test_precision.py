"""`precision: mixed_bfloat16`: products in bfloat16 while it trains, weights and the saved network in float32."""

import numpy as np
import pytest

from artifacts.codecs import model_digest
from tasks.device import has_bfloat16
from tasks.pure import rate_finding
from tasks.pure.precision import computing_in
from tasks.pure.surgery import Trainable, set_trainable
from tasks.pure.training import Training
from tests.tasks.pure.small_networks import built, examples, moved, network, reloaded, train, weights

MIXED = "mixed_bfloat16"
LIKE = network("cnn", (4, 4), batch_norm=True)
DENSE = network("dense", (8, 8))

needs_bfloat16 = pytest.mark.skipif(not has_bfloat16(), reason="this machine has no bfloat16")
pytestmark = pytest.mark.usefixtures("fresh_keras")


def test_layers_compute_in_it_inside_the_block_alone_and_weights_never_do():
    model = built(LIKE)
    digest = model_digest(model)
    with computing_in(model, MIXED):
        inside = {layer.name: layer.compute_dtype for layer in model.layers}
        assert {weight.dtype for weight in model.weights} == {"float32"}
    assert inside["conv_1"] == inside["conv_2_batch_norm"] == "bfloat16"
    assert inside["scale"] == inside["head"] == "float32", "pixels are scaled and answers given in full"
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert model_digest(model) == digest


def test_it_is_taken_back_where_the_block_fails():
    model = built(LIKE)
    with pytest.raises(KeyError), computing_in(model, MIXED):
        raise KeyError
    assert model.get_layer("conv_1").compute_dtype == "float32"


def test_what_attention_is_made_of_computes_in_it_too():
    import keras

    image = keras.Input((4, 8), name="image")
    x = keras.layers.MultiHeadAttention(2, 4, name="attention")(image, image)
    model = keras.Model(image, x, name="graft")
    with computing_in(model, MIXED):
        parts = [part.compute_dtype for part in model.get_layer("attention")._flatten_layers()]
        assert len(parts) > 4 and set(parts) == {"bfloat16"}


@needs_bfloat16
@pytest.mark.parametrize(("like", "jit"), [(LIKE, False), (DENSE, True)], ids=["cnn", "dense under XLA"])
def test_a_training_in_it_is_near_that_in_float32_and_not_the_same(like, jit: bool):
    mixed, full = built(like), built(like)
    found = train(mixed, examples(48), examples(12, seed=5), batch_size=12, jit=jit, precision=MIXED)
    expected = train(full, examples(48), examples(12, seed=5), batch_size=12, jit=jit)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=0.05)
    assert found["loss"].tolist() != expected["loss"].tolist()


@needs_bfloat16
def test_the_same_seed_gives_the_same_bits():
    models = [built(LIKE), built(LIKE)]
    for model in models:
        train(model, examples(24), batch_size=12, precision=MIXED)
    assert weights(models[0]) == weights(models[1])


@needs_bfloat16
def test_the_saved_network_is_float32_and_answers_the_same_in_plain_keras():
    model = built(LIKE)
    train(model, examples(24), batch_size=12, precision=MIXED)
    again, pictures = reloaded(model), examples(6)[0]
    assert {layer.dtype_policy.name for layer in again.layers} == {"float32"}
    answers = np.asarray(model(pictures, training=False))
    assert answers.dtype == np.float32
    np.testing.assert_array_equal(answers, np.asarray(again(pictures, training=False)))


@needs_bfloat16
def test_what_is_frozen_does_not_move():
    model = built(LIKE)
    set_trainable(model, Trainable(("conv_2", "head"), ()))
    before = weights(model)
    train(model, examples(24), batch_size=12, precision=MIXED)
    assert moved(before, model) == {"conv_2", "head"}


@needs_bfloat16
def test_the_search_for_a_rate_computes_in_it_too():
    def losses(precision: str) -> tuple[float, ...]:
        how = Training(1, 12, 0.0, None, False, auto_rate=True, precision=precision)
        return rate_finding.find(built(DENSE), examples(48), how, 7).losses

    assert losses(MIXED) != losses("float32")
