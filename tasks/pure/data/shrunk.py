"""Pictures shrunk to 32 × 32 grey pixels, and their perceptual hash: a stack at a time, by matrix products.

Shrinking and the cosine transform are both linear, so the hash of `imagehash.phash` comes from one product with each
axis, without the thumbnail in between.
"""

import numpy as np

SIDE, LOW = 32, 8  # of the thumbnail, and of the corner of its cosine transform that the hash looks at
GREY = np.array([0.299, 0.587, 0.114])  # as Pillow weighs red, green and blue


def grey(block: np.ndarray, dtype: type[np.floating] = np.float64) -> np.ndarray:
    """(n, height, width)."""
    return block[..., 0].astype(dtype) if block.shape[-1] == 1 else block.astype(dtype) @ GREY.astype(dtype)


def transformed(grey: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """`down` @ image @ `across`.T of each image."""
    return np.matmul(down, grey @ across.T)


def shrinking(side: int) -> np.ndarray:
    """(SIDE, side) weights: Lanczos' filter as Pillow's `resize` applies it, without its rounding to whole levels."""
    scale = side / SIDE
    stretch = max(scale, 1.0)
    centres = (np.arange(SIDE) + 0.5) * scale
    low = np.maximum(np.floor(centres - 3 * stretch + 0.5), 0)
    high = np.minimum(np.floor(centres + 3 * stretch + 0.5), side)
    place = np.arange(side)
    at = (place + 0.5 - centres[:, np.newaxis]) / stretch
    weights = np.sinc(at) * np.sinc(at / 3) * (np.abs(at) < 3)
    weights *= (place >= low[:, np.newaxis]) & (place < high[:, np.newaxis])
    return weights / weights.sum(axis=1, keepdims=True)


def cosines() -> np.ndarray:
    """(LOW, SIDE): the lowest rows of the cosine transform (type 2, not normalised)."""
    return 2 * np.cos(np.pi * np.arange(LOW)[:, np.newaxis] * (2 * np.arange(SIDE) + 1) / (2 * SIDE))


def hashes(corners: np.ndarray) -> np.ndarray:
    """A bit for each coefficient above the median. Rounded first: what is 0 but for rounding has no sign of its own."""
    flat = np.round(corners.reshape(len(corners), LOW * LOW), 3)
    bits = flat > np.median(flat, axis=1, keepdims=True) if len(flat) else flat.astype(bool)
    return np.packbits(bits, axis=1).view(np.uint64).reshape(len(corners))


def contrast(corners: np.ndarray) -> np.ndarray:
    """Standard deviation that the low frequencies make, by Parseval."""
    weigh = np.full(LOW, 1 / (2 * SIDE))
    weigh[0] = 1 / (4 * SIDE)
    energy = np.einsum("nij,i,j->n", corners**2, weigh, weigh) - corners[:, 0, 0] ** 2 * weigh[0] ** 2
    return np.sqrt(np.maximum(energy, 0.0)) / SIDE


def blurred(thumbnails: np.ndarray) -> np.ndarray:
    """The mean of each pixel and its eight neighbours; the edge is repeated."""
    padded = np.pad(thumbnails, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]
    return np.asarray((across[:, :-2] + across[:, 1:-1] + across[:, 2:]) / 9)


def unit(pictures: np.ndarray) -> np.ndarray:
    """(n, SIDE * SIDE) without mean and of length 1, so that a product is a correlation; what is flat stays 0."""
    flat = pictures.reshape(len(pictures), SIDE * SIDE)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))
