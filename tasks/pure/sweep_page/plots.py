"""The pictures of a sweep: a heat map for a pair of keys; for one key a row a value, a dot a seed."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import canvas
from tasks.pure.page_content import seeds_told
from tasks.pure.study_page import plots
from tasks.pure.sweep_page.told import Row, cells, dropped, greyed, is_chosen

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LONGEST = 24
_NOISE = "#D1D5DB"  # no colour of the scale: what is grey says nothing of more or less
_CELL = (1.15, 0.62)  # inches
_LABELS = 2.4


def drawn(told: Mapping[str, Any], pairs: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """PNG bytes by name: `map-0`, `map-1`, … in the order of `pairs`; `values` where there is one key alone."""
    if not pairs:
        return {"values": by_value(told)}
    return {f"map-{place}": heat_map(told, pair) for place, pair in enumerate(pairs)}


def by_value(told: Mapping[str, Any]) -> bytes:
    """Accuracy on validation by value of the only key: every seed, the mean, and one standard error to either side.

    Returns:
        PNG bytes, the same for the same values.
    """
    ((key, _),) = told["grid"].items()
    with canvas.plain_style():
        figure, axes = plots._rows([row["values"][0] for row in told["rows"]])
        for place, row in enumerate(told["rows"]):
            chosen = is_chosen(told, row)
            colour = canvas.BLUE if chosen else canvas.GREY if row["tied"] else plots.INK
            plots._dots(axes, np.asarray(row["accuracies"], np.float64), place, colour)
            plots._summary(axes, place, (row["mean"], *_around(row)), colour)
            plots._at_the_end(axes, place, f"{100 * row['mean']:.1f} %{_seeds(told, row, ', ')}", bold=chosen)
        axes.set_ylabel(key)
        axes.set_xlabel(
            "accuracy on validation; dots: seeds; bar: mean ± one standard error\n"
            "blue: chosen; grey: as good as the best within the noise",
            linespacing=1.5,
        )
        plots.percent_ticks(axes.xaxis)
        return canvas.png(figure)


def heat_map(told: Mapping[str, Any], pair: tuple[str, str]) -> bytes:
    """Mean accuracy on validation by the values of two keys; grey where the difference to the best lies inside the
    noise, dashed where halving gave it up, framed where it is chosen.

    Returns:
        PNG bytes, the same for the same values.
    """
    down, across = (told["grid"][key] for key in pair)
    found = cells(told, pair)
    width = max(canvas.WIDTH, min(_LABELS + _CELL[0] * len(across), 2 * canvas.WIDTH))
    with canvas.plain_style():
        figure = canvas.new_figure(0.7 + _CELL[1] * len(down), width)
        axes = figure.add_subplot()
        scale = _Scale([row["mean"] for row in found.values()])
        for y, first in enumerate(down):
            for x, second in enumerate(across):
                _cell(axes, (x, y), told, found[first, second], scale)
        _frame(axes, down, across, pair)
        return canvas.png(figure)


class _Scale:
    """White to blue, from the worst cell to the best."""

    def __init__(self, means: Sequence[float]) -> None:
        self.low, self.high = min(means), max(means)

    def colour(self, mean: float) -> tuple[float, ...]:
        from matplotlib.colors import to_rgb

        share = (mean - self.low) / (self.high - self.low) if self.high > self.low else 1.0
        blue, white = np.array(to_rgb(canvas.BLUE)), np.ones(3)
        return tuple((white + (0.08 + 0.92 * share) * (blue - white)).tolist())


def _cell(axes: "Axes", at: tuple[int, int], told: Mapping[str, Any], row: Row, scale: _Scale) -> None:
    from matplotlib.patches import Rectangle

    x, y = at
    gone, chosen = dropped(told, row), is_chosen(told, row)
    grey = greyed(row)
    face = _NOISE if grey else scale.colour(row["mean"])
    dark = not grey and float(np.dot(face, (0.299, 0.587, 0.114))) < 0.55
    ink = "white" if dark else plots.INK
    axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=2))
    if gone:
        inner = Rectangle((x - 0.46, y - 0.42), 0.92, 0.84, fill=False, edgecolor=ink, linewidth=0.7, linestyle="--")
        axes.add_patch(inner)
    if chosen:
        frame = Rectangle((x - 0.47, y - 0.44), 0.94, 0.88, fill=False, edgecolor=canvas.ORANGE, linewidth=3, zorder=4)
        axes.add_patch(frame)
    axes.text(x, y - 0.12, f"{100 * row['mean']:.1f} %", ha="center", va="center", color=ink, fontweight="bold")
    below = _seeds(told, row, "") or ("" if row["error"] is None else f"± {100 * row['error']:.1f}")
    axes.text(x, y + 0.24, below, ha="center", va="center", color=ink, fontsize=7.5)


def _frame(axes: "Axes", down: Sequence[str], across: Sequence[str], pair: tuple[str, str]) -> None:
    axes.set_xlim(-0.5, len(across) - 0.5)
    axes.set_ylim(len(down) - 0.5, -0.5)
    axes.set_xticks(range(len(across)), [canvas.shortened(value, _LONGEST) for value in across])
    axes.set_yticks(range(len(down)), [canvas.shortened(value, _LONGEST) for value in down])
    axes.set_ylabel(pair[0])
    axes.set_xlabel(pair[1])
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _around(row: Row) -> tuple[float | None, float | None]:
    if row["error"] is None:
        return None, None
    return row["mean"] - row["error"], row["mean"] + row["error"]


def _seeds(told: Mapping[str, Any], row: Row, before: str) -> str:
    """How many seeds, where halving gave it up."""
    if not dropped(told, row):
        return ""
    return f"{before}{seeds_told(row['seeds'])} only"
