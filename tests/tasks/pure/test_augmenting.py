"""Augmentation: each key does what it says, by draws that follow from (seed, epoch), and never in the saved network."""

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tasks.pure import epochs
from tasks.pure.augmenting import Augmenter, brightest
from tasks.pure.copies import Copies, activations_of_copies, shown_of_copies
from tasks.pure.execution_path import ExecutionPath
from tasks.pure.fitting import fit
from tasks.pure.frozen import activations, batch_starts, frozen_part
from tasks.pure.inference import BATCH_SIZE
from tasks.pure.order import Order
from tasks.pure.shown import LONGEST, PICTURES, shown
from tasks.pure.training import Augmentation, Part, State, Training, Watch
from tests.tasks.pure.small_networks import built, examples, grafted, network, none_of, reloaded, weights
from tests.tasks.pure.test_epochs import resident_up_to

if TYPE_CHECKING:
    import keras

CNN = network("cnn", (4, 3), dropout=0.2)
ALL = Augmentation("both", 20.0, 0.1, 0.1, 0.1, 0.2, "reflect")
MIXED = replace(ALL, mixup=0.4, cutmix=1.0)
COUNT, SIZE = 23, 4

pytestmark = pytest.mark.usefixtures("fresh_keras")
with_and_without_mixing = pytest.mark.parametrize("how", [ALL, MIXED], ids=["pictures", "labels too"])


def training(how: Augmentation, epochs: int = 2, **others: Any) -> Training:
    return Training(epochs, SIZE, 0.01, None, False, how, **others)


def seen(how: Augmentation, images: np.ndarray, seed: int = 7, epoch: int = 0) -> np.ndarray:
    augmenter = Augmenter(how, brightest(images), 3)
    augmenter.begin(seed, epoch)
    return np.asarray(augmenter.changed(images))


def one_picture(count: int = 64, height: int = 8) -> np.ndarray:
    """uint8 (count, height, 8, 1): the same picture, bright in its upper left corner and nowhere symmetric."""
    picture = np.arange(height * 8, dtype=np.uint8).reshape(1, height, 8, 1)[:, ::-1, ::-1] + 100
    return np.repeat(picture, count, axis=0)


def different(pictures: np.ndarray) -> int:
    return len({picture.tobytes() for picture in pictures})


# -- each key on a known picture


@pytest.mark.parametrize(
    "flip, turned", [("horizontal", [(1, -1)]), ("vertical", [(-1, 1)]), ("both", [(1, -1), (-1, 1), (-1, -1)])]
)
def test_flip_mirrors_about_half_of_the_pictures_each_way(flip: str, turned: list[tuple[int, int]]) -> None:
    images = one_picture()
    found = seen(Augmentation(flip=flip), images)
    plain = images[0].astype(np.float32)
    possible = [plain, *(plain[::down, ::across] for down, across in turned)]
    counts = [sum(np.array_equal(picture, each) for picture in found) for each in possible]
    assert sum(counts) == 64 and min(counts) >= 64 / len(possible) / 3


def test_rotate_turns_by_up_to_so_many_degrees_either_way() -> None:
    images = np.zeros((300, 41, 41, 1), np.uint8)
    images[:, 19:22, 34:37] = 200  # to the right of the middle
    found = seen(Augmentation(rotate=30.0, fill="black"), images)[..., 0]
    rows, columns = np.mgrid[-20:21, -20:21]
    angle = np.degrees(np.arctan2((found * rows).sum(axis=(1, 2)), (found * columns).sum(axis=(1, 2))))
    assert -30.5 < angle.min() < -28 and 28 < angle.max() < 30.5


def test_shift_moves_by_a_fraction_of_each_side() -> None:
    images = np.zeros((200, 20, 10, 1), np.uint8)
    images[:, 10, 5] = 255
    found = seen(Augmentation(shift=0.2, fill="black"), images)
    rows, columns = (found.sum(axis=(axis, 3)) for axis in (2, 1))
    centres = [(each * np.arange(each.shape[1])).sum(axis=1) / each.sum(axis=1) for each in (rows, columns)]
    for moved, at, most in zip(centres, (10, 5), (4, 2), strict=True):
        assert most * 0.9 < abs(moved - at).max() <= most + 1e-3
        assert (moved > at).any() and (moved < at).any()


