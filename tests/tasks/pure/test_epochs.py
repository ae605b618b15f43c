"""Whole epochs in one compiled program: the same network as step by step, however it is cut, read or interrupted.

The reference is Keras' own `train_on_batch` in the same order under the same jit setting.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure import callbacks, epochs
from tasks.pure import order as ordering
from tasks.pure.architectures import Network
from tasks.pure.callbacks import seed_dropouts
from tasks.pure.compiling import compile_model
from tasks.pure.errors import Diverged
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.fitting import fit
from tasks.pure.order import balanced
from tasks.pure.session import derive
from tasks.pure.training import Part, State, Training, Watch
from tests.tasks.pure.small_networks import built, examples, network, none_of, train, weights

if TYPE_CHECKING:
    import keras
    import pandas as pd

PLAIN_DENSE = network("dense", (5, 4))
FULL_DENSE = network("dense", (5, 4), batch_norm=True, dropout=0.3, l2=0.01)
FULL_CNN = network("cnn", (5, 4), batch_norm=True, dropout=0.3, l2=0.01)
COUNT, SIZE = 23, 4  # six batches, the last one smaller

XLA_DENSE = network("dense", (4,), dropout=0.3, l2=0.01)  # compiling costs seconds a layer

with_and_without_xla = pytest.mark.parametrize("jit", [False, True], ids=["plain", "xla"])
each_kind = pytest.mark.parametrize(
    "like, jit", [(FULL_DENSE, False), (FULL_CNN, False), (XLA_DENSE, True)], ids=["dense", "cnn", "dense-xla"]
)
slow = pytest.mark.slow
pytestmark = pytest.mark.usefixtures("fresh_keras")


def batches(part: Part, training: Training, seed: int) -> Iterator[tuple[int, np.ndarray]]:
    """(epoch, indices) of every batch, in the order that (seed, epoch) decides."""
    for epoch in range(training.epochs):
        drawn = np.random.Generator(np.random.PCG64(derive(seed, "order", epoch))).permutation(len(part[1]))
        for start in range(0, len(drawn), training.batch_size):
            yield epoch, drawn[start : start + training.batch_size]


def by_hand(model: "keras.Model", part: Part, training: Training, jit: bool = False, seed: int = 7) -> None:
    """The plain loop, a step at a time."""
    import keras

    compile_model(model, keras.optimizers.Adam(training.learning_rate), jit)
    weight = balanced(part[1], model.output_shape[-1]) if training.class_weights else None
    begun = -1
    for epoch, chosen in batches(part, training, seed):
        if epoch != begun:
            begun = epoch
            seed_dropouts(model, seed, epoch)
        model.train_on_batch(part[0][chosen], part[1][chosen], None if weight is None else weight[chosen])


def how(epochs: int = 2, class_weights: bool = False, batch_size: int = SIZE) -> Training:
    return Training(epochs, batch_size, 0.01, None, class_weights)


@pytest.mark.parametrize(
    "like, jit, class_weights",
    [
        (PLAIN_DENSE, False, False),
        (network("dense", (5, 4), dropout=0.3, l2=0.01), False, True),
        (XLA_DENSE, True, True),
        pytest.param(PLAIN_DENSE, True, False, marks=slow),
        pytest.param(network("dense", (5, 4), dropout=0.3, l2=0.01), True, True, marks=slow),
    ],
)
def test_a_dense_network_is_bit_equal_to_train_on_batch(like: Any, jit: bool, class_weights: bool) -> None:
    fitted, plain, part = built(like), built(like), uneven(COUNT)
    fit(fitted, part, none_of(part), how(class_weights=class_weights), 7, path=ExecutionPath(jit))
    by_hand(plain, part, how(class_weights=class_weights), jit)
    assert weights(fitted) == weights(plain)


def uneven(count: int) -> Part:
    """Examples of three classes, one of them rare."""
    pictures, labels = examples(count)
    return pictures, np.where(np.arange(count) % 5 == 0, labels, labels // 2)


@pytest.fixture
def float64() -> Iterator[None]:
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize(
    "like, jit",
    [
        (FULL_DENSE, False),
        (FULL_CNN, False),
        (network("dense", (4,), batch_norm=True, dropout=0.3, l2=0.01), True),
        pytest.param(FULL_CNN, True, marks=slow),
    ],
)
def test_any_network_is_that_of_train_on_batch_layer_by_layer(like: Any, jit: bool, float64: None) -> None:
    """With batch norm, dropout, L2 and class weights, over several epochs. No bias stands before a batch norm here."""
    fitted, plain, part = built(like), built(like), uneven(COUNT)
    fit(fitted, part, none_of(part), how(4, class_weights=True), 7, path=ExecutionPath(jit))
    by_hand(plain, part, how(4, class_weights=True), jit)
    for layer in fitted.layers:
        for mine, theirs in zip(layer.get_weights(), plain.get_layer(layer.name).get_weights(), strict=True):
            assert mine.dtype == np.float64
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12, err_msg=layer.name)


def test_the_two_paths_agree_to_float64s_precision(float64: None) -> None:
    like = network("dense", (5, 4), batch_norm=True, l2=0.01)
    plain, xla, part = built(like), built(like), uneven(COUNT)
    for model, jit in ((plain, False), (xla, True)):
        fit(model, part, none_of(part), how(4), 7, path=ExecutionPath(jit))
    for mine, theirs in zip(plain.get_weights(), xla.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12)


@each_kind
@pytest.mark.parametrize("first_steps, growth", [(3, 1), (50, 8)])  # five batches, otherwise one at a time
def test_the_number_of_calls_changes_no_bit(
    like: Any, jit: bool, first_steps: int, growth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, history = as_usual(like, jit)
    monkeypatch.setattr(epochs, "FIRST_STEPS", first_steps)
    monkeypatch.setattr(epochs, "GROWTH", growth)
    other = built(like)
    again = train(other, examples(COUNT), batch_size=SIZE, jit=jit)
    assert weights(other) == usual and history.equals(again)


@cache
def as_usual(like: Network, jit: bool) -> tuple[dict[str, list[bytes]], "pd.DataFrame"]:
    """Weights and history of a training that is cut as ever."""
    model = built(like)
    history = train(model, examples(COUNT), batch_size=SIZE, jit=jit)
    return weights(model), history


@each_kind
def test_data_that_streams_gives_the_same_bits(like: Any, jit: bool) -> None:
    resident, streaming, part = built(like), built(like), uneven(COUNT)
    results = {}
    for model, limit in ((resident, 2**30), (streaming, 0)):
        with resident_up_to(limit):
            results[limit] = fit(model, part, examples(5), how(3, class_weights=True), 7, path=ExecutionPath(jit))
    assert not results[2**30].streamed and results[0].streamed
    assert weights(resident) == weights(streaming)
    assert results[0].history.equals(results[2**30].history)


@contextmanager
def resident_up_to(limit: int) -> Iterator[None]:
    usual, ordering.RESIDENT_BYTES = ordering.RESIDENT_BYTES, limit
    try:
        yield
    finally:
        ordering.RESIDENT_BYTES = usual


def test_data_of_a_mapped_file_streams_without_being_read_whole(tmp_path: Any) -> None:
    mapped, usual, (pictures, labels) = built(PLAIN_DENSE), built(PLAIN_DENSE), examples(COUNT)
    np.save(tmp_path / "x.npy", pictures)
    read: list[int] = []

    class Watched(np.memmap):
        def __getitem__(self, chosen: Any) -> Any:
            rows = super().__getitem__(chosen)
            read.append(len(rows))
            return rows

    on_disk = np.load(tmp_path / "x.npy", mmap_mode="r").view(Watched)
    with resident_up_to(0):
        result = fit(mapped, (on_disk, labels), none_of((pictures, labels)), how(), 7)
    assert result.streamed and len(read) >= 12 and max(read) == SIZE
    fit(usual, (pictures, labels), none_of((pictures, labels)), how(), 7)
    assert weights(mapped) == weights(usual)


@each_kind
@pytest.mark.parametrize("stopped", [1, pytest.param(3, marks=slow)])
def test_a_training_that_goes_on_at_an_epoch_ends_with_the_same_bits(like: Any, jit: bool, stopped: int) -> None:
    whole, part, states = built(like), examples(COUNT), []
    watch = Watch(save=lambda state: states.append(state()))
    expected = fit(whole, part, examples(5), how(4), 7, watch, ExecutionPath(jit))
    assert [state.epoch for state in states] == [1, 2, 3, 4]
    resumed = built(like)  # only the state comes from the first
    state: State = states[stopped - 1]
    found = fit(resumed, part, examples(5), how(4), 7, path=ExecutionPath(jit), state=state)
    assert weights(resumed) == weights(whole)
    assert found.history.equals(expected.history)


@pytest.mark.parametrize("limit", [2**30, 0], ids=["resident", "streamed"])
def test_what_trains_on_batches_of_one_size_is_traced_once(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second trace takes as long as the first, and is made of whatever makes variables of its own."""
    import keras

    seen, step = [], keras.Model.train_step

    def counted(self: Any, data: Any) -> Any:
        seen.append(int(data[0].shape[0]))
        return step(self, data)

    monkeypatch.setattr(keras.Model, "train_step", counted)
    with resident_up_to(limit):
        train(built(PLAIN_DENSE), examples(COUNT), batch_size=SIZE)
    assert sorted(seen) == [COUNT % SIZE, SIZE]


