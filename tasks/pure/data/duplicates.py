"""The same picture twice: exactly (equal pixels) or nearly (encoded again, resized, a little brighter).

Near duplicates are found in two steps. A perceptual hash of 64 bits, that of `imagehash.phash` computed for a whole
stack of images at once, gives candidates: at most `HASH_BITS` bits differ. Each candidate is then confirmed on the
pixels: the grey thumbnails of 32 × 32, slightly blurred, must agree (`ALIKE`), and so must their details
(`DETAILS_ALIKE`), since two pairs of trousers have one silhouette. A picture without contrast has a hash of noise: only
exact copies count.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.pure.data import shrunk
from tasks.pure.data.rows import Images
from tasks.pure.data.shrunk import SIDE

HASH_BITS = 4  # of 64 may differ in a candidate
ALIKE, DETAILS_ALIKE = 0.99, 0.985  # correlations of thumbnails, and of what blurring them further takes away
FLAT = 2.0  # grey levels of 255: with less contrast the hash is noise
BLOCK_PIXELS = 2**21  # as many are looked at at a time, whatever the size of the data set
BLOCK_PAIRS, CONFIRMED_PAIRS = 2**18, 2**11
MOST_CANDIDATES = 64  # the closest of a picture in each band: a thousand of one silhouette must not take for ever
DIGEST_BYTES = 16


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

    images: Images
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
    """Which pictures of one part have a copy in another: for each of the n pictures the place of one, or -1.

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


def look(images: Images, rows: np.ndarray | None = None, white: float = 255.0) -> Pictures:
    """Look at the `images` (m, height, width, 1 or 3) at `rows` (n,), at all of them without; a block at a time.

    Args:
        white: what is white in them, 255 or 1.
    """
    exact: list[bytes] = []
    count = len(images) if rows is None else len(rows)
    near, contrast, brightness = np.empty(count, np.uint64), np.empty(count), np.empty(count)
    down, across = (shrunk.cosines() @ shrunk.shrinking(side) for side in images.shape[1:3])
    for begin, block in _blocks(images, rows, count):
        head = f"{block.shape[1:]} {block.dtype.str}".encode()
        exact.extend(hashlib.sha256(head + image.tobytes()).digest()[:DIGEST_BYTES] for image in block)
        corners = shrunk.transformed(shrunk.grey(block), down, across) * (255.0 / white)
        place = slice(begin, begin + len(block))
        near[place], contrast[place] = shrunk.hashes(corners), shrunk.contrast(corners)
        brightness[place] = corners[:, 0, 0] / (4 * SIDE**2)
    return Pictures(images, rows, exact, near, contrast, brightness)


def twins(first: Pictures, second: Pictures, near: bool = True) -> Twins:
    """For each picture of `second` a copy in `first`; of several exact ones the first.

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
            left, right = left[found[right] < 0], right[found[right] < 0]
            if len(left):
                alike = _alike((first, left), (second, right))
                found[right[alike][::-1]] = left[alike][::-1]  # of several the first one written last stays


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
                yield _closest(here[kept], there[kept], np.bitwise_count(differing[kept]))


def _closest(here: np.ndarray, there: np.ndarray, distance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the pairs of each of `there` (ascending) the `MOST_CANDIDATES` with the smallest distance."""
    order = np.lexsort((here, distance, there))
    here, there = here[order], there[order]
    rank = np.arange(len(there)) - np.searchsorted(there, there, "left")
    return here[rank < MOST_CANDIDATES], there[rank < MOST_CANDIDATES]


def _split(counts: np.ndarray) -> Iterator[np.ndarray]:
    """Indices of `counts` in runs whose counts sum up to `BLOCK_PAIRS` or little more."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(BLOCK_PAIRS, total, BLOCK_PAIRS))
    return (run for run in np.split(np.arange(len(counts)), cuts) if len(run))


def _blocks(images: Images, rows: np.ndarray | None, count: int) -> Iterator[tuple[int, np.ndarray]]:
    """(where it begins, images (k, height, width, channels)): contiguous and little-endian, so that bytes compare."""
    size = max(1, BLOCK_PIXELS // max(int(np.prod(images.shape[1:])), 1))
    for begin in range(0, count, size):
        block = images[begin : begin + size] if rows is None else images[rows[begin : begin + size]]
        yield begin, np.ascontiguousarray(block, block.dtype.newbyteorder("<"))


def _alike(first: tuple[Pictures, np.ndarray], second: tuple[Pictures, np.ndarray]) -> np.ndarray:
    """(m,) bool: whether the two pictures of each pair agree, in the large and, where they do, in detail.

    Args:
        first, second: a part, and the (m,) places of the pairs in it.
    """
    (ours, here), (theirs, there) = (_thumbnails(*each) for each in (first, second))
    agree = _products(shrunk.unit(ours)[here], shrunk.unit(theirs)[there]) >= ALIKE
    left = np.flatnonzero(agree)
    details = [each - shrunk.blurred(shrunk.blurred(each)) for each in (ours[here[left]], theirs[there[left]])]
    agree[left] = _products(*map(shrunk.unit, details)) >= DETAILS_ALIKE
    return agree


def _thumbnails(part: Pictures, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the different pictures among `places`, (n, SIDE, SIDE) float32, and (m,) which of them each place is.

    Slightly blurred: what JPEG and resizing change in a small picture is single pixels.
    """
    unique, back = np.unique(places, return_inverse=True)
    rows = unique if part.rows is None else part.rows[unique]
    down, across = (shrunk.shrinking(side).astype(np.float32) for side in part.images.shape[1:3])
    blocks = _blocks(part.images, rows, len(rows))
    made = [shrunk.transformed(shrunk.grey(block, np.float32), down, across) for _, block in blocks]
    return shrunk.blurred(np.concatenate(made)), back


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("ij,ij->i", first, second))
