"""Which pictures are for testing, which for the gate, which for validation: by content, by group, never by accident.

A picture's side follows from the SHA-256 of its file (of its group's name where it has one) and from nothing else, so
it stays where it is when others are added, taken away, moved or renamed.
"""

import hashlib
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from tasks.pure.errors import BadData

TRIES = 64  # random divisions by groups, of which the one nearest to the classes' shares is taken


def aside(contents: Sequence[str], purpose: str, fraction: float) -> np.ndarray:
    """Which of the contents are set aside for `purpose`.

    The first 8 bytes of SHA-256("<purpose>/<content>"), a big-endian number, are compared with `fraction` of 2**64. The
    purpose is in it so that the test part and the gate are drawn independently: without it a gate smaller than the test
    part would be empty.

    Args:
        contents: what identifies each picture: the hex digest of its file, or "group:" and its group's name.
        purpose: `test` or `gate`.
        fraction: 0 (none) to below 1.

    Returns:
        bool array, one for each content.
    """
    below = int(Fraction(fraction) * 2**64)  # exact: a float times a power of two
    hashes = (hashlib.sha256(f"{purpose}/{content}".encode()).digest() for content in contents)
    return np.fromiter((int.from_bytes(each[:8], "big") < below for each in hashes), bool, len(contents))


def by_group(labels: np.ndarray, groups: np.ndarray, validation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide examples so that no group lies in both parts, the classes' shares as even as that admits.

    scikit-learn's `GroupShuffleSplit` draws `TRIES` divisions of whole groups; of those with every class in both parts
    the one is taken whose share of each class is nearest to `validation`.

    Args:
        labels: (n,) int64 of 0..k-1.
        groups: (n,) int64, equal for examples of one group.
        validation: fraction of the groups, > 0, < 1.
        seed: of the draw, >= 0.

    Returns:
        places of the training part and of the validation part, each ascending.

    Raises:
        BadData: no division leaves each class in both parts.
    """
    from sklearn.model_selection import GroupShuffleSplit

    if len(np.unique(groups)) < 2:
        raise BadData(
            f"`validation` {validation}: expected two groups or more to divide, found one group for all "
            f"{len(labels):,} training pictures. Set it to 0, or raise `labels`."
        )
    splitter = GroupShuffleSplit(n_splits=TRIES, test_size=validation, random_state=seed % 2**32)
    divisions = [(_unevenness(labels, held, validation), kept, held) for kept, held in _draws(splitter, labels, groups)]
    worst, kept, held = min(divisions, key=lambda division: division[0])
    if not np.isfinite(worst):
        raise BadData(
            f"`validation` {validation}: expected a division by groups with each class in both parts, found none in "
            f"{TRIES} draws of {len(np.unique(groups)):,} groups. Some class has too few groups: raise `labels`, "
            "change `validation`, or give a column `split`."
        )
    return np.sort(kept), np.sort(held)


def _draws(splitter: object, labels: np.ndarray, groups: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(splitter.split(np.zeros(len(labels)), labels, groups))  # type: ignore[attr-defined]


def _unevenness(labels: np.ndarray, held: np.ndarray, validation: float) -> float:
    """How far the worst class is from its share; infinite where a class is missing from a part."""
    counts = np.bincount(labels)
    there = np.bincount(labels[held], minlength=len(counts))
    if not (there[counts > 0].min() > 0 and (counts - there)[counts > 0].min() > 0):
        return float("inf")
    return float(np.abs(there[counts > 0] / counts[counts > 0] - validation).max())


def check_apart(groups: Sequence[str], parts: Sequence[str]) -> None:
    """Refuse a table whose own parts divide a group.

    Args:
        groups: the group of each picture, "" for none.
        parts: the part of each.

    Raises:
        BadData: names the first ten groups and how many there are.
    """
    where: dict[str, set[str]] = {}
    for group, part in zip(groups, parts, strict=True):
        if group:
            where.setdefault(group, set()).add(part)
    torn = [group for group, found in where.items() if len(found) > 1]
    if torn:
        shown = "; ".join(f"`{group}` in {' and '.join(sorted(where[group]))}" for group in torn[:10])
        raise BadData(
            f"Expected each group in one part, found {len(torn):,} in several: {shown}. Mend the column `split`, or "
            "leave it out and let the parts be drawn by group (`test: 0.2`)."
        )
