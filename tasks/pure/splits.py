"""Which training images are set aside, and which are drawn: the gate by hash, labels and validation by seed.

All of it works on labels and indices; images are only read, for their hash, and never copied.
"""

import hashlib
from fractions import Fraction

import numpy as np

from tasks.pure.data.rows import Images
from tasks.pure.errors import BadData


def gated(images: Images, indices: np.ndarray, fraction: float) -> np.ndarray:
    """Which of the images at `indices` belong to the gate. An image's side never changes.

    It follows from the image's own bytes: the first 8 bytes of their SHA-256, read as a big-endian number, are compared
    with `fraction` of 2**64.
    Neither order, labels, seed nor the other images matter: equal images are on one side, and data added later moves
    none that was there. The bytes are those of the image in C order (height, width, channels), uint8 or little-endian
    float32, as `readers.RawData` holds it.

    Args:
        images: (n, height, width, channels).
        indices: (m,) of the images in question.
        fraction: 0 (none) to below 1.

    Returns:
        bool array (m,).
    """
    below = int(Fraction(fraction) * 2**64)  # exact: a float times a power of two
    if not below:
        return np.zeros(len(indices), bool)
    little = images.dtype.newbyteorder("<")
    hashes = (hashlib.sha256(np.ascontiguousarray(images[index], little).data).digest() for index in indices)
    return np.fromiter((int.from_bytes(found[:8], "big") < below for found in hashes), bool, len(indices))


def apportion(counts: np.ndarray, total: int, most: np.ndarray) -> np.ndarray:
    """Share `total` among classes in proportion to `counts`, by largest remainder, with at least one for each.

    Ties go to the class that comes first. Whole numbers throughout, so the shares are the same everywhere.

    Args:
        counts: (k,) images of each class, each > 0.
        total: how many to share; `k <= total <= most.sum()`.
        most: (k,) no class gets more than this; each > 0.

    Returns:
        (k,) int64 shares, summing to `total`.

    Raises:
        ValueError: a total outside these bounds.
    """
    if not len(counts) <= total <= most.sum():
        raise ValueError(f"Cannot share {total} among {len(counts)} classes with at most {most.tolist()}.")
    everything = int(counts.sum())
    ideal = [int(count) * total for count in counts]  # in units of 1/everything
    shares = [min(max(quota // everything, 1), int(cap)) for quota, cap in zip(ideal, most, strict=True)]
    due = [quota - share * everything for quota, share in zip(ideal, shares, strict=True)]
    while (left := total - sum(shares)) != 0:
        step = 1 if left > 0 else -1
        open_classes = [c for c, share in enumerate(shares) if (share < most[c] if step > 0 else share > 1)]
        chosen = max(open_classes, key=[amount * step for amount in due].__getitem__)
        shares[chosen] += step
        due[chosen] -= step * everything
    return np.array(shares, np.int64)


def shuffled(members: np.ndarray, seed: int, label: int) -> np.ndarray:
    """The indices of one class in a random order that depends on the seed and the class alone.

    The order sorts raw PCG64 output: NumPy promises that the bits of a bit generator stay the same in later releases,
    and promises it for no method of `Generator`.
    """
    keys = np.random.PCG64([seed, label]).random_raw(len(members))
    return members[np.argsort(keys, kind="stable")]


def draw(
    labels: np.ndarray, pool: np.ndarray, total: int, validation: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw training labels, and the validation part out of them, stratified.

    Each class is shuffled once and the drawn ones are the first of it, so a larger draw with the same seed holds the
    smaller one wherever no class's share shrinks (with equal classes, always). Validation is the end of what is drawn.

    Args:
        labels: (n,) int64 of 0..k-1, of the whole split.
        pool: indices that may be drawn, ascending; each class is among them.
        total: how many to draw, validation included.
        validation: fraction of `total`, rounded to the nearest number (halves up).
        seed: of the draw, >= 0.

    Returns:
        indices of the training part and of the validation part, each ascending.

    Raises:
        BadData: fewer labels than classes, more than there are, or too few for both parts to have each class.
    """
    counts = np.bincount(labels[pool])
    if not len(counts) <= total <= len(pool):
        raise BadData(
            f"Expected `labels` between {len(counts)} (one for each class) and {len(pool):,} (all training "
            f"images that the task has), found {total:,}. Set it within these, or to `all`."
        )
    drawn = apportion(counts, total, counts)
    held_out = _validation_shares(drawn, validation)
    training, validating = [], []
    for label, (take, hold) in enumerate(zip(drawn.tolist(), held_out.tolist(), strict=True)):
        order = shuffled(pool[labels[pool] == label], seed, label)[:take]
        training.append(order[: take - hold])
        validating.append(order[take - hold :])
    return np.sort(np.concatenate(training)), np.sort(np.concatenate(validating))


def _validation_shares(drawn: np.ndarray, validation: float) -> np.ndarray:
    if validation == 0:
        return np.zeros_like(drawn)
    total, classes = int(drawn.sum()), len(drawn)
    held_out = int(Fraction(str(validation)) * total + Fraction(1, 2))  # the fraction as written: .15 of 10 is 2
    if drawn.min() < 2 or not classes <= held_out <= total - classes:
        raise BadData(
            f"`validation` {validation} of {total:,} training labels is {held_out:,} images; each of the "
            f"{classes} classes needs one there and one to train on, and the smallest class has "
            f"{drawn.min()} labels in all. Raise `labels`, change `validation`, or set it to 0."
        )
    return apportion(drawn, held_out, drawn - 1)
