"""Optimisers, schedules, decay, clipping, smoothing and averages: each against Keras' own `fit` or a reference."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasks.pure import optimising
from tasks.pure.callbacks import seed_dropouts
from tasks.pure.compiling import compile_model
from tasks.pure.errors import Diverged
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.fitting import fit
from tasks.pure.order import permutation
from tasks.pure.training import State, Training, Watch
from tests.tasks.pure.small_networks import built, examples, network, none_of, weights

PLAIN = Training(epochs=2, batch_size=4, learning_rate=0.01, early_stopping=None, class_weights=False)
SMALL = network("dense", (4,))
NORMED = network("dense", (4,), batch_norm=True)
COUNT, STEPS, SEED = 11, 3, 7  # the last batch is smaller
slow = pytest.mark.slow
pytestmark = pytest.mark.usefixtures("fresh_keras")


def trained(training: Training, like: Any = SMALL, jit: bool = False, num_classes: int = 3) -> Any:
    model, part = built(like, num_classes=num_classes), examples(COUNT, num_classes)
    fit(model, part, none_of(part), training, SEED, path=ExecutionPath(jit))
    return model


def by_keras(training: Training, optimizer: Any, **compiled: Any) -> Any:
    """The same, a batch at a time, with an optimiser that Keras' documentation would have one write."""
    model, (pictures, labels) = built(SMALL), examples(COUNT)
    compile_model(model, optimizer, **compiled)
    for epoch in range(training.epochs):
        seed_dropouts(model, SEED, epoch)
        order = permutation(SEED, epoch, COUNT)
        for start in range(0, COUNT, training.batch_size):
            chosen = order[start : start + training.batch_size]
            model.train_on_batch(pictures[chosen], labels[chosen])
    return model


def adam() -> Any:
    import keras

    return keras.optimizers.Adam(0.01)


def adamw() -> Any:
    import keras

    made = keras.optimizers.AdamW(0.01, weight_decay=0.5)
    made.exclude_from_weight_decay(var_names=["bias"])
    return made


def nesterov() -> Any:
    import keras

    return keras.optimizers.SGD(0.01, momentum=0.8, nesterov=True)


def clipped() -> Any:
    import keras

    return keras.optimizers.SGD(0.01, momentum=0.9, global_clipnorm=0.1)


def cosine() -> Any:
    import keras

    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.01, 2 * STEPS))


