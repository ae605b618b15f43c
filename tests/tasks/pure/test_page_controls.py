"""The report shows the plain controls, and says first where raw pixels do as well as the network."""

from typing import Any

import pytest

from tasks.pure.page import html, markdown, verdict
from tasks.pure.page_controls import controls_line, plain_control_rows, short_controls, training_note
from tasks.pure.page_verdict import tone
from tests.tasks.pure.example_page import controls, metrics, page, plain, seeds


def raw(difference: float, low: float, high: float, **changed: Any) -> dict[str, Any]:
    """Metrics of a network that leads raw pixels by so much."""
    led = {"difference": difference, "low": low, "high": high, "gained": 9, "lost": 3, "num_test": 2000, "p": 0.1}
    accuracy = 0.91 - difference
    figures = {"accuracy": accuracy, "accuracy_low": accuracy - 0.02, "accuracy_high": accuracy + 0.02}
    trained = {"num_train": 20, "of": 60_000, "height": 28, "width": 28, "strength": 0.01, "chosen": True}
    constant = {"accuracy": 0.5, "accuracy_low": 0.48, "accuracy_high": 0.52, "class": "T-shirt"}
    constant["difference"] = {**led, "difference": 0.41, "low": 0.37, "high": 0.45}
    return metrics(controls={"raw_pixels": {**figures, "difference": led, **trained, **changed}, "constant": constant})


def test_raw_pixels_that_do_as_well_are_said_first():
    told = page(metrics=raw(0.004, -0.01, 0.018), controls=controls(seeds(0.9), seeds(0.8)))
    first, second = map(plain, verdict(told)[:2])
    assert first == (
        "Raw pixels do as well, as far as this test can tell: logistic regression on raw pixels answers 90.6 % right, "
        "the network 91.0 % (95 % interval of its lead \u22121.0 to +1.8 points). Nothing shows that the network "
        "brought anything to this task."
    )
    assert second.startswith("91.0 % of 2,000 test images")
    assert tone(told) == "warning"


def test_an_interval_that_ends_at_nothing_is_as_well_and_one_above_it_is_not():
    assert verdict(page(metrics=raw(0.01, 0.0, 0.02)))[0].startswith("Raw pixels do as well")
    assert "aw pixels" not in " ".join(verdict(page(metrics=raw(0.01, 0.001, 0.02))))
    assert "aw pixels" not in " ".join(verdict(page()))  # an evaluation of before there were controls


def test_raw_pixels_that_do_better_make_a_bad_run():
    told = page(metrics=raw(-0.03, -0.04, -0.02), controls=controls(seeds(0.9), seeds(0.8)))
    assert plain(verdict(told)[0]) == (
        "Raw pixels do better: logistic regression on raw pixels answers 94.0 % right, 3.0 points more than the "
        "network (95 % interval of its lead \u22124.0 to \u22122.0 points)."
    )
    assert tone(told) == "bad"
    assert tone(page(metrics=raw(0.3, 0.2, 0.4), controls=controls(seeds(0.9), seeds(0.8)))) == "good"


def test_test_images_that_were_trained_on_come_before_it_since_they_make_both_figures_doubtful():
    without = {"accuracy": 0.84, "accuracy_low": 0.8, "accuracy_high": 0.88, "num_test": 1979, "trained_on": 21}
    leaky = {**raw(0.0, -0.01, 0.01), "without_duplicates": without}
    sentences = verdict(page(metrics=leaky))
    assert "trained on too" in sentences[0] and "Raw pixels" in sentences[1]


def test_the_table_holds_the_network_both_controls_and_its_leads():
    rows = [[plain(cell) for cell in row] for row in plain_control_rows(raw(0.031, 0.01, 0.052))]
    assert rows == [
        ["the network", "91.0 %", "87.0–94.5 %", ""],
        ["logistic regression on raw pixels", "87.9 %", "85.9–89.9 %", "+3.1 (+1.0 to +5.2)"],
        ["always “T-shirt”", "50.0 %", "48.0–52.0 %", "+41.0 (+37.0 to +45.0)"],
    ]


@pytest.mark.parametrize("render", [html, markdown])
def test_the_page_shows_the_table_and_how_raw_pixels_were_trained(render):
    text = plain(render(page(metrics=raw(0.031, 0.01, 0.052))))
    wanted = ["Beside plain controls", "logistic regression on raw pixels", "87.9 %", "1.0 to", "20 of 60,000"]
    assert [word for word in wanted if word not in text] == []
    assert "Beside plain controls" not in render(page())


def test_the_note_says_what_was_bounded_and_how_the_regularisation_was_found():
    assert training_note(raw(0.1, 0, 0.2)) == (
        "Raw pixels: 28 × 28 pixels, standardised, 20 of 60,000 training pictures; regularisation C = 0.01, "
        "chosen by cross-validation."
    )
    assert "fixed, since a class has one label only" in training_note(raw(0.1, 0, 0.2, chosen=False))
    assert "of one class" in training_note(raw(0.1, 0, 0.2, strength=None))


def test_the_terminal_says_it_in_one_line():
    short = {**short_controls(raw(-0.0004, -0.01, 0.052)), "majority_accuracy": 0.5}
    assert plain(controls_line(short)) == (
        "Beside it: raw pixels 91.0 %, the network's lead 0.0 (\u22121.0 to +5.2) points; constant answer 50.0 %"
    )
    assert controls_line({"majority_accuracy": 0.5}) == "" == controls_line(short_controls({}))