def test_zoom_goes_in_and_out_and_keeps_the_sides_alike() -> None:
    images = np.zeros((100, 21, 21, 1), np.uint8)
    images[:, 7:14, 7:14] = 200
    found = seen(Augmentation(zoom=0.3, fill="black"), images)
    area = found.sum(axis=(1, 2, 3)) / images[0].sum()
    assert area.min() < 0.8 and area.max() > 1.3
    np.testing.assert_allclose(found, found.swapaxes(1, 2), atol=0.01)


@pytest.mark.parametrize("fill, corner", [("black", 0.0), ("white", 255.0), ("nearest", 128.0), ("reflect", 128.0)])
def test_fill_says_what_lies_beyond_the_edge(fill: str, corner: float) -> None:
    found = seen(Augmentation(rotate=45.0, fill=fill), np.full((50, 9, 9, 1), 128, np.uint8))
    farthest = found[:, 0, 0, 0]
    assert farthest[abs(farthest - 128).argmax()] == pytest.approx(corner)


@pytest.mark.parametrize("white, dtype", [(255, np.uint8), (255, np.float32), (1, np.float32)])
def test_brightness_means_the_same_in_both_ranges_and_stays_within(white: int, dtype: type) -> None:
    images = np.full((200, 4, 4, 1), white, np.float64)
    images[:, :, 2:] = white // 2 if white > 1 else 0.5
    found = seen(Augmentation(brightness=0.2), images.astype(dtype)) / white
    middle = found[:, 0, 3, 0] - images[0, 0, 3, 0] / white
    assert -0.2 <= middle.min() < -0.15 and 0.15 < middle.max() <= 0.2
    assert found.max() == 1.0 and found.min() >= 0.2, "white stays white, it is not wrapped"
    assert found.dtype == np.float32


def test_contrast_grows_and_shrinks_round_the_pictures_own_mean() -> None:
    images = np.tile(np.array([100, 140], np.uint8).reshape(1, 1, 2, 1), (200, 2, 1, 1))
    found = seen(Augmentation(contrast=0.5), images)
    distance = (found[:, 0, 1, 0] - found[:, 0, 0, 0]) / 40
    assert 0.5 <= distance.min() < 0.6 and 1.4 < distance.max() <= 1.5
    np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), 120, rtol=1e-5)


@pytest.mark.parametrize("white", [255, 1])
def test_no_pixel_leaves_its_range(white: int) -> None:
    images = examples(64)[0].astype(np.float32) / 255 * white
    harsh = Augmentation("both", 180.0, 0.5, 0.5, 0.9, 0.9, "reflect", mixup=0.5)
    augmenter = Augmenter(harsh, brightest(images), 3)
    found, _ = augmenter.batch(images, np.zeros(64, np.int64))
    assert np.min(found) >= 0 and np.max(found) <= white * (1 + 1e-6)


# -- mixed labels


def test_mixup_gives_each_label_the_share_of_its_picture() -> None:
    values = np.array([0, 80, 240])
    labels = np.arange(60) % 3
    images = np.tile(values[labels].astype(np.uint8).reshape(-1, 1, 1, 1), (1, 4, 4, 1))
    augmenter = Augmenter(Augmentation(mixup=0.8), 255.0, 3)
    augmenter.begin(7, 0)
    found, targets = (np.asarray(each) for each in augmenter.batch(images, labels))
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(found[:, 0, 0, 0], targets @ values, rtol=1e-5, atol=1e-3)
    assert 0.1 < targets.max(axis=1).min() < 0.7, "some are truly mixed"


def test_cutmix_gives_each_label_the_share_of_the_pixels_that_are_its_own() -> None:
    labels = np.arange(90) % 3
    images = np.tile(labels.astype(np.uint8).reshape(-1, 1, 1, 1), (1, 5, 7, 1))
    augmenter = Augmenter(Augmentation(cutmix=1.0), 255.0, 3)
    augmenter.begin(7, 0)
    found, targets = (np.asarray(each) for each in augmenter.batch(images, labels))
    shares = np.stack([(found == label).mean(axis=(1, 2, 3)) for label in range(3)], axis=1)
    np.testing.assert_allclose(targets, shares, atol=1e-6)
    assert set(np.unique(found)) == {0, 1, 2} and ((shares > 0.2).sum(axis=1) == 2).any()


