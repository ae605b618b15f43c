"""Is a challenger not worse than the champion, beyond a margin? One-sided, paired, on the same images."""

import math
from statistics import NormalDist

import numpy as np

from tasks.pure.errors import BadData


def non_inferiority(
    champion: np.ndarray, challenger: np.ndarray, *, margin: float, confidence: float
) -> dict[str, float | int | bool]:
    """Tango's score test that the challenger's accuracy is not worse than the champion's by `margin` or more.

    Wald's interval for paired shares promotes too often where few answers differ; the score test (Tango, Equivalence
    test and confidence interval for the difference in proportions for the paired-sample design, Statistics in Medicine
    17, 1998) keeps its level there. With `margin` 0 it is McNemar's one-sided test: the challenger must be better.

    Args:
        champion, challenger: (n,) bool, whether each answer was right, for the same images in the same order.
        margin: the loss of accuracy that is still no loss, 0 … 1.
        confidence: one less the share of wrong promotions that is accepted, above .5 and below 1.

    Returns:
        `promoted`, `difference` (challenger's accuracy less the champion's), `p` (of the hypothesis "worse by the
        margin"), `margin`, `confidence`, `gained`, `lost`, `num_gate`, `champion_accuracy`, `challenger_accuracy`.

    Raises:
        BadData: lengths that differ, or no images.
    """
    if champion.shape != challenger.shape or champion.ndim != 1 or not champion.size:
        raise BadData(f"Expected as many answers from both, at least one: {champion.shape}, {challenger.shape}.")
    total = int(champion.size)
    gained, lost = int(np.sum(~champion & challenger)), int(np.sum(champion & ~challenger))
    p = _score_p(gained, lost, total, margin)
    return {
        "promoted": p <= 1 - confidence,
        "difference": (gained - lost) / total,
        "p": p,
        "margin": margin,
        "confidence": confidence,
        "gained": gained,
        "lost": lost,
        "num_gate": total,
        "champion_accuracy": float(champion.mean()),
        "challenger_accuracy": float(challenger.mean()),
    }


def _score_p(gained: int, lost: int, total: int, margin: float) -> float:
    """P-value of Tango's score statistic for "difference = -margin" against "greater"."""
    # Share of images lost, estimated under the hypothesis: the larger root of a quadratic (Tango 1998, eq. 7).
    linear = gained + lost + margin * (2 * total - gained + lost)
    constant = lost * margin * (1 + margin)
    share = (linear + math.sqrt(max(linear**2 - 8 * total * constant, 0.0))) / (4 * total)
    variance = (2 * share - margin * (1 + margin)) / total
    if variance <= 0:  # no two answers differ, and no margin: nothing speaks for either
        return 0.5 if gained == lost else float(gained < lost)
    return 1 - NormalDist().cdf(((gained - lost) / total + margin) / math.sqrt(variance))
