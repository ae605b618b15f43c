"""The two pictures that every study has: accuracy by arm, and transfer's lead over each; a row an arm, a dot a seed.

A seed has the same height in every row, so that the eye finds it again; its dots are joined while there are few.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import canvas
from tasks.pure.statistics.decision import interval
from tasks.pure.study_page.figures import said
from tasks.pure.study_page.told import TRANSFER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

INK, LONGEST_NAME = "#111827", 24
# Up to so many seeds a line joins the dots of a seed, and dots are large.
_FEW_SEEDS = 10
_SPREAD = 0.26  # of a row, to either side of its middle


def accuracy_by_arm(arms: Mapping[str, Sequence[float]]) -> bytes:
    """Every seed's accuracy, the mean, and Student's 95 % interval of the mean, a row an arm; transfer in blue.

    Args:
        arms: name → (n,) accuracy by seed, 0 … 1, the same seeds in the same order.

    Returns:
        PNG bytes, the same for the same values.
    """
    if not arms or not len(next(iter(arms.values()))):
        return canvas.message("No seed has been judged yet.")
    names = _transfer_first(arms)
    values = np.array([arms[name] for name in names], np.float64)
    with canvas.plain_style():
        figure, axes = _rows(names)
        _join(axes, values)
        for row, name in enumerate(names):
            colour = canvas.BLUE if name == TRANSFER else canvas.GREY
            _dots(axes, values[row], row, colour)
            low, high, _ = interval(values[row], 0.05)
            _summary(axes, row, (float(values[row].mean()), low, high), colour)
            _at_the_end(axes, row, f"{100 * values[row].mean():.1f} %", bold=name == TRANSFER)
        axes.set_xlabel("accuracy on the test images\ndots: seeds; bar: mean with its 95 % interval")
        percent_ticks(axes.xaxis)
        return canvas.png(figure)


def paired_differences(comparisons: Mapping[str, Mapping[str, Any]], margin: float) -> bytes:
    """Every seed's difference, transfer less the other arm, with the interval of the look; the margin as a band.

    Args:
        comparisons: arm → `differences` ((n,) in shares), `difference`, `low`, `high`, `seeds` (how many of the first
            the interval rests on; later ones are hollow), `word`.
        margin: what counts as no difference, in shares.

    Returns:
        PNG bytes, the same for the same values.
    """
    if not comparisons:
        return canvas.message("Nothing is compared with transfer.")
    colours = {"helps": canvas.BLUE, "hurts": canvas.VERMILION}
    with canvas.plain_style():
        figure, axes = _rows([f"against {canvas.shortened(name, LONGEST_NAME)}" for name in comparisons])
        axes.axvspan(-margin, margin, color=canvas.FAINT, zorder=0, linewidth=0)
        axes.axvline(0, color=canvas.GREY, linewidth=1, zorder=1)
        for row, each in enumerate(comparisons.values()):
            colour = colours.get(each["word"], canvas.GREY)
            _dots(axes, np.asarray(each["differences"], np.float64), row, colour, each["seeds"])
            _summary(axes, row, (each["difference"], each["low"], each["high"]), colour)
            _at_the_end(axes, row, said(each), bold=each["word"] in colours)
        hollow = any(len(each["differences"]) > each["seeds"] for each in comparisons.values())
        axes.set_xlabel(_explained(margin, hollow), linespacing=1.5)
        _within(axes, [*comparisons.values()], margin)
        _points_axis(axes)
        return canvas.png(figure)


def percent_ticks(axis: "Axis") -> None:
    """Few ticks at round shares, each written as it is: 84.5 % is not rounded to 84 %."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{round(100 * value, 6):g} %"))


def _explained(margin: float, hollow: bool) -> str:
    marks = ["dots: seeds", "bar: interval of the look"]
    marks += [f"grey: margin of ±{100 * margin:g}"] if margin else []
    marks += ["hollow: after the look that decided"] if hollow else []
    return "transfer less the other arm, in points of accuracy\n" + "; ".join(marks)


def _within(axes: "Axes", comparisons: Sequence[Mapping[str, Any]], margin: float) -> None:
    """Show every seed and 0, but let no interval of two seeds squeeze all else: beyond, it runs out of the picture."""
    shown = np.concatenate([np.asarray(each["differences"], np.float64) for each in comparisons])
    low, high = min(float(shown.min()), -margin, 0.0), max(float(shown.max()), margin, 0.0)
    spread = max(high - low, 2 * margin, 0.01)
    ends = [end for each in comparisons for end in (each["low"], each["high"]) if end is not None]
    low = max(min([low, -2 * margin, *ends]), low - spread)
    high = min(max([high, 2 * margin, *ends]), high + spread)
    room = 0.04 * (high - low)
    axes.set_xlim(low - room, high + room)


def _points_axis(axes: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(10, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(round(100 * value, 6))))


def _signed(points: float) -> str:
    return f"{points:+g}".replace("-", "−") if points else "0"


def _transfer_first(arms: Mapping[str, Any]) -> list[str]:
    return sorted(arms, key=lambda name: name != TRANSFER)


def _rows(names: Sequence[str]) -> tuple["Figure", "Axes"]:
    figure = canvas.new_figure(0.75 + 0.48 * len(names))
    axes = figure.add_subplot()
    axes.set_yticks(range(len(names)), [canvas.shortened(name, LONGEST_NAME + 8) for name in names])
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == TRANSFER else "normal")
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=canvas.FAINT, linewidth=0.7)
    axes.set_axisbelow(True)
    return figure, axes


def _heights(number: int, row: int) -> np.ndarray:
    """The seeds of a row side by side, the first on top."""
    return row + (np.linspace(-_SPREAD, _SPREAD, number) if number > 1 else np.zeros(1))


def _join(axes: "Axes", values: np.ndarray) -> None:
    rows, seeds = values.shape
    if rows < 2 or seeds > _FEW_SEEDS:
        return
    heights = np.array([_heights(seeds, row) for row in range(rows)])
    for seed in range(seeds):
        axes.plot(values[:, seed], heights[:, seed], color="#D1D5DB", linewidth=0.7, zorder=1.5)


def _dots(axes: "Axes", values: np.ndarray, row: int, colour: str, solid: int | None = None) -> None:
    """(n,) values; those from `solid` on are hollow."""
    heights, size = _heights(len(values), row), 18 if len(values) <= _FEW_SEEDS else 9
    first = slice(None, solid)
    axes.scatter(
        values[first], heights[first], size, color=colour, alpha=0.8, linewidth=0.4, edgecolor="white", zorder=4
    )
    if solid is not None and len(values) > solid:
        rest = slice(solid, None)
        axes.scatter(values[rest], heights[rest], size, facecolor="none", edgecolor=colour, linewidth=0.6, zorder=4)


def _summary(axes: "Axes", row: int, of: tuple[float, float | None, float | None], colour: str) -> None:
    """The mean as an upright stroke and the interval, where there is one, as a bar."""
    mean, low, high = of
    ink = INK if colour == canvas.GREY else colour
    if low is not None and high is not None:
        axes.plot([low, high], [row, row], color=ink, linewidth=2, solid_capstyle="butt", zorder=3)
    axes.plot([mean, mean], [row - 0.2, row + 0.2], color=ink, linewidth=2.4, solid_capstyle="butt", zorder=3)


def _at_the_end(axes: "Axes", row: int, text: str, bold: bool) -> None:
    where, weight = axes.get_yaxis_transform(), "bold" if bold else "normal"
    axes.text(1.015, row, text, transform=where, va="center", ha="left", fontsize=8.5, fontweight=weight)
