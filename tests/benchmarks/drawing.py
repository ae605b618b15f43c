"""results.png: the seconds of both sides of each comparison, and two small panels on how cost grows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tasks.pure import canvas
from tests.benchmarks.rendering import target_in_words
from tests.benchmarks.results import Comparison, Curve, Findings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = {"images": ("images", "seconds an epoch"), "runs": ("runs in the store", "seconds, whole process")}
COLOURS = {"dense": canvas.BLUE, "cnn": canvas.VERMILION, "graft plan": canvas.BLUE}


def draw(found: Mapping[str, Findings]) -> bytes | None:
    """PNG bytes; None where nothing was measured."""
    rows = [(name, each) for name, findings in found.items() for each in findings.comparisons if name != "scaling"]
    curves = [curve for findings in found.values() for curve in findings.curves]
    if not rows and not curves:
        return None
    with canvas.plain_style():
        figure = canvas.new_figure(1.2 + 0.42 * len(rows) + (2.4 if curves else 0))
        heights = ([0.42 * len(rows) + 0.8] if rows else []) + ([2.4] if curves else [])
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights)
        if rows:
            _draw_pairs(figure.add_subplot(grid[0, :]), rows)
        for place, panel in enumerate(PANELS if curves else ()):
            _draw_curves(figure.add_subplot(grid[-1, place]), panel, [each for each in curves if each.panel == panel])
        return canvas.png(figure)


def _draw_pairs(axes: "Axes", rows: Sequence[tuple[str, Comparison]]) -> None:
    """A line a comparison, from one side's median to the other's, the ratio at its right."""
    for height, (_, each) in enumerate(rows):
        axes.plot([each.over.median, each.under.median], [height, height], color=canvas.FAINT, linewidth=3, zorder=1)
        axes.plot(each.over.median, height, "o", color=canvas.BLUE, markersize=7, zorder=2)
        axes.plot(each.under.median, height, "D", color=canvas.ORANGE, markersize=6, zorder=2)
        axes.annotate(
            _said(each), (1.01, height), xycoords=("axes fraction", "data"), va="center", fontsize=8,
            color=canvas.VERMILION if each.verdict() == "not met" else "#111827",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [f"{name}\n{_plain(each.what)}" for name, each in rows], fontsize=7)
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value:g}")
    axes.set_xlabel("seconds, medians, logarithmic scale (● first side, ◆ second side)")
    axes.grid(axis="x", color=canvas.FAINT)
    axes.set_title("Ratio = first side ÷ second side", loc="left")


def _said(each: Comparison) -> str:
    target = target_in_words(each.target).partition(" (")[0]
    return f"{each.ratio:.2f}" + (f"  (target {target})" if target != "–" else "")


def _plain(text: str) -> str:
    plain = text.replace("`", "")
    return plain if len(plain) <= 46 else plain[:45] + "…"


def _draw_curves(axes: "Axes", panel: str, curves: Sequence[Curve]) -> None:
    """Medians against a number; both axes begin at zero, so that a straight line through the corner is linear cost."""
    across, up = PANELS[panel]
    for curve in curves:
        numbers, seconds = zip(*curve.points, strict=True)
        axes.plot(numbers, seconds, "o-", color=COLOURS.get(curve.label, canvas.GREEN), markersize=4, label=curve.label)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value:,.0f}")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(color=canvas.FAINT)
    if curves:
        axes.legend(frameon=False, fontsize=8)
