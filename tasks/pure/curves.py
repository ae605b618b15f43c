"""Learning curves of the three trainings on one axis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure import canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_COLOURS = (canvas.GREY, canvas.BLUE, canvas.VERMILION, canvas.GREEN, canvas.ORANGE)
SOURCE_STAGE = "pretrain"


@dataclass(frozen=True)
class _Stage:
    """One training, with the place of its epochs on the common axis (1-based, running on)."""

    name: str
    colour: str
    epochs: np.ndarray
    history: "pd.DataFrame"

    def curve(self, column: str) -> np.ndarray | None:
        return self.history[column].to_numpy(dtype=float) if column in self.history.columns else None


def learning_curves(histories: Mapping[str, "pd.DataFrame"]) -> bytes:
    """Accuracy of all stages on one axis, epochs running on; below it the loss, a panel with its own scale a stage.

    The loss is not put on one axis: regularisers of frozen layers leave it, and `pretrain` learns another task.

    Args:
        histories: stage name to frame, in the order of training; columns `epoch` (int from 0), `loss`, `accuracy`,
            `val_loss`, `val_accuracy` where there was a validation part, and `learning_rate` where it is not constant
            (the value at each epoch's end). Empty frames are left out. The stage
            called `pretrain` is shaded: it is trained on the source task.

    Returns:
        PNG bytes, the same for the same values.
    """
    stages = _on_one_axis(histories)
    if not stages:
        return canvas.message("Nothing was trained: no learning curves.")
    with canvas.plain_style():
        figure = canvas.new_figure(4.9)
        grid = figure.add_gridspec(2, len(stages), height_ratios=[1.7, 1])
        _draw_accuracy(figure.add_subplot(grid[0, :]), stages)
        for place, stage in enumerate(stages):
            _draw_loss(figure.add_subplot(grid[1, place]), stage, first=place == 0)
        return canvas.png(figure)


def _on_one_axis(histories: Mapping[str, "pd.DataFrame"]) -> list[_Stage]:
    stages: list[_Stage] = []
    done = 0
    for place, (name, history) in enumerate(histories.items()):
        if len(history):
            epochs = np.arange(done + 1, done + len(history) + 1)
            stages.append(_Stage(name, _COLOURS[place % len(_COLOURS)], epochs, history))
            done += len(history)
    return stages


def _draw_accuracy(axes: "Axes", stages: list[_Stage]) -> None:
    for stage in stages:
        _mark_stage(axes, stage)
        _draw_pair(axes, stage, "accuracy")
    axes.set_ylim(0, 1.02)
    canvas.percent_axis(axes, "y")
    axes.set_xlim(0.5, stages[-1].epochs[-1] + 0.5)
    axes.set_xlabel("epoch, running on through the stages")
    axes.set_ylabel("accuracy")
    axes.grid(axis="y", color=canvas.FAINT)
    _whole_epochs(axes)
    _draw_legend(axes, stages)


def _mark_stage(axes: "Axes", stage: _Stage) -> None:
    start, end = stage.epochs[0] - 0.5, stage.epochs[-1] + 0.5
    is_source = stage.name == SOURCE_STAGE
    if is_source:
        axes.axvspan(start, end, color="#F3F4F6", zorder=0)
    axes.axvline(end, color=canvas.GREY, linewidth=0.6, linestyle=":")
    label = f"{stage.name}\n(source task)" if is_source else f"{stage.name}\n(target task)"
    axes.annotate(
        label,
        ((start + end) / 2, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=stage.colour,
        fontweight="bold",
        fontsize=8.5,
    )


def _draw_pair(axes: "Axes", stage: _Stage, column: str) -> None:
    """Training solid, validation dashed; a stage of one epoch is a dot."""
    marker = "o" if len(stage.epochs) <= 12 else ""
    for name, line in ((column, "-"), (f"val_{column}", "--")):
        curve = stage.curve(name)
        if curve is not None:
            axes.plot(stage.epochs, curve, line, color=stage.colour, marker=marker, markersize=3, linewidth=1.6)


def _draw_legend(axes: "Axes", stages: list[_Stage]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=canvas.GREY, label="on the training images")]
    if any(stage.curve("val_accuracy") is not None for stage in stages):
        handles.append(Line2D([], [], color=canvas.GREY, linestyle="--", label="on the validation images"))
    axes.legend(handles=handles, loc="lower right", frameon=True, framealpha=0.9, edgecolor="none", fontsize=8)


def _draw_loss(axes: "Axes", stage: _Stage, *, first: bool) -> None:
    _draw_pair(axes, stage, "loss")
    if stage.name == SOURCE_STAGE:
        axes.set_facecolor("#F3F4F6")
    axes.set_title(stage.name, color=stage.colour, fontsize=8.5)
    axes.set_xlim(stage.epochs[0] - 0.5, stage.epochs[-1] + 0.5)
    axes.grid(axis="y", color=canvas.FAINT)
    axes.tick_params(labelsize=8)
    _whole_epochs(axes)
    _draw_rate(axes, stage)
    if first:
        axes.set_ylabel("loss (own scale each:\nnot comparable)", fontsize=8)


def _draw_rate(axes: "Axes", stage: _Stage) -> None:
    """The rate at each epoch's end where it is not constant, dotted: its shape from 0 upwards, its peak in words."""
    rates = stage.curve("learning_rate")
    if rates is None:
        return
    beside = axes.twinx()
    beside.plot(stage.epochs, rates, ":", color=canvas.GREY, linewidth=1.1)
    beside.set_ylim(0, max(1.1 * float(rates.max()), 1e-12))
    beside.set_yticks([])
    axes.set_xlabel(f"dotted: learning rate, up to {rates.max():.2g}", fontsize=7, color=canvas.GREY)


def _whole_epochs(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12))
