"""Fine-tuning in stages, keeping the best epoch, blended, calibrated: one step, one history, resumable anywhere."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasks import resuming
from tasks.pure import fitting, tuning
from tasks.pure.errors import BadData, ContractBroken, SurgeryError
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.frozen import activations, frozen_part
from tasks.pure.recalibrating import Calibrated
from tasks.pure.stages import train_under_contract
from tasks.pure.surgery import Trainable, set_trainable
from tasks.pure.training import State, Training, Watch
from tasks.pure.tuning import Asked, Stage, Tuned, Tuning
from tests.tasks.pure.small_networks import built, examples, moved, network, none_of, weights

LIKE = network("dense", (5, 5, 4), batch_norm=True, dropout=0.2)
HEAD = Trainable(("head",), ())
TOP = Trainable(("dense_3", "head"), ("dense_3",))
TWO = Trainable(("dense_2", "dense_3", "head"), ("dense_3",))
PART, VALIDATION = examples(24), examples(12, seed=5)
GRADUAL = Tuning((Stage(HEAD, 2, 0.05), Stage(TWO, 2, 0.01)))

pytestmark = pytest.mark.usefixtures("fresh_keras")


def model_for(trainable: Trainable = TWO) -> Any:
    model = built(LIKE)
    set_trainable(model, trainable)
    return model


def asked(tuning_: Tuning, trainable: Trainable = TWO, epochs: int = 4, **others: Any) -> Asked:
    plain = {"batch_size": 12, "learning_rate": 0.05, "early_stopping": None, "class_weights": False}
    return Asked(trainable, Training(epochs=epochs, **{**plain, **others}), tuning_)


def tune(model: Any, what: Asked, watch: Watch | None = None, state: State | None = None, **others: Any) -> Tuned:
    parts = others.pop("parts", (PART, VALIDATION))
    return tuning.tune(model, parts, what, 7, watch or Watch(), state=state, **others)


def test_without_stages_it_is_the_training_that_it_was():
    plain, tuned = model_for(), model_for()
    what = asked(Tuning())
    fitted = train_under_contract(plain, (PART, VALIDATION), TWO, what.training, 7, Watch())
    found = tune(tuned, what)
    assert found.fitted.history.equals(fitted.history)
    assert weights(tuned) == weights(plain)
    assert (found.kept_epoch, found.blended) == (None, None)


def test_one_stage_of_everything_gives_the_same_weights():
    plain, staged = model_for(), model_for()
    tune(plain, asked(Tuning()))
    found = tune(staged, asked(Tuning((Stage(TWO, 4, 0.05),))))
    assert weights(staged) == weights(plain)
    assert found.fitted.history["stage"].tolist() == [1] * 4


def test_epochs_count_on_through_the_stages_in_one_history():
    told: list[int] = []
    watch = Watch(progress=lambda epoch, fraction, logs: told.append(epoch) if logs else None)
    history = tune(model_for(), asked(GRADUAL), watch).fitted.history
    assert list(history.columns) == ["epoch", "stage", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert history["epoch"].tolist() == list(range(4))
    assert history["stage"].tolist() == [1, 1, 2, 2]
    assert told == [1, 2, 3, 4]


def test_each_stage_moves_what_it_names_and_nothing_else(monkeypatch: pytest.MonkeyPatch):
    honest, seen = fitting.fit, []

    def fit(model: Any, *rest: Any) -> Any:
        before = weights(model)
        fitted = honest(model, *rest)
        seen.append(moved(before, model))
        return fitted

    monkeypatch.setattr(fitting, "fit", fit)
    model = model_for()
    flags = [layer.trainable for layer in model.layers]
    tune(model, asked(GRADUAL))
    assert seen == [{"head"}, {"dense_2", "dense_3", "dense_3_batch_norm", "head"}]
    assert [layer.trainable for layer in model.layers] == flags, "what `unfreeze` had left stays declared"


@pytest.mark.parametrize("norms", [(), ("dense_3",)])
def test_a_stage_that_trains_what_the_whole_leaves_frozen_is_refused(norms: tuple[str, ...]):
    whole = replace(TOP, trained_batch_norms=())
    stage = Trainable(whole.trainable_layers if norms else TWO.trainable_layers, norms)
    beyond = "dense_3" if norms else "dense_2"
    with pytest.raises(SurgeryError, match=f"stage 2 trains `{beyond}`, which `unfreeze.layers` leaves frozen"):
        tune(model_for(whole), asked(Tuning((Stage(HEAD, 1, 0.05), Stage(stage, 1, 0.05))), whole))


def test_a_stage_that_freezes_again_what_an_earlier_one_trained():
    model = model_for()
    before = weights(model)
    tune(model, asked(Tuning((Stage(TWO, 1, 0.05), Stage(HEAD, 1, 0.05)))))
    assert moved(before, model) == {"dense_2", "dense_3", "dense_3_batch_norm", "head"}


def test_each_stage_has_its_own_rate():
    slow, fast = model_for(), model_for()
    before = weights(slow)
    tune(slow, asked(Tuning((Stage(HEAD, 1, 0.05), Stage(TWO, 1, 1e-30)))))
    tune(fast, asked(Tuning((Stage(HEAD, 1, 0.05), Stage(TWO, 1, 0.05)))))
    assert "dense_2" not in moved(before, slow)
    assert "dense_2" in moved(before, fast)


def test_stages_draw_orders_of_their_own():
    """Two stages of one epoch are not the same epoch twice: an order that repeats would be learnt."""
    from tasks.pure import order

    honest, drawn = order.permutation, []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order, "permutation", lambda *given: drawn.append(honest(*given)) or drawn[-1])
        tune(model_for(), asked(Tuning((Stage(TWO, 1, 0.01), Stage(TWO, 1, 0.01)))))
    assert len(drawn) == 2 and drawn[0].tolist() != drawn[1].tolist()


def test_a_frozen_layer_that_moves_in_a_stage_is_named(monkeypatch: pytest.MonkeyPatch):
    honest = fitting.fit

    def fit(model: Any, *rest: Any) -> Any:
        fitted = honest(model, *rest)
        kernel = model.get_layer("dense_2").kernel
        kernel.assign(kernel + 1.0)
        return fitted

    monkeypatch.setattr(fitting, "fit", fit)
    with pytest.raises(ContractBroken, match="moved during training: `dense_2`"):
        tune(model_for(), asked(GRADUAL))


class Interrupted(Exception):
    pass


def kept_states(model: Any, what: Asked, until: int, **others: Any) -> State:
    """The state at the end of epoch `until`, through the bytes in which it is kept; the training is stopped there."""
    kept: list[State] = []

    def save(state: Any) -> None:
        kept.append(resuming._from_arrays(resuming._to_arrays(state())))
        if len(kept) == until:
            raise Interrupted

    with pytest.raises(Interrupted):
        tune(model, what, Watch(save=save), **others)
    return kept[-1]


ALL_OF_IT = replace(GRADUAL, keep="best", blend=True)


@pytest.fixture(scope="module")
def uninterrupted(tensorflow: None) -> tuple[Tuned, dict[str, list[bytes]]]:
    model = model_for()
    return tune(model, asked(ALL_OF_IT)), weights(model)


@pytest.mark.parametrize("until", [2, 3, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 4))])
def test_an_interrupted_fine_tuning_goes_on_at_any_epoch_of_any_stage(until: int, uninterrupted: Any):
    expected, weights_then = uninterrupted
    state = kept_states(model_for(), asked(ALL_OF_IT), until)
    assert state.epoch == until
    resumed = model_for()
    found = tune(resumed, asked(ALL_OF_IT), state=state)
    assert found.fitted.history.equals(expected.fitted.history)
    assert (found.kept_epoch, found.blended) == (expected.kept_epoch, expected.blended)
    assert weights(resumed) == weights_then


def test_one_that_freezes_again_goes_on_too():
    """What an earlier stage moved is not mistaken for a frozen layer that moved."""
    what = asked(Tuning((Stage(TWO, 1, 0.05), Stage(HEAD, 2, 0.05))))
    whole, resumed = model_for(), model_for()
    tune(whole, what)
    tune(resumed, what, state=kept_states(model_for(), what, 2))
    assert weights(resumed) == weights(whole)


def test_a_best_epoch_before_the_interruption_is_not_forgotten():
    what, parts = asked(Tuning(keep="best"), epochs=6), (PART, wrong())
    whole, resumed = model_for(), model_for()
    expected = tune(whole, what, parts=parts)
    assert expected.kept_epoch is not None and expected.kept_epoch < 5
    found = tune(resumed, what, state=kept_states(model_for(), what, 5, parts=parts), parts=parts)
    assert found.kept_epoch == expected.kept_epoch
    assert weights(resumed) == weights(whole)


def test_on_activations_below_every_stage_it_gives_the_bits_of_training_in_the_graph():
    like = network("dense", (6, 5, 4))
    low = Trainable(("dense_2", "dense_3", "head"), ())
    what = asked(Tuning((Stage(HEAD, 2, 0.05), Stage(low, 2, 0.02)), keep="best", blend=True), low)

    def model() -> Any:
        made = built(like)
        set_trainable(made, low)
        return made

    whole, cut = model(), model()
    expected = tune(whole, what)
    below = frozen_part(cut, "dense_1")
    parts = tuple((activations(below, pictures), labels) for pictures, labels in (PART, VALIDATION))
    found = tune(cut, what, parts=parts, path=ExecutionPath(cut="dense_1"))
    assert found.fitted.history.equals(expected.fitted.history)
    assert weights(cut) == weights(whole)
    state = kept_states(model(), what, 3, parts=parts, path=ExecutionPath(cut="dense_1"))
    again = model()
    tune(again, what, state=state, parts=parts, path=ExecutionPath(cut="dense_1"))
    assert weights(again) == weights(whole)


def wrong() -> Any:
    """A validation part with wrong labels: the better the training goes, the worse its loss."""
    return VALIDATION[0], (VALIDATION[1] + 1) % 3


def test_the_best_epoch_by_validation_loss_is_kept():
    kept, once = model_for(), model_for()
    found = tune(kept, asked(Tuning(keep="best"), epochs=12), parts=(PART, wrong()))
    best = int(found.fitted.history["val_loss"].argmin()) + 1
    assert found.kept_epoch == best < 12 == len(found.fitted.history)
    tune(once, asked(Tuning(), epochs=best), parts=(PART, wrong()))
    assert weights(kept) == weights(once), "batch-norm statistics included"


def test_with_stages_the_best_epoch_of_all_of_them_is_kept():
    kept = model_for()
    before = weights(kept)
    found = tune(kept, asked(replace(GRADUAL, keep="best"), batch_size=4), parts=(PART, wrong()))
    losses = found.fitted.history["val_loss"]
    assert found.kept_epoch == int(losses.argmin()) + 1
    if found.kept_epoch <= 2:
        assert moved(before, kept) == {"head"}


def test_it_is_the_best_of_this_training_also_where_what_came_in_was_better():
    model = model_for()
    before = weights(model)
    found = tune(model, asked(Tuning(keep="best"), epochs=2, learning_rate=0.5), parts=(PART, wrong()))
    assert found.kept_epoch in (1, 2)
    assert moved(before, model)


def test_a_blend_moves_nothing_that_is_frozen_and_tells_its_curve():
    model = model_for(TOP)
    before = weights(model)
    found = tune(model, asked(Tuning(blend=True), TOP))
    assert found.blended is not None and len(found.blended.curve) == 11
    assert moved(before, model) <= {"dense_3", "dense_3_batch_norm", "head"}


def statistics(model: Any) -> dict[str, list[np.ndarray]]:
    return {
        layer.name: [np.asarray(layer.moving_mean), np.asarray(layer.moving_variance)]
        for layer in model.layers
        if layer.name.endswith("_batch_norm")
    }


def check_calibrated(model: Any, name: str) -> None:
    """Its statistics are NumPy's, of what it is given for the training images in inference mode."""
    import keras

    norm = model.get_layer(name)
    inside = np.asarray(keras.Model(model.inputs[0], norm.input)(PART[0], training=False), np.float64)
    np.testing.assert_allclose(norm.moving_mean, inside.mean(axis=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, inside.var(axis=0), rtol=1e-4)


def test_calibrating_sets_the_statistics_of_the_norms_that_trained_and_nothing_else():
    plain, calibrated = model_for(TOP), model_for(TOP)
    tune(plain, asked(Tuning(), TOP))
    found = tune(calibrated, asked(Tuning(calibrate_batch_norm=True), TOP))
    assert moved(weights(plain), calibrated) == {"dense_3_batch_norm"}
    check_calibrated(calibrated, "dense_3_batch_norm")
    ours, theirs = (each.get_layer("dense_3_batch_norm").get_weights()[:2] for each in (plain, calibrated))
    assert [each.tobytes() for each in ours] == [each.tobytes() for each in theirs], "its scale and offset stay"
    answers = np.asarray(calibrated(VALIDATION[0], training=False)).argmax(axis=1)
    assert found.calibrated == Calibrated(1, float((answers == VALIDATION[1]).mean()))
    assert found.facts() == {"calibrated": {"batch_norms": 1, "accuracy": found.calibrated.accuracy}}


def test_norms_above_one_another_are_calibrated_bottom_first():
    trainable = Trainable(("dense_2", "dense_3", "head"), ("dense_2", "dense_3"))
    model = model_for(trainable)
    found = tune(model, asked(Tuning(calibrate_batch_norm=True), trainable))
    assert found.calibrated is not None and found.calibrated.batch_norms == 2
    for name in ("dense_2_batch_norm", "dense_3_batch_norm"):
        check_calibrated(model, name)


def test_on_stored_activations_the_norms_above_the_cut_are_calibrated():
    model = model_for(TOP)
    below = frozen_part(model, "dense_2_relu")
    parts = tuple((activations(below, images), labels) for images, labels in (PART, VALIDATION))
    what = asked(Tuning(calibrate_batch_norm=True), TOP)
    found = tune(model, what, parts=parts, path=ExecutionPath(cut="dense_2_relu"))
    check_calibrated(model, "dense_3_batch_norm")
    answers = np.asarray(model(VALIDATION[0], training=False)).argmax(axis=1)
    assert found.calibrated == Calibrated(1, float((answers == VALIDATION[1]).mean()))


def test_a_few_updates_with_keras_own_momentum_are_worth_what_the_weights_can_do_only_once_calibrated():
    """Momentum .99: after 16 updates the statistics are still for the most part those of before the training."""
    right = {}
    for calibrate in (False, True):
        model = built(network("dense", (16, 16), batch_norm=True, batch_norm_momentum=0.99))
        everything = Trainable(("dense_1", "dense_2", "head"), ("dense_1", "dense_2"))
        set_trainable(model, everything)
        what = asked(Tuning(calibrate_batch_norm=calibrate), everything, epochs=8, learning_rate=0.03)
        tune(model, what, parts=(PART, none_of(VALIDATION)))
        fresh, labels = examples(300, seed=11)
        right[calibrate] = float((np.asarray(model(fresh, training=False)).argmax(axis=1) == labels).mean())
    assert right[True] >= right[False] + 0.2
    assert right[True] >= 0.9


def test_without_a_norm_that_trains_there_is_nothing_to_calibrate():
    model = model_for(HEAD)
    before = statistics(model)
    found = tune(model, asked(Tuning(calibrate_batch_norm=True), HEAD), parts=(PART, none_of(VALIDATION)))
    assert found.calibrated == Calibrated(0, None)
    after = statistics(model)
    assert all(np.array_equal(old, new) for name in before for old, new in zip(before[name], after[name], strict=True))


@pytest.mark.parametrize("what", [Tuning(keep="best"), Tuning(blend=True)], ids=["keep", "blend"])
def test_without_a_validation_part_there_is_nothing_to_choose_by(what: Tuning):
    model = model_for()
    before = weights(model)
    with pytest.raises(BadData, match="chooses by the validation part, but there is none"):
        tune(model, asked(what), parts=(PART, none_of(VALIDATION)))
    assert not moved(before, model)
    assert np.isfinite(model.get_layer("head").kernel.numpy()).all()
