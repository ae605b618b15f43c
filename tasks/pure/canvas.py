"""The paper that every picture is drawn on: one style, one palette, the same bytes for the same values."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart by the colour-blind too.
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6B7280"
FAINT = "#E5E7EB"
# 7.5 inches at 160 dots are 1,200 pixels: crisp on a page 900 wide.
WIDTH, DOTS_PER_INCH = 7.5, 160

_SETTINGS = {
    "text.parse_math": False,  # class names are not formulas: a `$` in one stays a `$`
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.edgecolor": GREY,
    "axes.labelcolor": "#374151",
    "text.color": "#111827",
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "#374151",
    "ytick.labelcolor": "#374151",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@contextmanager
def plain_style() -> Iterator[None]:
    """Matplotlib's defaults and ours on top, whatever the user's own `matplotlibrc` says."""
    import matplotlib.style

    with matplotlib.style.context(["default", _SETTINGS]), warnings.catch_warnings():
        # A class name in a script that the font lacks is drawn as boxes: no reason to fail.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(height: float, width: float = WIDTH) -> "Figure":
    """An empty figure (inches) that lays itself out; no pyplot, so no global state and no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained", facecolor="white")


def blank(width: int, height: int) -> "Figure":
    """An empty figure of so many dots, on which everything is placed by hand: a dot of a picture is a dot of it."""
    from matplotlib.figure import Figure

    size = (width / DOTS_PER_INCH, height / DOTS_PER_INCH)
    return Figure(figsize=size, dpi=DOTS_PER_INCH, facecolor="white")


def png(figure: "Figure", colours: int | None = 96) -> bytes:
    """The figure as PNG by Agg, without date or software version, so that equal figures are equal bytes.

    Args:
        colours: size of the palette; line art keeps its looks at a third of the bytes. None for all (photographs).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    if colours:
        image = image.quantize(colours, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def message(text: str, height: float = 1.2) -> bytes:
    """A panel that says in words why there is no picture."""
    with plain_style():
        figure = new_figure(height)
        axes = figure.add_subplot()
        axes.set_axis_off()
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=12, color=GREY, transform=axes.transAxes)
        return png(figure)


def percent_axis(axis_of: "Axes", which: str) -> None:
    """Write 0…1 as percent on the `x` or `y` axis."""
    from matplotlib.ticker import PercentFormatter

    axis = axis_of.xaxis if which == "x" else axis_of.yaxis
    axis.set_major_formatter(PercentFormatter(xmax=1, decimals=0, symbol=" %"))


def shortened(name: str, longest: int = 16) -> str:
    """A class name that fits beside a picture."""
    return name if len(name) <= longest else name[: longest - 1] + "…"
