"""A study's pictures: PNGs, the same for the same values, for few and many seeds and arms, and none that misleads."""

import io

import numpy as np
import pytest
from PIL import Image

from tasks.pure.study_page import curve_plots, plots
from tasks.pure.study_page.labels_saved import labels_saved
from tasks.pure.study_page.pictures import drawn
from tasks.pure.study_page.told import curve
from tests.tasks.pure.study_page.example import depth_curve, labels_curve, told

LARGEST = 100_000
HOSTILE = "$\\frac{ 猫 <b> a name that goes on and on"


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture))
    image.load()
    assert image.format == "PNG" and len(picture) < LARGEST
    assert not {"Software", "Creation Time", "date"} & image.info.keys()
    assert len(image.convert("RGB").getcolors(maxcolors=1 << 24) or []) > 3, "an empty picture"
    return image


def arms(number: int, seeds: int) -> dict[str, list[float]]:
    draw = np.random.default_rng(number)
    names = ["transfer", *(f"arm {place}" for place in range(number - 1))]
    return {name: draw.normal(0.8 - 0.01 * place, 0.02, seeds).tolist() for place, name in enumerate(names)}


@pytest.mark.parametrize(("number", "seeds"), [(2, 1), (2, 2), (4, 5), (8, 40)])
def test_a_row_an_arm_for_any_number_of_seeds(number, seeds):
    image = opened(plots.accuracy_by_arm(arms(number, seeds)))
    assert image.width == 1200
    assert image.height > 70 * number, "rows would touch"


def test_transfer_stands_first_and_in_blue_wherever_it_was_named():
    values = arms(3, 5)
    named_last = {name: values[name] for name in ("arm 0", "arm 1", "transfer")}
    assert plots.accuracy_by_arm(named_last) == plots.accuracy_by_arm(values)


def test_one_seed_moved_is_another_picture():
    values = arms(2, 5)
    moved = {**values, "arm 0": [*values["arm 0"][:4], 0.7]}
    assert plots.accuracy_by_arm(values) == plots.accuracy_by_arm({name: [*each] for name, each in values.items()})
    assert plots.accuracy_by_arm(values) != plots.accuracy_by_arm(moved)


def compared(seeds: int, used: int, word: str = "helps") -> dict[str, object]:
    values = np.random.default_rng(3).normal(0.03, 0.01, seeds).tolist()
    return {"differences": values, "difference": 0.03, "low": 0.01, "high": 0.05, "seeds": used, "word": word}


def test_seeds_after_the_look_that_decided_are_drawn_otherwise():
    assert plots.paired_differences({"a": compared(10, 5)}, 0.01) != plots.paired_differences(
        {"a": compared(10, 10)}, 0.01
    )


def test_the_margin_and_the_word_are_in_the_picture():
    plain = plots.paired_differences({"a": compared(5, 5)}, 0.01)
    assert plots.paired_differences({"a": compared(5, 5)}, 0.02) != plain
    assert plots.paired_differences({"a": compared(5, 5, "hurts")}, 0.01) != plain


def shown(axes_limits: list[dict[str, object]], margin: float) -> tuple[float, float]:
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    plots._within(axes, axes_limits, margin)
    return axes.get_xlim()


def test_zero_the_margin_and_every_seed_are_inside_however_far_off():
    low, high = shown([{"differences": [0.3, 0.35], "low": 0.29, "high": 0.36}], 0.01)
    assert low < -0.01 and high > 0.36


def test_the_interval_of_two_seeds_does_not_squeeze_the_seeds_into_a_line():
    low, high = shown([{"differences": [0.06, 0.08], "low": -0.9, "high": 1.0}], 0.01)
    assert high - low < 0.4 and low < -0.01 and high > 0.08


def test_no_difference_is_written_with_a_sign():
    assert [plots._signed(value) for value in (0.0, 2.5, -2.0)] == ["0", "+2.5", "−2"]


def test_ticks_say_what_they_are_and_are_not_rounded_to_whole_percent():
    from matplotlib.figure import Figure

    axes = Figure().add_subplot()
    axes.set_ylim(0.84, 0.87)
    plots.percent_ticks(axes.yaxis)
    values = axes.get_yticks()
    texts = axes.yaxis.get_major_formatter().format_ticks(values)
    assert [float(text.removesuffix(" %")) / 100 for text in texts] == pytest.approx(values)


def test_the_curve_of_labels_with_and_without_what_is_saved():
    found = curve({"arms": {}, "curves": labels_curve()}, "labels")
    saved = labels_saved(found["transfer"], found["scratch"])
    assert opened(curve_plots.by_labels(found, saved)).width == 1200
    assert (
        curve_plots.by_labels(found, saved) == curve_plots.by_labels(found, saved) != curve_plots.by_labels(found, None)
    )


def test_what_stands_over_the_curve_never_claims_more_than_was_measured():
    def said(transfer: float, scratch: float) -> str:
        curves = ({10: [transfer], 1000: [0.95]}, {10: [0.6], 1000: [scratch]})
        found = labels_saved(*curves)
        assert found is not None
        return curve_plots.in_short(found)

    assert said(0.7, 0.8) == "scratch needs about 100 labels for what transfer reaches with 10 (70.0 %)"
    assert said(0.9, 0.8) == "scratch needs more than 1,000 labels for what transfer reaches with 10 (90.0 %)"
    assert said(0.5, 0.8).endswith("none are saved")


def test_depths_and_hostile_or_long_names():
    opened(curve_plots.by_place(curve({"arms": {}, "curves": depth_curve()}, "depth"), "depth"))
    places = {f"block_{number}_of_a_long_name": [0.5, 0.6] for number in range(12)}
    opened(curve_plots.by_place({HOSTILE: places, "transfer": places}, "depth"))
    opened(plots.accuracy_by_arm({"transfer": [0.5, 0.6], HOSTILE: [0.4, 0.5]}))
    opened(plots.paired_differences({HOSTILE: compared(5, 5)}, 0.0))


def test_only_what_was_asked_for_is_drawn():
    assert set(drawn(told())) == {"accuracy", "differences"}
    assert set(drawn(told(curves=labels_curve()))) == {"accuracy", "differences", "labels"}
    assert set(drawn(told(curves=depth_curve()))) == {"accuracy", "differences", "depth"}
