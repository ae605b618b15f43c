"""The picture of `graft probe`: a bar with its interval for each base and cut, raw pixels and the constant answer as
lines."""

from collections.abc import Mapping
from typing import Any

from tasks.pure import canvas


def probe_bars(found: Mapping[str, Any]) -> bytes:
    """PNG bytes, the same for the same values.

    Args:
        found: what `tasks.probe.probe` returns.
    """
    told = [each for each in found["probes"] if each["accuracy"] is not None]
    if not told:
        return canvas.message("Nothing could be held out: a class has one label only")
    names = [canvas.shortened(called(each), 34) for each in told]
    with canvas.plain_style():
        figure = canvas.new_figure(1.1 + 0.34 * len(told))
        axes = figure.add_subplot()
        widths = [each["accuracy"] for each in told]
        errors = [[each["accuracy"] - each["low"] for each in told], [each["high"] - each["accuracy"] for each in told]]
        places = range(len(told))
        axes.barh(places, widths, xerr=errors, color=canvas.BLUE, height=0.6, error_kw={"ecolor": "#111827", "lw": 1.2})
        axes.set_yticks(places, names)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        canvas.percent_axis(axes, "x")
        _lines(axes, found)
        axes.set_title(f"Linear probes, {found['num_rows']:,} rows, {100 * found['confidence']:.0f} % intervals")
        return canvas.png(figure)


def called(each: Mapping[str, Any]) -> str:
    """Name of a base, and of its cut where it is not its top."""
    return f"{each['base']} · {each['cut']}" if each["cut"] else str(each["base"])


def _lines(axes: Any, found: Mapping[str, Any]) -> None:
    """Where raw pixels and the constant answer stand."""
    if found["raw_pixels"]["accuracy"] is not None:
        pixels = found["raw_pixels"]
        axes.axvspan(pixels["low"], pixels["high"], color=canvas.ORANGE, alpha=0.18, lw=0)
        axes.axvline(pixels["accuracy"], color=canvas.ORANGE, lw=1.5, label="raw pixels")
    axes.axvline(found["constant"]["accuracy"], color=canvas.GREY, lw=1.2, ls="--", label="constant answer")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.25), ncols=2, frameon=False, fontsize=8)
