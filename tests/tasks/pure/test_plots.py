"""The pictures are PNGs, small, the same for the same values, and drawn for every number of classes."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tasks.pure import plots, shown_sheet
from tasks.pure.calibration import reliability_bins

LARGEST = 150_000


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    assert image.format == "PNG" and len(picture) < LARGEST
    assert len(image.convert("RGB").getcolors(maxcolors=1 << 24) or []) > 3, "an empty picture"
    return image


def history(epochs: int, validation: bool = False) -> pd.DataFrame:
    rise = np.linspace(0.3, 0.9, epochs)
    frame = pd.DataFrame({"epoch": np.arange(epochs), "loss": 2 * (1 - rise), "accuracy": rise})
    return frame.assign(val_loss=frame["loss"] + 0.1, val_accuracy=rise - 0.1) if validation else frame


def trainings(validation: bool = False) -> dict[str, pd.DataFrame]:
    return {
        "pretrain": history(10, validation),
        "train_head": history(5, validation),
        "fine_tune": history(8, validation),
    }


def test_learning_curves_are_wide_enough_for_the_page():
    assert opened(plots.learning_curves(trainings())).width >= 1200


def test_equal_values_are_equal_bytes_and_others_are_others():
    assert plots.learning_curves(trainings()) == plots.learning_curves(trainings())
    assert plots.learning_curves(trainings()) != plots.learning_curves(trainings(validation=True))


def test_the_users_own_matplotlib_settings_change_no_byte():
    import matplotlib

    before = plots.confusion([[3, 1], [0, 4]], ["a", "b"])
    with matplotlib.rc_context({"font.size": 20, "image.cmap": "jet", "figure.facecolor": "red", "savefig.dpi": 40}):
        assert plots.confusion([[3, 1], [0, 4]], ["a", "b"]) == before


def test_a_picture_names_neither_its_time_nor_its_maker():
    image = opened(plots.confusion([[3, 1], [0, 4]], ["a", "b"]))
    assert not {"Software", "Creation Time", "date"} & image.info.keys()


@pytest.mark.parametrize("left_out", ["train_head", "fine_tune", "pretrain"])
def test_a_stage_without_epochs_is_left_out(left_out):
    without = {name: frame for name, frame in trainings().items() if name != left_out}
    empty = trainings() | {left_out: history(0)}
    # The other stages keep their colours, so only their order may differ from a run that never had the stage.
    assert opened(plots.learning_curves(empty)).size == opened(plots.learning_curves(without)).size


def test_one_epoch_is_a_dot_and_no_training_a_sentence():
    opened(plots.learning_curves({"pretrain": history(1)}))
    assert opened(plots.learning_curves({})).height < 300


def test_the_source_task_is_marked():
    assert plots.learning_curves({"pretrain": history(3)}) != plots.learning_curves({"train_head": history(3)})


@pytest.mark.parametrize("num_classes", [2, 10, 30, 100])
def test_a_confusion_matrix_of_any_size(num_classes):
    counts = np.random.default_rng(0).integers(0, 50, (num_classes, num_classes)) + 200 * np.eye(num_classes, dtype=int)
    opened(plots.confusion(counts.tolist(), [f"a rather long name of class {n}" for n in range(num_classes)]))


def test_a_class_without_test_images_and_names_like_formulas_do_no_harm():
    opened(plots.confusion([[0, 0], [2, 3]], ["$\\frac{", "猫 & <b>"]))


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
@pytest.mark.parametrize("count", [1, 7, 40])
def test_mistakes_grey_and_coloured_few_and_many(shape, count):
    images = np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)
    names = [f"class {place}" for place in range(count)]
    opened(plots.mistakes(images, names, names[::-1], np.linspace(0.5, 1, count)))


def test_only_the_surest_mistakes_are_shown_surest_first():
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)
    names, sure = [str(place) for place in range(20)], np.linspace(0.3, 0.9, 20)
    surest = np.argsort(-sure)[:15]
    chosen = [names[place] for place in surest]
    assert plots.mistakes(images, names, names, sure) == plots.mistakes(images[surest], chosen, chosen, sure[surest])


def test_bytes_and_fractions_show_the_same_image():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.uint8)
    as_bytes = plots.mistakes(images, ["a", "b"], ["b", "a"], [0.9, 0.8])
    assert as_bytes == plots.mistakes(images / 255.0, ["a", "b"], ["b", "a"], [0.9, 0.8])


def test_no_mistakes_is_a_sentence_not_an_error():
    assert opened(plots.mistakes(np.zeros((0, 28, 28, 1), np.uint8), [], [], [])).height < 300


def test_reliability_with_empty_bins():
    bins = reliability_bins(np.tile([0.9, 0.1], (10, 1)), np.array([0, 1] * 5))
    opened(plots.reliability(bins))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_contact_sheet_has_four_rows_of_one_training_and_two_of_each_of_several(channels: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (32, 16, 16, channels), np.uint8)
    alone = opened(shown_sheet.sheet({"pretrain": pictures}))
    three = opened(shown_sheet.sheet(dict.fromkeys(("pretrain", "train_head", "fine_tune"), pictures)))
    assert three.height / alone.height == pytest.approx(1.5, rel=0.1)
    assert shown_sheet.sheet({"pretrain": pictures}) == shown_sheet.sheet({"pretrain": pictures.copy()})


def test_a_contact_sheet_shows_the_pictures_side_by_side_and_few_ones_too() -> None:
    red = np.zeros((3, 16, 16, 3), np.uint8)
    red[..., 0] = 255
    image = np.asarray(opened(shown_sheet.sheet({"fine_tune": red})).convert("RGB"))
    share = (image == (255, 0, 0)).all(axis=2).any(axis=0).mean()
    assert 3 / 8 - 0.03 < share < 3 / 8 + 0.03


def test_a_rate_that_changes_is_drawn_beside_the_loss():
    plain, rates = history(6), history(6).assign(learning_rate=np.linspace(1e-3, 0, 6))
    drawn = [plots.learning_curves({"train_head": frame}) for frame in (plain, rates, rates.assign(learning_rate=0.0))]
    assert len({*drawn}) == 3
    assert opened(drawn[1]).width == opened(drawn[0]).width