def test_a_call_is_as_long_as_a_second_or_so_and_never_much_longer_than_the_last() -> None:
    pace = epochs.Pace()
    pace.took(8, 0.001)
    assert pace.steps == 64, "a first glimpse is not believed without limit"
    pace.took(64, 0.64)
    assert pace.steps == 100
    pace.took(100, 50.0)
    assert pace.steps == 2
    pace.took(2, 10.0)
    assert pace.steps == 1, "never nothing at all"


def test_an_interruption_is_heard_between_two_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python gets its turn after each call, in the middle of an epoch too."""

    class Stop(BaseException):
        pass

    def stop(epochs: int, fraction: float, logs: dict[str, float]) -> None:
        if (epochs, round(fraction, 2)) == (1, 0.33):
            raise Stop

    monkeypatch.setattr(epochs, "FIRST_STEPS", 2)
    with pytest.raises(Stop):
        train(built(PLAIN_DENSE), examples(COUNT), batch_size=SIZE, on_progress=stop)


@pytest.mark.parametrize("layer", ["RandomFlip", "RandomRotation", "GaussianNoise"])
def test_augmentation_trains_in_the_loop_and_draws_anew_every_time(layer: str) -> None:
    import keras

    options = {"RandomFlip": {}, "RandomRotation": {"factor": 0.1}, "GaussianNoise": {"stddev": 0.5}}[layer]

    def augmented() -> "keras.Model":
        base = built(PLAIN_DENSE)
        image = keras.Input(base.input_shape[1:], name="seen")
        augment = getattr(keras.layers, layer)(**options, seed=1, name="augment")
        return keras.Model(image, base(augment(image)), name="augmented")

    fitted, plain, part = augmented(), augmented(), examples(COUNT)
    fit(fitted, part, none_of(part), how(), 7)
    by_hand(plain, part, how())
    assert fitted_weights(fitted) == fitted_weights(plain)
    without = built(PLAIN_DENSE)
    fit(without, part, none_of(part), how(), 7)
    assert fitted_weights(fitted) != fitted_weights(without)


def fitted_weights(model: "keras.Model") -> list[bytes]:
    return [variable.numpy().tobytes() for variable in model.trainable_variables]


@with_and_without_xla
def test_mixed_precision_trains_with_its_scaled_loss(jit: bool) -> None:
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, part = built(network("dense", (16,))), examples(24)
        history = fit(
            model, part, none_of(part), Training(40, 8, 0.02, None, False), 7, path=ExecutionPath(jit)
        ).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert history["accuracy"].iloc[-1] >= 0.9
    assert all(weight.dtype == np.float32 for weight in model.get_weights())


@pytest.mark.parametrize("knows", [True, False], ids=["keras knows", "xla finds out"])
def test_what_xla_cannot_compile_trains_without_and_says_so_once(knows: bool) -> None:
    import keras
    import tensorflow as tf

    class Inverted(keras.layers.Layer):
        """Through Python, where XLA cannot follow."""

        def call(self, batch: Any) -> Any:
            inverted = tf.numpy_function(lambda pixels: 255 - pixels, [batch], batch.dtype)
            return tf.ensure_shape(inverted, batch.shape)

    def model() -> "keras.Model":
        base = built(PLAIN_DENSE)
        image = keras.Input(base.input_shape[1:], name="seen")
        turn = keras.layers.RandomRotation(0.1, seed=1, name="turn") if knows else Inverted(name="turn")
        return keras.Model(image, base(turn(image)), name="turned")

    refused, plain, part, remarks, states = model(), model(), examples(COUNT), [], []
    watch = Watch(remark=remarks.append, save=lambda state: states.append(state()))
    result = fit(refused, part, examples(5), how(), 7, watch, ExecutionPath(jit=True))
    expected = fit(plain, part, examples(5), how(), 7)
    assert result.jit is False
    assert len(remarks) == 1 and "XLA cannot compile" in remarks[0]
    assert fitted_weights(refused) == fitted_weights(plain)
    assert result.history.equals(expected.history)
    resumed = model()
    fit(resumed, part, examples(5), how(), 7, path=ExecutionPath(jit=True), state=states[0])
    assert fitted_weights(resumed) == fitted_weights(plain), "it goes on without XLA too"


def test_a_state_from_which_nobody_could_go_on_is_not_kept() -> None:
    states: list[State] = []
    part, watch = examples(COUNT), Watch(save=lambda state: states.append(state()))
    with pytest.raises(Diverged):
        fit(built(PLAIN_DENSE), part, none_of(part), Training(3, SIZE, 1e38, None, False), 7, watch)
    assert states == []


def test_a_training_that_had_only_to_be_stored_goes_on_at_its_end() -> None:
    whole, resumed, part, states = built(PLAIN_DENSE), built(PLAIN_DENSE), examples(COUNT), []
    watch = Watch(save=lambda state: states.append(state()))
    expected = fit(whole, part, none_of(part), how(), 7, watch)
    found = fit(resumed, part, none_of(part), how(), 7, state=states[-1])
    assert weights(resumed) == weights(whole) and found.history.equals(expected.history)


@with_and_without_xla
def test_keras_callbacks_see_every_epoch_with_its_figures(jit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    seen: list[tuple[int, list[str]]] = []
    note: Callable[[int, Any], None] = lambda epoch, logs: seen.append((epoch, sorted(logs)))  # noqa: E731
    added = keras.callbacks.LambdaCallback(on_epoch_end=note)
    keeper = callbacks.keeper
    monkeypatch.setattr(callbacks, "early_stopping", lambda *_: [added, keras.callbacks.TerminateOnNaN()])
    monkeypatch.setattr(callbacks, "keeper", lambda watch, epoch, _: keeper(watch, epoch, []))
    fit(built(PLAIN_DENSE), examples(COUNT), examples(5), how(3), 7, path=ExecutionPath(jit))
    assert seen == [(epoch, ["accuracy", "loss", "val_accuracy", "val_loss"]) for epoch in range(3)]


@with_and_without_xla
def test_loss_and_accuracy_of_an_epoch_are_those_that_keras_fit_says(jit: bool) -> None:
    """With nothing learnt in between (a rate of zero) they do not depend on the order."""
    import keras

    mine, keras_own, part = built(PLAIN_DENSE), built(PLAIN_DENSE), examples(COUNT)
    history = train(mine, part, batch_size=SIZE, epochs=1, learning_rate=0.0, jit=jit)
    compile_model(keras_own, keras.optimizers.Adam(0.0), jit)
    expected = keras_own.fit(*part, batch_size=SIZE, epochs=1, verbose=0).history
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-6)
    np.testing.assert_allclose(history["accuracy"], expected["accuracy"], rtol=1e-6)
