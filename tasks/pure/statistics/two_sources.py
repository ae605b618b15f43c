"""Seeds are half of it: every seed is judged on the same test images, and other images would have said otherwise.

The paired interval over the seeds (`decision.py`) speaks of these images: with other seeds and the same images one
would land in it. This one speaks of other seeds *and* other images of the kind.
"""

from dataclasses import dataclass

import numpy as np

from tasks.pure.errors import BadData
from tasks.pure.statistics.decision import Decision, unseen, worded


@dataclass(frozen=True)
class TwoSources:
    """The mean difference with an interval for seeds and images, and what makes it uncertain.

    Attributes:
        mean: of the differences, in shares, like `low` and `high`.
        low, high: ends of the interval with coverage 1 − alpha.
        seeds, images: standard errors of the mean from the choice of seeds, and of images, in shares. `seeds` holds
            what seed and image do together (a seed wins here, another there), as the paired interval does.
        freedom: degrees of freedom of the interval.
    """

    mean: float
    low: float
    high: float
    seeds: float
    images: float
    freedom: float


def two_sources(right: np.ndarray, reference: np.ndarray, alpha: float) -> TwoSources:
    """The interval of "arm less reference" over seeds and images, from variance components.

    Each cell (seed, image) holds −1, 0 or 1: who was right. Both are drawn and crossed, one answer a cell, so the
    variance of the mean is s²/S + i²/I + e²/(S·I), of which the mean squares of the two-way table are unbiased
    estimates: (MS_seeds + max(MS_images − MS_rest, 0)) ÷ (S·I) (Searle, Casella and McCulloch, Variance Components,
    1992, ch. 4). The interval is Student's with Satterthwaite's degrees of freedom (1946), and never narrower than that
    over the seeds alone; nor than the share of images that may decide otherwise and were not met (`unseen`): two
    networks that agree on 200 images may differ on 3 in 100 others. Counted in 2,000 studies with networks of random
    skill on images of random difficulty (5 to 40 seeds, 50 to 1,000 images), it held the truth in 94.4 to 95.7 % at
    alpha .05; the interval over 40 seeds alone, on 200 images, did in 46 %, where images are what counts.

    Resampling rows and columns, the pigeonhole bootstrap (Owen, The pigeonhole bootstrap, Annals of Applied Statistics
    1, 2007), estimates the same variance plus 2·e²/(S·I), times (S − 1)/S for the seeds: with five of them its
    percentiles are too narrow, and it needs draws. The tests compare both.

    Args:
        right: (seeds, images) bool, whether the arm was right; images in the same order in every row. The rows are the
            first `Decision.seeds`, those that the verdict rests on.
        reference: the same of the arm that it is compared with, seed by seed.
        alpha: one less the coverage: that of the look that decided (`Decision.look.alpha`).

    Raises:
        BadData: shapes that differ, or fewer than two seeds or images.
    """
    cells = _cells(right, reference, alpha)
    squares, freedoms = mean_squares(cells)
    # Images that seem to matter less than nothing matter nothing: the interval over the seeds is what is left.
    terms = squares / cells.size * (np.array([1, 1, -1]) if squares[1] > squares[2] else np.array([1, 0, 0]))
    variance, freedom = float(terms.sum()), float(freedoms[0])
    if variance > 0:
        freedom = float(variance**2 / (terms**2 / freedoms).sum())
    halves = _half(variance, freedom, alpha), _half(float(terms[0]), float(freedoms[0]), alpha)
    half = max(*halves, unseen(cells.shape[1], alpha))
    mean, images = float(cells.mean()), float(terms[1:].sum())
    return TwoSources(mean, mean - half, mean + half, float(np.sqrt(terms[0])), float(np.sqrt(images)), freedom)


def speaks_of_images(decision: Decision, both: TwoSources, margin: float) -> bool:
    """Whether the verdict holds on images like these; else it is one on these images only.

    True where the interval over seeds and images says the same word. Of no verdict it is False.
    """
    return decision.word in ("helps", "hurts", "no difference") and worded(both.low, both.high, margin) == decision.word


def mean_squares(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of seeds, images and the rest, and their degrees of freedom, of a table (seeds, images)."""
    seeds, images = cells.shape
    by_seed, by_image = cells.mean(axis=1), cells.mean(axis=0)
    rest = cells - by_seed[:, None] - by_image[None, :] + cells.mean()
    freedoms = np.array([seeds - 1, images - 1, (seeds - 1) * (images - 1)], np.float64)
    squares = [images * np.var(by_seed) * seeds, seeds * np.var(by_image) * images, np.sum(rest**2)]
    return np.array(squares) / freedoms, freedoms


def _half(variance: float, freedom: float, alpha: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - alpha / 2)) * float(np.sqrt(variance))


def _cells(right: np.ndarray, reference: np.ndarray, alpha: float) -> np.ndarray:
    if right.shape != reference.shape or right.ndim != 2 or min(right.shape) < 2:
        raise BadData(
            f"Expected answers of both arms as (seeds, images), at least two of each, found {right.shape} and "
            f"{reference.shape}. Give the same seeds and the same test images to both."
        )
    if right.dtype != bool or reference.dtype != bool or not 0 < alpha < 1:
        raise BadData(
            f"Expected answers as bool and alpha between 0 and 1, found {right.dtype}, {reference.dtype} and {alpha}. "
            f"Compare predicted with true classes first."
        )
    return right.astype(np.float64) - reference
