"""What a page says of the plain controls: a network beside logistic regression on raw pixels and a constant answer."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.page_content import interval, percent, points

HEADERS = ("", "accuracy", "interval", "the network's lead (points)")


def plain_control_rows(metrics: Mapping[str, Any]) -> list[list[str]]:
    """One row each for the network, raw pixels and the constant answer, as `HEADERS` says; none where not computed."""
    controls = metrics.get("controls")
    if not controls:
        return []
    pixels, constant = controls["raw_pixels"], controls["constant"]
    return [
        ["the network", percent(metrics["accuracy"]), interval(dict(metrics)), ""],
        ["logistic regression on raw pixels", percent(pixels["accuracy"]), interval(pixels), lead(pixels)],
        [f"always “{constant['class']}”", percent(constant["accuracy"]), interval(constant), lead(constant)],
    ]


def lead(control: Mapping[str, Any]) -> str:
    """ "+3.1 (+1.0 to +5.2)": how far the network is above the control, with the interval of the difference."""
    difference = control["difference"]
    return f"{_signed(difference['difference'])} ({_signed(difference['low'])} to {_signed(difference['high'])})"


def training_note(metrics: Mapping[str, Any]) -> str:
    """How the regression on raw pixels was trained, in a sentence; "" where there is none."""
    controls = metrics.get("controls")
    if not controls:
        return ""
    pixels = controls["raw_pixels"]
    size = f"{pixels['height']} × {pixels['width']} pixels, standardised"
    if pixels["strength"] is None:
        return f"Raw pixels: {size}; the training pictures are of one class, which is then the answer."
    how = "chosen by cross-validation" if pixels["chosen"] else "fixed, since a class has one label only"
    rows = f"{pixels['num_train']:,} of {pixels['of']:,} training pictures"
    return f"Raw pixels: {size}, {rows}; regularisation C = {pixels['strength']:g}, {how}."


def raw_pixels_sentence(metrics: Mapping[str, Any]) -> list[str]:
    """Said where raw pixels do as well as the network, or better: where the interval of its lead reaches 0."""
    control = (metrics.get("controls") or {}).get("raw_pixels")
    if not control or not as_good(metrics):
        return []
    difference = control["difference"]
    coverage = f"{100 * metrics.get('confidence', 0.95):.0f}\u00a0% interval of its lead"
    bounds = f"{coverage} {_signed(difference['low'])} to {_signed(difference['high'])}\u00a0points"
    theirs = f"logistic regression on raw pixels answers {percent(control['accuracy'])} right"
    if better(metrics):
        return [f"Raw pixels do better: {theirs}, {points(difference['difference'])} more than the network ({bounds})."]
    return [
        f"Raw pixels do as well, as far as this test can tell: {theirs}, the network {percent(metrics['accuracy'])} "
        f"({bounds}). Nothing shows that the network brought anything to this task."
    ]


def as_good(metrics: Mapping[str, Any]) -> bool:
    """Whether raw pixels do as well as the network: the interval of its lead reaches 0."""
    control = (metrics.get("controls") or {}).get("raw_pixels")
    return bool(control and control["difference"]["low"] <= 0)


def better(metrics: Mapping[str, Any]) -> bool:
    """Whether raw pixels do measurably better: the interval of the network's lead lies below 0."""
    control = (metrics.get("controls") or {}).get("raw_pixels")
    return bool(control and control["difference"]["high"] < 0)


def short_controls(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The few figures that lists, scripts and the terminal want of the controls."""
    control = (metrics.get("controls") or {}).get("raw_pixels")
    if not control:
        return {}
    difference = {f"raw_pixels_{name}": control["difference"][name] for name in ("difference", "low", "high")}
    return {"raw_pixels_accuracy": control["accuracy"], **difference}


def controls_line(short: Mapping[str, Any]) -> str:
    """One line for the terminal, from what `short_controls` gave and `majority_accuracy`; "" where there is none."""
    if short.get("raw_pixels_accuracy") is None:
        return ""
    names = ("difference", "low", "high")
    led = lead({"difference": {name: short[f"raw_pixels_{name}"] for name in names}})
    pixels = f"raw pixels {percent(short['raw_pixels_accuracy'])}, the network's lead {led} points"
    return f"Beside it: {pixels}; constant answer {percent(short.get('majority_accuracy'))}"


def _signed(difference: float) -> str:
    """0.031 → "+3.1", -0.031 → "−3.1"; what rounds to nothing has no sign."""
    text = f"{100 * difference:+.1f}".replace("-", "\u2212")
    return "0.0" if text[1:] == "0.0" else text