def test_with_both_each_batch_is_mixed_in_one_of_the_two_ways() -> None:
    labels = np.arange(12) % 3
    images = np.tile((labels * 100).astype(np.uint8).reshape(-1, 1, 1, 1), (1, 6, 6, 1))
    augmenter = Augmenter(Augmentation(mixup=1.0, cutmix=1.0), 255.0, 3)
    augmenter.begin(7, 0)
    cut = []
    for _ in range(40):
        found, targets = (np.asarray(each) for each in augmenter.batch(images, labels))
        np.testing.assert_allclose(found.mean(axis=(1, 2, 3)), targets @ np.array([0, 100, 200]), rtol=1e-4, atol=1e-2)
        cut.append(bool(np.isin(found, (0, 100, 200)).all()))
    assert 8 < sum(cut) < 32


@pytest.mark.parametrize("classes", [2, 3])
def test_the_loss_of_mixed_labels_is_the_cross_entropy_of_their_shares(classes: int) -> None:
    """Nothing is learnt (a rate of zero), so the first epoch's batches can be told with NumPy."""
    model, part = built(CNN_WITHOUT_DROPOUT, num_classes=classes), examples(COUNT, classes)
    how = Training(1, SIZE, 0.0, None, False, Augmentation(mixup=1.0))
    history = fit(model, part, part, how, 7).history.iloc[0]
    order = Order(part, how, classes, 7)
    order.shuffle(0)
    augmenter = Augmenter(how.augment, 255.0, int(model.output_shape[-1]))
    augmenter.begin(7, 0)
    losses, right = [], []
    for start in range(0, COUNT, SIZE):
        chosen = order.indices.numpy()[start : start + SIZE]
        pictures, targets = augmenter.batch(part[0][chosen], part[1][chosen])
        answers = two_columns(np.asarray(model(pictures)))
        shares = two_columns(np.asarray(targets))
        losses.extend(-(shares * np.log(answers)).sum(axis=1))
        right.extend(answers.argmax(axis=1) == shares.argmax(axis=1))
    assert history["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    assert history["accuracy"] == pytest.approx(np.mean(right))
    answers = two_columns(np.asarray(model(part[0])))
    assert history["val_loss"] == pytest.approx(-np.log(answers[np.arange(COUNT), part[1]]).mean(), rel=1e-5)
    assert history["val_accuracy"] == pytest.approx((answers.argmax(axis=1) == part[1]).mean())


CNN_WITHOUT_DROPOUT = network("cnn", (4, 3))


def two_columns(answers: np.ndarray) -> np.ndarray:
    """A column a class, also where the network says only the second one's."""
    return np.hstack([1 - answers, answers]) if answers.shape[1] == 1 else answers


# -- draws


def test_draws_differ_by_seed_epoch_and_batch_and_are_the_same_again() -> None:
    images = one_picture()
    assert np.array_equal(seen(ALL, images), seen(ALL, images))
    assert different(np.stack([seen(ALL, images, 7, 0), seen(ALL, images, 7, 1), seen(ALL, images, 8, 0)])) == 3
    augmenter = Augmenter(ALL, 255.0, 3)
    augmenter.begin(7, 0)
    batches = [np.asarray(augmenter.changed(images)) for _ in range(2)]
    assert different(np.stack(batches)) == 2
    assert different(batches[0]) > 60, "each picture has its own"


def test_each_epoch_of_a_training_draws_by_its_own_number() -> None:
    part, pictures = examples(COUNT), []
    how = Training(2, COUNT, 0.01, None, False, ALL)
    fit(recording(built(CNN), pictures), part, none_of(part), how, 7)
    order = Order(part, how, 3, 7)
    for epoch in (0, 1):
        order.shuffle(epoch)
        np.testing.assert_array_equal(pictures[epoch], seen(ALL, part[0][order.indices.numpy()], 7, epoch))


@with_and_without_mixing
def test_the_same_training_gives_the_same_bits_and_another_seed_others(how: Augmentation) -> None:
    again, other = built(CNN), built(CNN)
    for model, seed in ((again, 7), (other, 8)):
        fit(model, examples(COUNT), examples(5), training(how), seed)
    assert weights(again) == as_usual(how) != weights(other)


@cache
def as_usual(how: Augmentation) -> dict[str, list[bytes]]:
    """The weights that a training of seed 7 gives, its data held in memory."""
    model = built(CNN)
    assert not fit(model, examples(COUNT), examples(5), training(how), 7).streamed
    return weights(model)


@with_and_without_mixing
def test_a_training_that_goes_on_at_an_epoch_ends_with_the_same_bits(how: Augmentation) -> None:
    whole, resumed, part, states = built(CNN), built(CNN), examples(COUNT), []
    expected = fit(whole, part, examples(5), training(how, 3), 7, Watch(save=lambda state: states.append(state())))
    state: State = states[1]
    found = fit(resumed, part, examples(5), training(how, 3), 7, state=state)
    assert weights(resumed) == weights(whole) and found.history.equals(expected.history)


@with_and_without_mixing
def test_neither_streaming_nor_where_the_calls_are_cut_changes_a_bit(
    how: Augmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, part, streaming, other = as_usual(how), examples(COUNT), built(CNN), built(CNN)
    with resident_up_to(0):
        assert fit(streaming, part, examples(5), training(how), 7).streamed
    monkeypatch.setattr(epochs, "FIRST_STEPS", 50)
    fit(other, part, examples(5), training(how), 7)
    assert usual == weights(streaming) == weights(other)


def test_without_augmentation_no_layer_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs are those of before, and so are their bits (`test_epochs.py`)."""
    monkeypatch.setattr(Augmenter, "__init__", lambda *_: pytest.fail("an Augmenter"))
    model, part = built(CNN), examples(COUNT)
    fit(model, part, none_of(part), training(Augmentation()), 7)


# -- what is never augmented


def test_the_network_that_is_saved_knows_nothing_of_it() -> None:
    model, part = built(CNN), examples(COUNT)
    before = json.dumps(model.get_config(), default=str)
    fit(model, part, none_of(part), training(MIXED), 7)
    again = reloaded(model)  # by plain Keras, in safe mode
    assert json.dumps(again.get_config(), default=str) == before and "augment" not in before
    assert not [layer.name for layer in again.layers if "Random" in type(layer).__name__]
    np.testing.assert_array_equal(np.asarray(again(part[0])), np.asarray(model(part[0])))


def test_validation_pictures_stay_as_they_are() -> None:
    """White pictures that are darkened in training: validation sees them white, and each the same answer."""
    model, part = built(CNN_WITHOUT_DROPOUT), examples(COUNT)
    pictures: list[np.ndarray] = []
    watching = recording(model, pictures)
    how = Training(1, COUNT, 0.0, None, False, Augmentation(brightness=0.5))
    validation = np.full((6, 8, 8, 1), 255, np.uint8), np.arange(6) % 3
    fit(watching, part, validation, how, 7)
    assert np.array_equal(pictures[-1], validation[0])
    assert not np.array_equal(np.sort(pictures[0], axis=0), np.sort(part[0], axis=0))


def recording(model: "keras.Model", pictures: list[np.ndarray]) -> "keras.Model":
    """`model` behind a layer that notes each batch it gets."""
    import keras
    import tensorflow as tf

    def note(batch: np.ndarray) -> np.ndarray:
        pictures.append(batch)
        return batch

    class Recorder(keras.layers.Layer):
        def call(self, batch: Any) -> Any:
            return tf.ensure_shape(tf.numpy_function(note, [batch], batch.dtype), batch.shape)

    image = keras.Input(model.input_shape[1:], name="seen")
    return keras.Model(image, model(Recorder(name="recorder")(image)), name="recorded")


# -- what the network was shown


@with_and_without_mixing
def test_what_is_shown_is_what_the_network_got_in_its_first_epoch(how: Augmentation) -> None:
    part, pictures = examples(COUNT), []
    fit(recording(built(CNN), pictures), part, none_of(part), training(how, 1), 7)
    kept = shown(part[0], training(how, 1), 7)
    assert kept is not None and kept.dtype == np.uint8 and len(kept) == COUNT < PICTURES
    np.testing.assert_array_equal(kept, np.clip(np.rint(np.concatenate(pictures)), 0, 255))


def test_large_pictures_are_kept_small_and_only_a_few_of_them() -> None:
    images = np.repeat(np.repeat(examples(40, shape=(8, 8, 3))[0], 40, axis=1), 30, axis=2)
    kept = shown(images, training(Augmentation(flip="horizontal")), 7)
    assert kept is not None and kept.shape == (PICTURES, 106, 80, 3) and max(kept.shape[1:3]) <= LONGEST
    assert shown(images, training(Augmentation()), 7) is None


# -- fixed copies


def test_a_fixed_copy_is_the_same_whoever_asks_and_each_copy_another() -> None:
    images = examples(BATCH_SIZE + 20)[0]
    first, again = Copies(ALL, images, 7), Copies(ALL, images, 7)
    starts = batch_starts(images)
    forwards = [np.asarray(first.batch(copy, start, BATCH_SIZE)) for copy in (0, 1) for start in starts]
    backwards = [np.asarray(again.batch(copy, start, BATCH_SIZE)) for copy in (1, 0) for start in reversed(starts)]
    assert all(np.array_equal(one, two) for one, two in zip(forwards, reversed(backwards), strict=True))
    assert different(np.stack(forwards)) == 4


def test_what_is_shown_of_a_copy_is_what_its_activations_are_of() -> None:
    """Where the last batch reaches back, the draws of the one before stay."""
    images = examples(BATCH_SIZE + 20)[0]
    model = grafted(built(network("cnn", (4,), scale="none")))
    below = frozen_part(model, "image")
    assert below is not None
    used = activations_of_copies(below, images, ALL, 1, 7)
    chosen = np.linspace(0, len(images) - 1, PICTURES).astype(int)
    np.testing.assert_array_equal(shown_of_copies(images, ALL, 7), np.rint(used[chosen]))


def test_the_head_trains_on_each_copy_in_turn() -> None:
    """Epoch e takes copy e mod N: the same as training on that copy's activations for one epoch, and the next."""
    part = examples(30, 4)
    model = grafted(built(CNN_WITHOUT_DROPOUT))
    below = frozen_part(model, "global_average")
    assert below is not None
    stacked = activations_of_copies(below, part[0], ALL, 2, 7)
    copies = Copies(ALL, part[0], 7)
    for copy in (0, 1):
        alone = activations(below, np.asarray(copies.batch(copy, 0, BATCH_SIZE)))
        np.testing.assert_array_equal(stacked[copy * 30 : copy * 30 + 30], alone)
    order = Order((stacked, np.tile(part[1], 2)), training(ALL), 4, 7, copies=2)
    assert order.count == 30 and order.steps == 8
    taken = []
    for epoch in range(4):
        order.shuffle(epoch)
        taken.append(set(order.indices.numpy()))
    assert taken[0] == taken[2] == set(range(30)) and taken[1] == taken[3] == set(range(30, 60))


def test_copies_that_stream_give_the_same_bits() -> None:
    part, models = examples(30, 4), []
    for limit in (2**30, 0):
        model = grafted(built(CNN_WITHOUT_DROPOUT))
        for layer in model.layers:
            layer.trainable = layer.name == "head"
        below = frozen_part(model, "global_average")
        assert below is not None
        stacked: Part = activations_of_copies(below, part[0], ALL, 2, 7), np.tile(part[1], 2)
        how = training(ALL, 3, augment_copies=2)
        with resident_up_to(limit):
            fitted = fit(model, stacked, none_of(stacked), how, 7, path=ExecutionPath(cut="global_average"))
        assert fitted.streamed == (limit == 0)
        models.append(weights(model))
    assert models[0] == models[1]


def test_activations_of_pictures_that_change_in_every_epoch_are_refused() -> None:
    model, part = grafted(built(CNN)), examples(8, 4)
    with pytest.raises(ValueError, match="augmented anew in every epoch"):
        fit(model, part, none_of(part), training(ALL), 7, path=ExecutionPath(cut="global_average"))
