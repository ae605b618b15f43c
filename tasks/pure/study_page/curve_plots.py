"""Pictures of a study's axes: accuracy against the number of labels, the depth of the cut, the layers unfrozen."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import canvas
from tasks.pure.statistics.decision import interval
from tasks.pure.study_page.figures import about
from tasks.pure.study_page.labels_saved import LabelsSaved
from tasks.pure.study_page.plots import percent_ticks
from tasks.pure.study_page.told import TRANSFER, Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by marker too. Transfer is always the first.
_LOOKS = (
    (canvas.BLUE, "o"),
    (canvas.VERMILION, "s"),
    (canvas.GREEN, "^"),
    (canvas.ORANGE, "D"),
    (canvas.GREY, "v"),
    ("#CC79A7", "P"),
    ("#56B4E9", "X"),
    ("#111827", "*"),
)
_APART = 0.012  # of the axis: dots of arms stand side by side, not on each other


def by_labels(curve: Curve, saved: LabelsSaved | None) -> bytes:
    """Accuracy against the number of labels (log axis), and the labels saved as an arrow.

    Args:
        curve: arm → number of labels → accuracy by seed.
        saved: read off transfer and scratch; None where it cannot be.

    Returns:
        PNG bytes, the same for the same values.
    """
    numbers = sorted({number for places in curve.values() for number in places})
    with canvas.plain_style():
        figure, axes = _axes()
        _draw(axes, curve, {number: float(np.log10(number)) for number in numbers})
        axes.set_xticks([np.log10(number) for number in numbers], [f"{number:,}" for number in numbers])
        axes.set_xlabel("training labels of the target (log axis)")
        _crowded(axes, [np.log10(number) for number in numbers])
        if saved:
            _arrow(axes, saved)
            axes.set_title(in_short(saved), loc="left", fontsize=9)
        return canvas.png(figure)


def by_place(curve: Curve, axis: str) -> bytes:
    """Accuracy against places that stand side by side, such as the depth of the cut (Yosinski et al. 2014).

    Args:
        curve: arm → place → accuracy by seed, places in order.
        axis: what they are, in words.

    Returns:
        PNG bytes, the same for the same values.
    """
    places = list(dict.fromkeys(place for by_place in curve.values() for place in by_place))
    with canvas.plain_style():
        figure, axes = _axes()
        _draw(axes, curve, {place: float(at) for at, place in enumerate(places)})
        names = [canvas.shortened(str(place)) for place in places]
        crowded = sum(map(len, names)) > 60
        axes.set_xticks(range(len(places)), names)
        if crowded:
            for label in axes.get_xticklabels():
                label.set(rotation=40, ha="right", rotation_mode="anchor")
        axes.set_xlabel(axis)
        return canvas.png(figure)


def _axes() -> tuple["Figure", "Axes"]:
    figure = canvas.new_figure(3.9)
    axes = figure.add_subplot()
    axes.set_ylabel("accuracy on the test images")
    axes.grid(axis="y", color=canvas.FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _draw(axes: "Axes", curve: Curve, at: Mapping[Any, float]) -> None:
    names = sorted(curve, key=lambda name: name != TRANSFER)
    width = max(at.values()) - min(at.values()) or 1.0
    for place, name in enumerate(names):
        colour, marker = _LOOKS[place % len(_LOOKS)]
        beside = (place - (len(names) - 1) / 2) * _APART * width
        _line(axes, {at[value] + beside: values for value, values in curve[name].items()}, (name, colour, marker))
    axes.margins(x=0.06)
    percent_ticks(axes.yaxis)
    shown = min(len(names), 4)
    axes.figure.legend(loc="outside upper left", ncols=shown, frameon=False, fontsize=8.5, columnspacing=1.4)


def _line(axes: "Axes", points: Mapping[float, Sequence[float]], look: tuple[str, str, str]) -> None:
    """One arm: its seeds faintly, its means joined, Student's 95 % interval of each."""
    name, colour, marker = look
    strong = name == TRANSFER
    for at, values in points.items():
        axes.scatter([at] * len(values), values, 7, color=colour, alpha=0.3, linewidth=0, zorder=2)
        low, high, _ = interval(np.asarray(values, np.float64), 0.05)
        if low is not None and high is not None:
            axes.plot([at, at], [low, high], color=colour, linewidth=1.1, alpha=0.7, zorder=2.5)
    means = [float(np.mean(values)) for values in points.values()]
    size, width = (5.5, 2.2) if strong else (4.5, 1.3)
    label = canvas.shortened(name, 24)
    axes.plot([*points], means, color=colour, marker=marker, markersize=size, linewidth=width, label=label, zorder=3)


def _arrow(axes: "Axes", saved: LabelsSaved) -> None:
    """From the fewest labels, at transfer's accuracy, to where scratch reaches it; to the edge where it does not."""
    start, accuracy = float(np.log10(saved.fewest)), saved.accuracy
    end = float(np.log10(saved.needed if saved.needed is not None else saved.most))
    if end <= start:
        return
    look = {
        "arrowstyle": "-|>",
        "color": "#111827",
        "linewidth": 1.1,
        "linestyle": "--" if saved.needed is None else "-",
    }
    axes.annotate("", (end, accuracy), (start, accuracy), arrowprops=look, zorder=4)


def _crowded(axes: "Axes", ticks: Sequence[float]) -> None:
    """Turn the numbers of labels where some would touch."""
    if len(ticks) > 1 and min(np.diff(ticks)) < 0.07 * (ticks[-1] - ticks[0]):
        axes.tick_params(axis="x", labelrotation=40)


def in_short(saved: LabelsSaved) -> str:
    """ "scratch needs about 180 labels for what transfer reaches with 20 (84.0 %)"."""
    if saved.needed == saved.fewest:
        return f"scratch reaches with {saved.fewest:,} labels what transfer does: none are saved"
    number = f"more than {saved.most:,}" if saved.needed is None else f"about {about(saved.needed)}"
    reached = f"transfer reaches with {saved.fewest:,} ({100 * saved.accuracy:.1f} %)"
    return f"scratch needs {number} labels for what {reached}"
