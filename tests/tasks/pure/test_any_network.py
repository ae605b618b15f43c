"""Surgery on networks with residual blocks, squeeze and excitation, attention: the same promises as for chains."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from artifacts import codecs
from tasks.pure import contracts, execution_path, frozen, stages, surgery
from tasks.pure.batch_statistics import calibrate_batch_norms
from tasks.pure.errors import SurgeryError
from tasks.pure.execution_path import ExecutionPath, Work
from tasks.pure.layer_choice import Reuse, TrainableChoice
from tasks.pure.layers import blocks, output_of
from tasks.pure.outlining import outline
from tasks.pure.training import Training, Watch
from tests.tasks.pure.small_networks import examples, images, weights
from tests.tasks.pure.user_networks import NETWORKS, SHAPE

if TYPE_CHECKING:
    import keras

pytestmark = pytest.mark.usefixtures("fresh_keras")
NAMES = {
    "residual": ["conv_stem", "add_1", "conv_top"],
    "squeezing": ["conv_stem", "excite", "conv_top"],
    "attentive": ["patches", "add_1", "add_2"],
}
everywhere = pytest.mark.parametrize("kind", sorted(NETWORKS))


def grafted(base: "keras.Model", layers: str | int = "all", copy: bool = True, shape: Any = SHAPE) -> "keras.Model":
    return surgery.graft(base, Reuse(layers, copy, ()).resolved(outline(base)), shape, 3, 5)


@everywhere
def test_a_block_is_named_by_its_end(kind: str) -> None:
    assert [block.name for block in blocks(NETWORKS[kind]())] == NAMES[kind]


@everywhere
def test_what_is_grafted_makes_of_pictures_what_the_base_made(kind: str) -> None:
    base = NETWORKS[kind]()
    model = grafted(base)
    seen = images(4).astype(np.float32)
    import keras

    below = keras.Model(model.input, output_of(model, outline(base)[-1]["name"]))
    assert np.array_equal(below(seen), base(seen))
    assert not {id(layer) for layer in model.layers} & {id(layer) for layer in base.layers}, "nothing is shared"


@everywhere
@pytest.mark.parametrize("count", [1, 2])
def test_a_cut_in_the_middle_gives_what_the_layer_below_it_makes_averaged(kind: str, count: int) -> None:
    import keras

    base = NETWORKS[kind]()
    model = grafted(base, count)
    seen = images(4).astype(np.float32)
    before_head = keras.Model(model.input, model.get_layer("head").input)
    top = outline_end(base, count)
    expected = np.asarray(keras.Model(base.input, output_of(base, top))(seen))
    averaged = expected.mean(axis=tuple(range(1, expected.ndim - 1)))
    np.testing.assert_allclose(before_head(seen), averaged, rtol=1e-5, atol=1e-6)
    assert [block.name for block in blocks(model)] == NAMES[kind][:count]


def outline_end(base: "keras.Model", count: int) -> str:
    from tasks.pure.outline import outlined_blocks

    return outlined_blocks(outline(base))[count - 1].end


@everywhere
def test_only_declared_layers_train_and_on_stored_activations_all_comes_out_the_same(kind: str) -> None:
    part = examples(14)
    work = Work(14, 0, 6, 2)
    for choice in (TrainableChoice("all", "frozen"), TrainableChoice("all", "frozen", 1)):
        found = []
        for stored in (False, True):
            model = grafted(NETWORKS[kind]())
            declared = choice.resolved(outline(model))
            surgery.set_trainable(model, declared)
            path = execution_path.of_grafted_network(outline(model), work, 512).path if stored else ExecutionPath()
            assert (path.cut is not None) == stored
            below = frozen.frozen_part(model, path.cut)
            seen = frozen.activations(below, part[0]) if below is not None else part[0]
            training = Training(2, 6, 0.01, None, False)
            before = weights(model)
            stages.train_under_contract(
                model, ((seen, part[1]), (seen[:0], part[1][:0])), declared, training, 3, Watch(), path
            )
            assert weights(model) != before
            found.append(model)
        if kind == "squeezing":  # TensorFlow fuses swish and sums a group norm in its own way: the last bit differs
            for one, other in zip(found[0].get_weights(), found[1].get_weights(), strict=True):
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
        else:
            assert weights(found[0]) == weights(found[1])


@everywhere
def test_a_random_base_keeps_the_shape_and_nothing_of_the_weights_and_is_drawn_from_the_seed_alone(kind: str) -> None:
    base = NETWORKS[kind]()
    copied, drawn, again = grafted(base), grafted(base, copy=False), grafted(base, copy=False)
    assert weights(drawn) == weights(again)
    kernels = {path for path in weights(copied) if "norm" not in path and "bn" not in path}
    assert kernels
    assert all(weights(drawn)[path] != weights(copied)[path] for path in kernels - {"head"})
    assert weights(drawn)["head"] == weights(copied)["head"], "what is on top begins alike"


def test_attention_is_drawn_with_other_numbers_for_queries_and_keys() -> None:
    layer = grafted(NETWORKS["attentive"](), copy=False).get_layer("attention")
    query, key, value = (np.asarray(each.kernel) for each in (layer.query_dense, layer.key_dense, layer.value_dense))
    assert not np.allclose(query, key)
    assert not np.allclose(key, value)


def test_a_calibrated_random_base_gives_mean_0_and_variance_1_behind_every_batch_norm() -> None:
    import keras

    model = grafted(NETWORKS["residual"](), copy=False)
    seen = images(40)
    calibrate_batch_norms(model, seen)
    norm = model.get_layer("bn_b")
    out = np.asarray(keras.Model(model.input, norm.output)(seen.astype(np.float32))).reshape(-1, 4)
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-4)


@everywhere
def test_it_comes_back_from_its_file_and_is_the_same_network(kind: str, tmp_path: Any) -> None:
    model = grafted(NETWORKS[kind](), shape=(12, 9, 3))
    content = codecs.encode_model(model, outline(model))
    content.write(tmp_path)
    twin = codecs.read_model(tmp_path)
    assert codecs.model_digest(twin) == content.digest
    seen = images(3, (12, 9, 3)).astype(np.float32)
    assert np.array_equal(twin(seen), model(seen))
    assert outline(twin) == content.facts["layers"]


@everywhere
def test_what_is_frozen_is_so_when_it_comes_back_from_its_file(kind: str, tmp_path: Any) -> None:
    model = grafted(NETWORKS[kind]())
    declared = TrainableChoice("all", "frozen").resolved(outline(model))
    surgery.set_trainable(model, declared)
    codecs.encode_model(model, outline(model)).write(tmp_path)
    twin = codecs.read_model(tmp_path)
    contracts.check_declared(twin, declared)
    assert [len(each.trainable_variables) for each in (model, twin)] == [2, 2]


def test_a_batch_norm_inside_a_block_stays_frozen_unless_told() -> None:
    model = grafted(NETWORKS["residual"]())
    for adapt, expected in (("frozen", set()), ("trained", {"bn_a", "bn_b"})):
        declared = TrainableChoice("all", adapt, ("add_1",)).resolved(outline(model))
        surgery.set_trainable(model, declared)
        contracts.check_declared(model, declared)
        assert {
            layer.name for layer in model.layers if layer.name.startswith("bn") and layer.trainable and layer.weights
        } == expected


def test_an_adapted_normalisation_goes_along_even_to_a_random_base() -> None:
    import keras

    norm = keras.layers.Normalization(name="norm")
    norm.adapt(images(50).astype(np.float32))
    image = keras.Input(SHAPE, name="image")
    base = keras.Model(image, keras.layers.Conv2D(3, 3, name="conv")(norm(image)))
    seen = images(4).astype(np.float32)
    for copy in (True, False):
        model = grafted(base, copy=copy)
        assert np.array_equal(keras.Model(model.input, model.get_layer("norm").output)(seen), norm(seen))


def test_weights_that_nobody_knows_how_to_draw_make_no_random_base(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    base = NETWORKS["residual"]()
    monkeypatch.setattr(keras.layers.DepthwiseConv2D, "depthwise_initializer", None, raising=False)
    del base.get_layer("conv_a").depthwise_initializer
    with pytest.raises(SurgeryError, match="Nobody knows how weight `kernel` of layer `conv_a`"):
        from tasks.pure.initialising import initialise

        initialise(base.layers, 0)
