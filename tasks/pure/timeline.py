"""Accuracy of several runs against time, with their intervals: what drift looks like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.pure import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NAMED = 15
_PALE = "#C4C9D1"


@dataclass(frozen=True)
class Point:
    """One run.

    Attributes:
        number: the run's, written below the point.
        when: its start, as it is written below the point.
        accuracy, low, high: with the interval, 0 … 1.
        new_data: whether its data had to be read anew.
        promoted: whether it became champion.
    """

    number: int
    when: str
    accuracy: float
    low: float
    high: float
    new_data: bool
    promoted: bool


def accuracy_against_time(points: Sequence[Point]) -> bytes:
    """Points with intervals in the order of time; runs on new data are filled, promoted ones ringed.

    The runs stand at equal distances, with their dates below: a hundred days without a run would squeeze the rest.

    Args:
        points: at least one, oldest first.

    Returns:
        PNG bytes, the same for the same values.
    """
    with canvas.plain_style():
        figure = canvas.new_figure(3.0)
        axes = figure.add_subplot()
        _draw(axes, points)
        _name_runs(axes, points)
        axes.set_ylabel("accuracy, with its interval")
        axes.grid(axis="y", color=canvas.FAINT)
        canvas.percent_axis(axes, "y")
        figure.legend(handles=_legend(), loc="outside upper right", ncols=3, frameon=False, fontsize=8)
        return canvas.png(figure)


def _draw(axes: "Axes", points: Sequence[Point]) -> None:
    below = [point.accuracy - point.low for point in points]
    above = [point.high - point.accuracy for point in points]
    accuracies = [point.accuracy for point in points]
    axes.errorbar(
        range(len(points)), accuracies, yerr=[below, above], color=canvas.FAINT, ecolor=_PALE, capsize=3, zorder=1
    )
    for place, point in enumerate(points):
        face = canvas.BLUE if point.new_data else "white"
        axes.plot(place, point.accuracy, "o", color=canvas.BLUE, markerfacecolor=face, markersize=6, zorder=3)
        if point.promoted:
            axes.plot(place, point.accuracy, "o", color=canvas.ORANGE, markerfacecolor="none", markersize=12)


def _name_runs(axes: "Axes", points: Sequence[Point]) -> None:
    """Number and date of the newest run, and of as many before it as there is room for."""
    every = -(-len(points) // _MOST_NAMED)
    named = list(range(len(points) - 1, -1, -every))
    axes.set_xticks(named, [f"run {points[place].number}\n{points[place].when}" for place in named], fontsize=7.5)
    axes.set_xlim(-0.6, len(points) - 0.4)


def _legend() -> list[object]:
    from matplotlib.lines import Line2D

    marks = [
        ("new data", canvas.BLUE, canvas.BLUE, 6),
        ("the same data", canvas.BLUE, "white", 6),
        ("became champion", canvas.ORANGE, "none", 11),
    ]
    return [
        Line2D([], [], marker="o", linestyle="", label=label, color=colour, markerfacecolor=face, markersize=size)
        for label, colour, face, size in marks
    ]
