"""Two classifiers on the same test images: how much they differ, and how sure one may be."""

import numpy as np

from tasks.pure.errors import BadData


def paired_difference(
    before: np.ndarray, after: np.ndarray, *, confidence: float = 0.95, bootstrap: int = 10_000, seed: int = 0
) -> dict[str, float | int]:
    """Accuracy of `after` less that of `before`, image by image.

    Only images that one of the two gets right say anything. The interval is the percentile bootstrap over the images;
    resampling images and counting the two kinds of disagreement *is* a multinomial draw, so it is drawn as numbers.
    The p-value is McNemar's exact one: the two-sided binomial test of both kinds being equally likely
    (McNemar 1947; scipy.stats.binomtest).

    Args:
        before, after: (n,) bool, whether each answer was right, for the same images in the same order.
        confidence: coverage of the interval.
        bootstrap: number of resamples.
        seed: of the resampling.

    Returns:
        `difference`, `low`, `high` (-1 … 1), `gained` (wrong before, right after), `lost`, `num_test`, `p` (0 … 1).

    Raises:
        BadData: lengths that differ, or no images.
    """
    from scipy.stats import binomtest

    if before.shape != after.shape or before.ndim != 1 or not before.size:
        raise BadData(f"Expected as many answers from both, at least one, found {before.shape} and {after.shape}.")
    num_test = int(before.size)
    gained, lost = int(np.sum(~before & after)), int(np.sum(before & ~after))
    shares = np.array([gained, lost, num_test - gained - lost]) / num_test
    draws = np.random.default_rng(seed).multinomial(num_test, shares, size=bootstrap)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / num_test, [(1 - confidence) / 2, (1 + confidence) / 2])
    p_value = float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
    return {
        "difference": (gained - lost) / num_test,
        "low": float(low),
        "high": float(high),
        "gained": gained,
        "lost": lost,
        "num_test": num_test,
        "p": p_value,
    }
