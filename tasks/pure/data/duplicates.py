"""The same picture twice: exactly (equal pixels) or nearly (encoded again, resized, a little brighter).

Near duplicates are found in two steps. A perceptual hash of 64 bits, that of `imagehash.phash` computed for a whole
stack of images at once, gives candidates: at most `HASH_BITS` bits differ. Each candidate is then confirmed on the
pixels: the grey thumbnails of 32 × 32 must agree (`ALIKE`), and so must their details (`DETAILS_ALIKE`), since two
pairs of trousers have one silhouette. A picture without contrast has a hash of noise: only exact copies count.

Measured with these bounds: of photographs of 128 pixels and more, every copy as JPEG of quality 75, resized by 10 % or
5 % brighter or darker is within the bounds but for those of plain sky; of 64 pixels 19 in 20. Smaller ones lose more.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

HASH_BITS = 4  # of 64 may differ in a candidate
ALIKE, DETAILS_ALIKE = 0.99, 0.96  # correlations of thumbnails, and of what is left of them beside a blurred copy
FLAT = 2.0  # grey levels of 255: with less contrast the hash is noise
SIDE, LOW = 32, 8  # of the thumbnail, and of the corner of its cosine transform that the hash looks at
BLOCK_PIXELS = 2**21  # as many are looked at at a time, whatever the size of the data set
BLOCK_PAIRS, CONFIRMED_PAIRS = 2**20, 2**13
GREY = np.array([0.299, 0.587, 0.114])  # as Pillow weighs red, green and blue


@dataclass(frozen=True)
class Pictures:
    """The n pictures of a part, and what tells them apart.

    Attributes:
        images: (m, height, width, 1 or 3); the part is those at `rows` (n,), or all of them where it is None.
        exact: n digests of shape, dtype and pixels.
        near: (n,) uint64, the perceptual hashes.
        contrast: (n,) float64, in grey levels of 255; below `FLAT` the hash says nothing.
        brightness: (n,) float64, mean grey level of 255.
    """

    images: np.ndarray
    rows: np.ndarray | None
    exact: list[bytes]
    near: np.ndarray
    contrast: np.ndarray
    brightness: np.ndarray

    def __len__(self) -> int:
        return len(self.exact)

    def repeated(self) -> int:
        """How many are exact copies of one before them."""
        return len(self.exact) - len(set(self.exact))


@dataclass(frozen=True)
class Twins:
    """Which pictures of one part have a copy in another: for each of the n pictures the place of the first one, or -1.

    Attributes:
        exact: (n,) int64.
        near: (n,) int64; -1 where there is an exact one.
    """

    exact: np.ndarray
    near: np.ndarray

    @property
    def either(self) -> np.ndarray:
        """(n,) int64, the place of the copy, exact or else near, or -1."""
        return np.where(self.exact >= 0, self.exact, self.near)

    def counts(self) -> tuple[int, int]:
        """How many pictures have an exact copy, and how many only a near one."""
        return int((self.exact >= 0).sum()), int((self.near >= 0).sum())


def look(images: np.ndarray, rows: np.ndarray | None = None, white: float = 255.0) -> Pictures:
    """Look at the `images` (m, height, width, 1 or 3) at `rows` (n,), at all of them without; a block at a time.

    Args:
        white: what is white in them, 255 or 1.
    """
    exact: list[bytes] = []
    count = len(images) if rows is None else len(rows)
    corners = np.empty((count, LOW, LOW))
    down, across = (_cosines() @ _shrinking(side) for side in images.shape[1:3])
    for begin, block in _blocks(images, rows, count):
        head = f"{block.shape[1:]} {block.dtype.str}".encode()
        exact.extend(hashlib.sha256(head + image.tobytes()).digest() for image in block)
        corners[begin : begin + len(block)] = _transformed(_grey(block), down, across)
    corners *= 255.0 / white
    return Pictures(images, rows, exact, _hashes(corners), _contrast(corners), corners[:, 0, 0] / (4 * SIDE**2))


def twins(first: Pictures, second: Pictures, near: bool = True) -> Twins:
    """For each picture of `second` its copy in `first`, the first one where there are several.

    Args:
        near: whether near copies are looked for too; else none are found.
    """
    known: dict[bytes, int] = {}
    for index, digest in enumerate(first.exact):
        known.setdefault(digest, index)
    exact = np.array([known.get(digest, -1) for digest in second.exact], np.int64)
    found = np.full(len(exact), -1, np.int64)
    if near and len(first) and len(second):
        _find_near(first, second, exact < 0, found)
    return Twins(exact, found)


def _find_near(first: Pictures, second: Pictures, wanted: np.ndarray, found: np.ndarray) -> None:
    """Write into `found` (n,) the near copies in `first` of the pictures of `second` that are `wanted` (n,) bool."""
    ours = np.flatnonzero(first.contrast >= FLAT)
    theirs = np.flatnonzero(wanted & (second.contrast >= FLAT))
    for here, there in _candidates(first.near[ours], second.near[theirs]):
        for begin in range(0, len(here), CONFIRMED_PAIRS):
            left, right = (places[begin : begin + CONFIRMED_PAIRS] for places in (ours[here], theirs[there]))
            alike = _alike((first, left), (second, right))
            for index, place in zip(left[alike].tolist(), right[alike].tolist(), strict=True):
                found[place] = index if found[place] < 0 else min(found[place], index)


def _candidates(first: np.ndarray, second: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (indices into `first`, into `second`) whose hashes differ in at most `HASH_BITS` bits, in blocks.

    The 64 bits are cut into one band more than may differ, so that in one band at least there is no difference: only
    images that share a band are compared. A pair that shares several is told of in the first of them only.
    """
    bounds = np.linspace(0, 64, HASH_BITS + 2).astype(int)
    bands = [
        (np.uint64(low), np.uint64(2 ** int(high - low) - 1)) for low, high in zip(bounds, bounds[1:], strict=False)
    ]
    for number, (shift, mask) in enumerate(bands):
        keys = (first >> shift) & mask
        order = np.argsort(keys, kind="stable")
        wanted = (second >> shift) & mask
        begins = np.searchsorted(keys[order], wanted, "left")
        counts = np.searchsorted(keys[order], wanted, "right") - begins
        for rows in _split(counts):
            there = np.repeat(rows, counts[rows])
            offsets = np.arange(len(there)) - np.repeat(np.cumsum(counts[rows]) - counts[rows], counts[rows])
            here = order[begins[there] + offsets]
            differing = first[here] ^ second[there]
            kept = np.bitwise_count(differing) <= HASH_BITS
            for shift_before, mask_before in bands[:number]:
                kept &= ((differing >> shift_before) & mask_before) != 0
            if kept.any():
                yield here[kept], there[kept]