@pytest.mark.parametrize(
    "keys, theirs",
    [
        ({}, adam),
        ({"optimizer": "adamw", "weight_decay": 0.5}, adamw),
        ({"optimizer": "sgd", "momentum": 0.8, "nesterov": True}, nesterov),
        ({"optimizer": "sgd", "clip_norm": 0.1}, clipped),
        ({"schedule": "cosine"}, cosine),
    ],
    ids=["adam", "adamw", "nesterov", "clipped", "cosine"],
)
def test_every_optimiser_is_keras_own_to_the_bit(keys: dict[str, Any], theirs: Callable[[], Any]) -> None:
    training = replace(PLAIN, **keys)
    assert weights(trained(training)) == weights(by_keras(training, theirs()))


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(
            {"optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 0.5, "schedule": "one_cycle", "warmup": 0.3},
            marks=slow,
        ),
        {"optimizer": "sgd", "nesterov": True, "ema": 0.8, "schedule": "cosine", "warmup": 0.3, "label_smoothing": 0.1},
    ],
    ids=["adamw", "sgd"],
)
def test_xla_gives_the_same_network_to_rounding(keys: dict[str, Any]) -> None:
    plain, xla = (trained(replace(PLAIN, epochs=3, **keys), jit=jit) for jit in (False, True))
    for mine, theirs in zip(plain.get_weights(), xla.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_weight_decay_draws_kernels_alone(name: str) -> None:
    """With a gradient of (almost) nothing only the decay moves: each update leaves 1 - rate · decay."""
    training = replace(PLAIN, epochs=1, batch_size=COUNT, optimizer=name, weight_decay=3.0)
    with_decay, without = trained(training, NORMED), trained(replace(training, weight_decay=None), NORMED)
    before = built(NORMED)
    changed = []
    for mine, plain, start in zip(with_decay.weights, without.weights, before.weights, strict=True):
        taken = np.asarray(plain) - np.asarray(mine)
        if np.any(taken):
            changed.append(mine.path)
            np.testing.assert_allclose(taken, 0.01 * 3.0 * np.asarray(start), rtol=1e-3, atol=1e-6)
    assert changed == [variable.path for variable in with_decay.trainable_variables if variable.name == "kernel"]


def test_norms_of_every_kind_and_biases_of_any_shape_are_left_alone() -> None:
    import keras

    tokens = keras.Input((3, 4))
    mixed = keras.layers.MultiHeadAttention(2, 2)(tokens, tokens)
    wide = keras.layers.LayerNormalization(axis=[1, 2])(mixed)
    out = keras.layers.PReLU()(keras.layers.Dense(2)(keras.layers.RMSNormalization()(wide)))
    model = keras.Model(tokens, out)
    spared = {variable.path for variable in optimising.undecayed(model)}
    decayed = {variable.path.split("/", 1)[1] for variable in model.trainable_variables if variable.path not in spared}
    assert all(path.endswith(("kernel", "alpha")) for path in decayed)
    assert len(decayed) == 4 + 1 + 1, "four projections, the Dense and the slopes"


def rates(schedule: Any, updates: int) -> list[float]:
    return [float(schedule(update)) for update in range(updates)]


def test_one_cycle_has_the_rates_of_pytorchs_own_test() -> None:
    """`test_onecycle_lr_cosine_annealing` in PyTorch's test/optim/test_lrscheduler.py: 10 steps, peak 25."""

    def down(seventh: int) -> float:
        return float(0.5 + (25 - 0.5) / 2 * (np.cos(np.pi * seventh / 7) + 1))

    expected = [1, 13, 25, *(down(seventh) for seventh in range(1, 7)), 0.5]
    np.testing.assert_allclose(rates(optimising.one_cycle(25.0, 10, 0.3, 25.0, 2.0), 10), expected, rtol=1e-5)


def test_one_cycle_begins_at_a_25th_and_ends_at_a_10000th_of_that() -> None:
    found = rates(optimising.rate(replace(PLAIN, schedule="one_cycle", warmup=0.25), 100), 100)
    assert found[24] == max(found) == pytest.approx(0.01)
    np.testing.assert_allclose([found[0], found[-1]], [0.01 / 25, 0.01 / 25 / 1e4], rtol=1e-2)


@pytest.mark.parametrize("updates", [1, 2, 3])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_few_updates_have_rates_too(schedule: str, updates: int) -> None:
    for warmup in (0.0, 0.3, 0.9):
        rate = optimising.rate(replace(PLAIN, schedule=schedule, warmup=warmup), updates)
        found = [rate] if isinstance(rate, float) else rates(rate, updates)
        assert np.isfinite(found).all() and min(found) >= 0 and max(found) <= 0.01 * (1 + 1e-6)


def test_a_warm_up_is_a_straight_line_to_the_rate_and_then_what_the_schedule_says() -> None:
    line = [0, 0.002, 0.004, 0.006, 0.008]
    constant = rates(optimising.rate(replace(PLAIN, warmup=0.5), 10), 10)
    np.testing.assert_allclose(constant, [*line, *[0.01] * 5], rtol=1e-6)
    cosine = rates(optimising.rate(replace(PLAIN, schedule="cosine", warmup=0.5), 10), 10)
    falling = 0.01 / 2 * (1 + np.cos(np.pi * np.arange(5) / 5))  # torch.optim.lr_scheduler.CosineAnnealingLR
    np.testing.assert_allclose(cosine, [*line, *falling], rtol=1e-5)


def test_the_history_tells_the_rate_where_it_is_not_constant() -> None:
    part = examples(COUNT)
    history = fit(built(SMALL), part, none_of(part), replace(PLAIN, schedule="cosine"), SEED).history
    last = [0.01 / 2 * (1 + np.cos(np.pi * update / 6)) for update in (2, 5)]
    np.testing.assert_allclose(history["learning_rate"], last, rtol=1e-5)
    assert list(history.columns)[-1] == "learning_rate"


@pytest.mark.parametrize("num_classes", [2, 3])
@pytest.mark.parametrize("mixup", [None, 0.5])
def test_smoothing_spreads_its_share_of_a_label_over_all_classes(num_classes: int, mixup: float | None) -> None:
    import keras

    model, (pictures, labels) = built(SMALL, num_classes=num_classes), examples(12, num_classes)
    out = np.asarray(model(pictures), np.float64)
    answers = np.hstack([1 - out, out]) if num_classes == 2 else out
    shares = np.eye(num_classes)[labels] * 0.8 + 0.2 / num_classes
    given = np.eye(num_classes)[labels] if mixup and num_classes > 2 else labels.astype("float32" if mixup else "int64")
    compile_model(model, keras.optimizers.Adam(0.01), mixed=bool(mixup), smoothing=0.2)
    loss, accuracy = model.evaluate(pictures, given, batch_size=12, verbose=0)
    np.testing.assert_allclose(loss, -(shares * np.log(answers)).sum(axis=1).mean(), rtol=1e-5)
    np.testing.assert_allclose(accuracy, (answers.argmax(axis=1) == labels).mean(), rtol=1e-6)


def test_smoothing_trains_with_the_smoothed_loss() -> None:
    smoothed = replace(PLAIN, label_smoothing=0.3)
    assert weights(trained(smoothed)) == weights(by_keras(smoothed, adam(), smoothing=0.3))
    assert weights(trained(smoothed)) != weights(trained(PLAIN))


def test_the_kept_network_is_the_moving_average_of_what_was_trained() -> None:
    """Keras' rule: the first update's weights, then decay · average + (1 - decay) · weights, an update each."""
    model, (pictures, labels) = built(SMALL), examples(COUNT)
    compile_model(model, adam())
    average: list[np.ndarray] = []
    for epoch in range(2):
        order = permutation(SEED, epoch, COUNT)
        for start in range(0, COUNT, 4):
            chosen = order[start : start + 4]
            model.train_on_batch(pictures[chosen], labels[chosen])
            now = model.get_weights()
            average = [0.8 * old + 0.2 * new for old, new in zip(average, now, strict=True)] if average else now
    found = trained(replace(PLAIN, ema=0.8)).get_weights()
    for mine, theirs in zip(found, average, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)


def test_the_averages_are_what_is_validated_and_training_goes_on_without_them() -> None:
    import keras

    part, validation = examples(COUNT), examples(9, seed=5)
    averaged, plain = built(NORMED), built(NORMED)
    histories = [
        fit(model, part, validation, replace(PLAIN, ema=ema), SEED).history
        for model, ema in ((averaged, 0.8), (plain, None))
    ]
    assert histories[0]["loss"].equals(histories[1]["loss"])
    compile_model(averaged, keras.optimizers.Adam(0.01))
    found = averaged.evaluate(*validation, verbose=0)
    np.testing.assert_allclose(histories[0].iloc[-1][["val_loss", "val_accuracy"]], found, rtol=1e-5)
    assert weights(averaged) != weights(plain)


def test_early_stopping_takes_the_best_averages_back() -> None:
    part, pictures_and_wrong = examples(COUNT), (examples(COUNT)[0], (examples(COUNT)[1] + 1) % 3)
    long = replace(PLAIN, epochs=20, learning_rate=0.05, ema=0.5)
    stopped, best = built(NORMED), built(NORMED)
    history = fit(stopped, part, pictures_and_wrong, replace(long, early_stopping=2), SEED).history
    epochs = int(history["val_loss"].argmin()) + 1
    assert len(history) == epochs + 2 < 20
    fit(best, part, pictures_and_wrong, replace(long, epochs=epochs), SEED)
    assert weights(stopped) == weights(best)


QUICK = (("adam", None), ("sgd", 0.8))
HARD = {"schedule": "one_cycle", "warmup": 0.3, "clip_norm": 1.0, "weight_decay": 0.1, "early_stopping": 3}
RESUMED = [({"optimizer": name, "ema": ema, **HARD}, False) for name in ("adam", "adamw", "sgd") for ema in (None, 0.8)]


@pytest.mark.parametrize(
    "keys, jit", [*RESUMED, pytest.param({"optimizer": "sgd", "nesterov": True, "ema": 0.8, **HARD}, True, marks=slow)]
)
def test_a_killed_training_goes_on_to_the_same_bits(keys: dict[str, Any], jit: bool) -> None:
    training = replace(PLAIN, epochs=4, **keys)
    part, validation, path, states = examples(COUNT), examples(9, seed=5), ExecutionPath(jit), []
    whole, resumed = built(NORMED), built(NORMED)
    watch = Watch(save=lambda state: states.append(state()))
    expected = fit(whole, part, validation, training, SEED, watch, path)
    found = fit(resumed, part, validation, training, SEED, path=path, state=states[1])
    assert weights(resumed) == weights(whole) and found.history.equals(expected.history)


@pytest.mark.parametrize("ema", [None, 0.5])
@pytest.mark.parametrize("killed_after", [-1, -2, pytest.param(-3, marks=slow)])
def test_a_killed_training_stops_early_where_it_would_have_stopped(ema: float | None, killed_after: int) -> None:
    """Also where it had stopped already and was only to be stored; the best weights lie before the interruption."""
    part, wrong = examples(COUNT), (examples(COUNT)[0], (examples(COUNT)[1] + 1) % 3)
    training = replace(PLAIN, epochs=20, learning_rate=0.05, early_stopping=2, ema=ema)
    states: list[State] = []
    whole, resumed = built(SMALL), built(SMALL)
    watch = Watch(save=lambda state: states.append(state()))
    expected = fit(whole, part, wrong, training, SEED, watch)
    assert len(expected.history) < 20
    found = fit(resumed, part, wrong, training, SEED, state=states[killed_after])
    assert weights(resumed) == weights(whole) and found.history.equals(expected.history)


@pytest.mark.parametrize("jit", [False, pytest.param(True, marks=slow)], ids=["plain", "xla"])
def test_a_training_that_diverges_ends_at_once_and_says_where_and_what_to_try(jit: bool) -> None:
    told: list[tuple[int, float]] = []
    watch = Watch(progress=lambda epoch, fraction, logs: told.append((epoch, fraction)))
    part = examples(400)
    training = replace(PLAIN, epochs=50, learning_rate=1e38, schedule="cosine")
    with pytest.raises(
        Diverged, match=r"diverged in epoch 1 \(loss .*at a rate of (1e\+38|9\.\d+e\+37).*`warmup: .*`clip_norm"
    ) as error:
        fit(built(SMALL), part, none_of(part), training, SEED, watch, ExecutionPath(jit))
    assert "Lower its `learning_rate` (now 1e+38)" in str(error.value)
    assert str(error.value).endswith("`base.scale: unit` of a file or preset that is taken in.")
    assert all(epoch == 0 and fraction < 0.5 for epoch, fraction in told), "within the first epoch"


def test_what_is_done_already_is_not_advised() -> None:
    part = examples(COUNT)
    training = replace(PLAIN, learning_rate=1e38, warmup=0.1, clip_norm=1e30)
    with pytest.raises(Diverged) as error:
        fit(built(SMALL), part, none_of(part), training, SEED)
    assert "`warmup" not in str(error.value) and "`clip_norm" not in str(error.value)
