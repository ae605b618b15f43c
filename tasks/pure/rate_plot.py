"""The picture of a search for a learning rate: loss against rate, and the rate that was taken."""

from tasks.pure import canvas
from tasks.pure.rate_finding import RateCurve


def rate_plot(curve: RateCurve) -> bytes:
    """PNG bytes, the same for the same values: losses of batches, their average over them, the taken rate marked."""
    with canvas.plain_style():
        figure = canvas.new_figure(2.8)
        axes = figure.add_subplot()
        axes.plot(curve.rates, curve.losses, color="#C4C9D1", linewidth=1, label="loss of each batch")
        axes.plot(curve.rates, curve.averaged, color=canvas.BLUE, linewidth=1.8, label="averaged")
        axes.axvline(curve.suggested, color=canvas.VERMILION, linewidth=1.2, label=f"taken: {curve.suggested:.3g}")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.05 * max(curve.averaged))  # a last batch that leapt would flatten all others
        axes.set_xlabel("learning rate, rising from update to update")
        axes.set_ylabel("loss (nats)")
        axes.grid(axis="y", color=canvas.FAINT)
        figure.legend(loc="outside upper right", ncols=3, frameon=False, fontsize=8)
        return canvas.png(figure)
