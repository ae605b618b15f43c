"""The picture of `graft probe`: a dot with its interval for each base and cut, raw pixels and the constant answer as
lines."""

from collections.abc import Mapping
from typing import Any

from tasks.pure import canvas

NAME_LENGTH = 48


def probe_dots(found: Mapping[str, Any]) -> bytes:
    """PNG bytes, the same for the same values; the best on top.

    Args:
        found: what `tasks.probe.probe` returns.
    """
    told = [each for each in ranked(found) if each["accuracy"] is not None]
    if not told:
        return canvas.message("Nothing could be held out: a class has one label only")
    with canvas.plain_style():
        figure = canvas.new_figure(1.3 + 0.3 * len(told))
        axes = figure.add_subplot()
        _lines(axes, found)
        _dots(axes, told)
        axes.set_xlim(0, 1.01)  # a dot at 100 % is seen whole
        canvas.percent_axis(axes, "x")
        interval = f"{100 * found['confidence']:.0f} % intervals"
        axes.set_title(f"Accuracy of linear probes on {found['num_rows']:,} training pictures, {interval}")
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=8)
        return canvas.png(figure)


def ranked(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The probes by accuracy, by LogME where that is equal or unknown."""
    return sorted(found["probes"], key=lambda each: (-(each["accuracy"] or 0.0), -each["logme"]))


def called(each: Mapping[str, Any]) -> str:
    """Name of a base, and of its cut where it is not its top."""
    return f"{each['base']} · {each['cut']}" if each["cut"] else str(each["base"])


def _dots(axes: Any, told: list[Mapping[str, Any]]) -> None:
    places, widths = range(len(told)), [each["accuracy"] for each in told]
    errors = [[each["accuracy"] - each["low"] for each in told], [each["high"] - each["accuracy"] for each in told]]
    axes.errorbar(widths, places, xerr=errors, fmt="o", color=canvas.BLUE, ms=6, elinewidth=2, capsize=3, zorder=3)
    axes.set_yticks(places, [canvas.shortened(called(each), NAME_LENGTH) for each in told])
    axes.set_ylim(len(told) - 0.4, -0.6)
    axes.grid(axis="y", color=canvas.FAINT, lw=0.8)
    axes.set_axisbelow(True)


def _lines(axes: Any, found: Mapping[str, Any]) -> None:
    """Where raw pixels and the constant answer stand."""
    if found["raw_pixels"]["accuracy"] is not None:
        pixels = found["raw_pixels"]
        axes.axvspan(pixels["low"], pixels["high"], color=canvas.ORANGE, alpha=0.18, lw=0, zorder=1)
        axes.axvline(pixels["accuracy"], color=canvas.ORANGE, lw=1.5, label="raw pixels, with interval", zorder=2)
    axes.axvline(found["constant"]["accuracy"], color=canvas.GREY, lw=1.2, ls="--", label="constant answer", zorder=2)
