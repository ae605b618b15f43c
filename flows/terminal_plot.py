"""A training's history as a small plot of characters."""

from collections.abc import Mapping, Sequence

import plotext
from rich.console import Console
from rich.text import Text

HEIGHT = 12
WIDTH = 72


def print_history(console: Console, history: Mapping[str, Sequence[float]]) -> None:
    """Accuracy against epoch, validation's too where there is one, and the last figures in words."""
    if not history["epoch"]:
        console.print("\nNothing was trained: no epochs.", highlight=False)
        return
    epochs = [epoch + 1 for epoch in history["epoch"]]
    plotext.clear_figure()
    plotext.theme("clear")
    for name in ("accuracy", "val_accuracy"):
        if name in history:
            plotext.plot(epochs, list(history[name]), label=name, marker="braille")
    plotext.plotsize(min(WIDTH, console.width), HEIGHT)
    plotext.title("accuracy by epoch")
    plotext.xticks(sorted({epochs[0], epochs[len(epochs) // 2], epochs[-1]}))
    console.print()
    console.print(Text.from_ansi(plotext.build()))
    last = ", ".join(_figure(name, values[-1]) for name, values in history.items() if name != "epoch")
    console.print(f"after {len(epochs)} epochs: {last}", highlight=False)


def _figure(name: str, value: float) -> str:
    """Four decimals, but rates are too small for that."""
    return f"{name} {value:{'.3g' if name == 'learning_rate' else '.4f'}}"
