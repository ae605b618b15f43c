"""The pictures of a report, as PNG bytes: deterministic, without a display, readable by the colour-blind."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure import canvas
from tasks.pure.curves import learning_curves as learning_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Up to this many classes a cell has room for its count, up to the next for the names of the classes.
_ROOM_FOR_COUNTS, _ROOM_FOR_NAMES = 12, 30
_COLUMNS, _ROWS = 5, 3


def confusion(matrix: np.ndarray | Sequence[Sequence[int]], class_names: Sequence[str]) -> bytes:
    """The confusion matrix: rows are true classes, columns predicted ones, shade the share of the row.

    Args:
        matrix: (k, k) int counts.
        class_names: k names; beyond 30 classes only numbers are written, and those sparsely.

    Returns:
        PNG bytes, the same for the same values.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas.plain_style():
        figure = canvas.new_figure(4.6, width=5.0)
        axes = figure.add_subplot()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
        bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=18)
        canvas.percent_axis(bar.ax, "y")
        bar.ax.tick_params(labelsize=7)
        _name_classes(axes, class_names, counts.sum(axis=1) > 0)
        if len(counts) <= _ROOM_FOR_COUNTS:
            _write_counts(axes, counts, shares)
        return canvas.png(figure)


def _name_classes(axes: "Axes", class_names: Sequence[str], tested: np.ndarray) -> None:
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(class_names) > _ROOM_FOR_NAMES:
        return
    names = [canvas.shortened(name) for name in class_names]
    places, size = range(len(names)), 8 if len(names) <= _ROOM_FOR_COUNTS else 5.5
    upright = len(names) > 3
    axes.set_xticks(places, names, rotation=90 if upright else 0, fontsize=size)
    true = [name if shown else f"{name}\n(not tested)" for name, shown in zip(names, tested, strict=True)]
    axes.set_yticks(places, true, fontsize=size)


def _write_counts(axes: "Axes", counts: np.ndarray, shares: np.ndarray) -> None:
    size = 12 if len(counts) <= 4 else 7
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.55 else "#111827" if count else "#C4C9D1"
        axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=size)


def mistakes(
    images: np.ndarray, true: Sequence[str], predicted: Sequence[str], confidence: np.ndarray | Sequence[float]
) -> bytes:
    """The mistakes that the network was surest of, at most 15, surest first: "true → predicted, 97 %".

    Args:
        images: (m, h, w, c) with c 1 or 3, uint8, or float: within 0…1 as they are, otherwise stretched to it.
        true, predicted: m class names each.
        confidence: (m,) float, 0…1, the probability given to the wrong answer.

    Returns:
        PNG bytes, the same for the same values; for m = 0 a panel that says so.
    """
    order = np.argsort(-np.asarray(confidence, dtype=float), kind="stable")[: _COLUMNS * _ROWS]
    if not len(order):
        return canvas.message("No mistakes: every test image was answered right.")
    shown = _displayable(np.asarray(images)[order])
    rows = -(-len(order) // _COLUMNS)
    with canvas.plain_style():
        figure = canvas.new_figure(0.15 + 1.75 * rows)
        for place in range(rows * _COLUMNS):
            axes = figure.add_subplot(rows, _COLUMNS, place + 1)
            axes.set_axis_off()
            if place < len(order):
                _show(axes, shown[place])
                index = order[place]
                names = f"{canvas.shortened(str(true[index]))} →\n{canvas.shortened(str(predicted[index]))}"
                axes.set_title(f"{names}, {100 * confidence[index]:.0f} %", fontsize=8, pad=3)
        return canvas.png(figure, colours=256 if shown.shape[-1] == 1 else None)


def _displayable(images: np.ndarray) -> np.ndarray:
    """To 0…1, by one rule for all the images shown, so that they can be compared."""
    if images.dtype == np.uint8:
        return images / 255.0
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1:
        return images
    return (images - low) / max(high - low, 1e-12)


def _show(axes: "Axes", image: np.ndarray) -> None:
    if image.shape[-1] == 1:
        axes.imshow(image[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    else:
        axes.imshow(image[..., :3], interpolation="nearest")


def reliability(bins: Sequence[Mapping[str, Any]]) -> bytes:
    """Accuracy against confidence, bin by bin, and below it how many answers each bin holds.

    Args:
        bins: as `calibration.reliability_bins` makes them; empty ones are not drawn.

    Returns:
        PNG bytes, the same for the same values.
    """
    full = [entry for entry in bins if entry["count"]]
    with canvas.plain_style():
        figure = canvas.new_figure(4.0, width=5.0)
        grid = figure.add_gridspec(2, 1, height_ratios=[3, 1])
        upper = figure.add_subplot(grid[0])
        lower = figure.add_subplot(grid[1], sharex=upper)
        _draw_reliability(upper, full)
        _bars(lower, full, "count", canvas.GREY)
        lower.set_ylabel("images")
        lower.set_xlabel("confidence: the probability given to the answer")
        canvas.percent_axis(lower, "x")
        return canvas.png(figure)


def _draw_reliability(axes: "Axes", bins: list[Mapping[str, Any]]) -> None:
    _bars(axes, bins, "accuracy", canvas.BLUE)
    axes.plot([0, 1], [0, 1], linestyle="--", color=canvas.VERMILION, linewidth=1.2, label="as sure as it is right")
    confidences = [entry["confidence"] for entry in bins]
    right = [entry["accuracy"] for entry in bins]
    axes.plot(confidences, right, "o", color="#111827", markersize=3.5, label="mean confidence of a bin")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_ylabel("share right")
    axes.tick_params(labelbottom=False)
    axes.legend(loc="upper left", frameon=False, fontsize=8)
    canvas.percent_axis(axes, "y")


def _bars(axes: "Axes", bins: list[Mapping[str, Any]], height: str, colour: str) -> None:
    lows = [entry["low"] for entry in bins]
    widths = [entry["high"] - entry["low"] for entry in bins]
    heights = [entry[height] for entry in bins]
    axes.bar(lows, heights, width=widths, align="edge", color=colour, alpha=0.75, edgecolor="white")
