"""The pictures of a study's page, by name, drawn from what the page is told."""

from collections.abc import Mapping
from typing import Any

from tasks.pure.study_page import curve_plots, plots
from tasks.pure.study_page.places import saved_of
from tasks.pure.study_page.told import Curve, curve, differences


def drawn(told: Mapping[str, Any]) -> dict[str, bytes]:
    """PNG bytes: `accuracy`, `differences`, and `labels`, `depth`, `unfrozen` where the axis is there."""
    compared = {arm: {**each, "differences": differences(told, arm)} for arm, each in told["comparisons"].items()}
    found = {
        "accuracy": plots.accuracy_by_arm(told["arms"]),
        "differences": plots.paired_differences(compared, told["plan"]["margin"]),
    }
    if labels := _numbers(curve(told, "labels")):
        found["labels"] = curve_plots.by_labels(labels, saved_of(told))
    for name, axis in (
        ("depth", "depth of the cut: layers of the base that are kept"),
        ("unfrozen", "unfrozen layers"),
    ):
        if places := curve(told, name):
            found[name] = curve_plots.by_place(places, axis)
    return found


def _numbers(found: Curve) -> Curve:
    """Without `all`, which has no place on an axis of numbers."""
    kept = {arm: {place: each for place, each in by.items() if isinstance(place, int)} for arm, by in found.items()}
    return {arm: places for arm, places in kept.items() if places}