def _split(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of `counts` in runs whose counts sum up to `BLOCK_PAIRS` or little more."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(BLOCK_PAIRS, total, BLOCK_PAIRS))
    return (run for run in np.split(np.arange(len(counts)), cuts) if len(run))


def _blocks(images: np.ndarray, rows: np.ndarray | None, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """(where it begins, images (k, height, width, channels)): contiguous and little-endian, so that bytes compare."""
    size = max(1, BLOCK_PIXELS // max(int(np.prod(images.shape[1:])), 1))
    for begin in range(0, count, size):
        block = images[begin : begin + size] if rows is None else images[rows[begin : begin + size]]
        yield begin, np.ascontiguousarray(block, block.dtype.newbyteorder("<"))


def _grey(block: np.ndarray, dtype: type[np.floating] = np.float64) -> np.ndarray:
    """(n, height, width)."""
    return block[..., 0].astype(dtype) if block.shape[-1] == 1 else block.astype(dtype) @ GREY.astype(dtype)


def _transformed(grey: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """`down` @ image @ `across`.T of each image."""
    return np.matmul(down, grey @ across.T)


def _shrinking(side: int) -> np.ndarray:
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


def _cosines() -> np.ndarray:
    """(LOW, SIDE): the lowest rows of the cosine transform (type 2, not normalised)."""
    return 2 * np.cos(np.pi * np.arange(LOW)[:, np.newaxis] * (2 * np.arange(SIDE) + 1) / (2 * SIDE))


def _hashes(corners: np.ndarray) -> np.ndarray:
    """A bit for each coefficient above the median. Rounded first: what is 0 but for rounding has no sign of its own."""
    flat = np.round(corners.reshape(len(corners), LOW * LOW), 3)
    bits = flat > np.median(flat, axis=1, keepdims=True) if len(flat) else flat.astype(bool)
    return np.packbits(bits, axis=1).view(np.uint64).reshape(len(corners))


def _contrast(corners: np.ndarray) -> np.ndarray:
    """Standard deviation that the low frequencies make, by Parseval."""
    weigh = np.full(LOW, 1 / (2 * SIDE))
    weigh[0] = 1 / (4 * SIDE)
    energy = np.einsum("nij,i,j->n", corners**2, weigh, weigh) - corners[:, 0, 0] ** 2 * weigh[0] ** 2
    return np.sqrt(np.maximum(energy, 0.0)) / SIDE


def _alike(first: tuple[Pictures, np.ndarray], second: tuple[Pictures, np.ndarray]) -> np.ndarray:
    """(m,) bool: whether the two pictures of each pair agree, in the large and, where they do, in detail.

    Args:
        first, second: a part, and the (m,) places of the pairs in it.
    """
    (ours, here), (theirs, there) = (_thumbnails(*each) for each in (first, second))
    agree = _products(_unit(ours)[here], _unit(theirs)[there]) >= ALIKE
    left = np.flatnonzero(agree)
    details = [thumbnails - _blurred(thumbnails) for thumbnails in (ours[here[left]], theirs[there[left]])]
    agree[left] = _products(*map(_unit, details)) >= DETAILS_ALIKE
    return agree


def _thumbnails(part: Pictures, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the different pictures among `places`, (n, SIDE, SIDE) float32, and (m,) which of them each place is."""
    unique, back = np.unique(places, return_inverse=True)
    rows = unique if part.rows is None else part.rows[unique]
    down, across = (_shrinking(side).astype(np.float32) for side in part.images.shape[1:3])
    blocks = _blocks(part.images, rows, len(rows))
    return np.concatenate([_transformed(_grey(block, np.float32), down, across) for _, block in blocks]), back


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", first, second))


def _blurred(thumbnails: np.ndarray) -> np.ndarray:
    """The mean of each pixel and its eight neighbours; the edge is repeated."""
    padded = np.pad(thumbnails, ((0, 0), (1, 1), (1, 1)), mode="edge")
    across = padded[:, :, :-2] + padded[:, :, 1:-1] + padded[:, :, 2:]
    return np.asarray((across[:, :-2] + across[:, 1:-1] + across[:, 2:]) / 9)


def _unit(pictures: np.ndarray) -> np.ndarray:
    """(n, SIDE * SIDE) without mean and of length 1, so that a product is a correlation; what is flat stays 0."""
    flat = pictures.reshape(len(pictures), SIDE * SIDE)
    flat = flat - flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))
