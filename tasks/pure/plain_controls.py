"""Two controls that cost nothing, beside every network: logistic regression on raw pixels, and the constant answer.

A network that does no better than a regression on the pixels themselves has brought nothing to its task, however good
its accuracy looks.
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from tasks.pure import logistic, stopping
from tasks.pure.data import rows
from tasks.pure.judgement import Bounds
from tasks.pure.metrics import accuracy_interval
from tasks.pure.paired import paired_difference
from tasks.pure.session import derive
from tasks.pure.training import Part

SIDE = 32  # pixels: larger pictures are averaged down to it
MOST_ROWS = 5_000  # of the training part; 20,000 are a point better on Fashion-MNIST (`logistic.py`), and 60 MB more
MOST_VALUES = 4_000_000  # 16 MB as float32: 5,000 rows of 28 × 28, 1,302 of 32 × 32 in colour
CHOSEN_ON = 1_000  # rows on which the regularisation is chosen
BLOCK_BYTES = rows.TOUCHED_BYTES // 16  # averaged at once: as float32, and turned round for the product, ten times that


def beside(
    right: np.ndarray, train: Part, test: Part, class_names: tuple[str, ...], bounds: Bounds
) -> tuple[dict[str, Any], np.ndarray]:
    """Both controls on the test part, and how much better the network is than each, image by image.

    All of full Fashion-MNIST (60,000 training images of 28 × 28) takes about 3 s of one core; `MOST_ROWS` and
    `MOST_VALUES` bound it for any data.

    Args:
        right: (n,) bool, whether the network's answers to the test images were right.
        train, test: images (n, height, width, channels) and labels (n,).

    Returns:
        Plain JSON: `raw_pixels` and `constant`, each with `accuracy`, `accuracy_low`, `accuracy_high` and `difference`
        (of the network to it, see `paired.paired_difference`); `raw_pixels` with what `raw_pixels` says of the
        training, `constant` with the `class` that is always answered. And (n,) bool, which of the answers of
        `raw_pixels` were right.
    """
    constant = int(np.bincount(train[1].astype(np.int64), minlength=len(class_names)).argmax())
    with logistic.settled():
        answers, trained = raw_pixels(train, test[0], bounds.seed)
    found = {
        "raw_pixels": {**_held_against(right, answers == test[1], bounds), **trained},
        "constant": {**_held_against(right, test[1] == constant, bounds), "class": str(class_names[constant])},
    }
    return found, answers == test[1]


def raw_pixels(train: Part, images: rows.Images, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    """What logistic regression on the pixels of `train` answers to `images`.

    Returns:
        The labels that it answers, (n,); and what it was trained on: `num_train` rows of `of`, pictures of `height` ×
        `width`, `strength` (C) and whether that was `chosen` by cross-validation.
    """
    labels = np.asarray(train[1])
    height, width = (min(side, SIDE) for side in train[0].shape[1:3])
    values = height * width * int(train[0].shape[3])
    seed = derive(seed, "raw_pixels")
    used = logistic.bounded(labels, min(MOST_ROWS, MOST_VALUES // values), seed)
    pixels, known = shrunk(rows.chosen(train[0], used)), labels[used]
    trained = {"num_train": len(used), "of": len(labels), "height": height, "width": width}
    if len(np.unique(known)) < 2:  # one class: there is nothing to learn, and one answer
        return np.full(len(images), known[0]), {**trained, "strength": None, "chosen": False}
    fitted = logistic.fit(pixels, known, seed, logistic.bounded(known, CHOSEN_ON, seed))
    return _answers(fitted, images), {**trained, "strength": fitted.strength, "chosen": fitted.chosen}


def shrunk(images: rows.Images) -> np.ndarray:
    """float32 (n, height * width * channels): pixels, each side averaged over equal areas down to `SIDE` at most."""
    height, width, channels = images.shape[1:]
    found = np.empty((len(images), min(height, SIDE) * min(width, SIDE) * channels), np.float32)
    done = 0
    for block in rows.blocks(images, BLOCK_BYTES):
        found[done : done + len(block)] = _flat(block)
        done += len(block)
    return found


def _flat(block: np.ndarray) -> np.ndarray:
    stopping.point()
    down, across = (_averaging(side) for side in block.shape[1:3])
    small = np.asarray(block, np.float32)
    if len(down) < block.shape[1]:
        small = np.einsum("ph,nhwc->npwc", down, small, optimize=True)
    if len(across) < block.shape[2]:
        small = np.einsum("qw,npwc->npqc", across, small, optimize=True)
    return np.ascontiguousarray(small, np.float32).reshape(len(block), int(np.prod(small.shape[1:])))


def _averaging(side: int) -> np.ndarray:
    """float32 (min(side, SIDE), side): the share of each pixel in each larger one; rows sum to 1."""
    number = min(side, SIDE)
    edges = np.arange(number + 1) * (side / number)
    place = np.arange(side)
    overlap = np.minimum(edges[1:, np.newaxis], place + 1) - np.maximum(edges[:-1, np.newaxis], place)
    return (np.maximum(overlap, 0) * (number / side)).astype(np.float32)


def _answers(fitted: logistic.Logistic, images: rows.Images) -> np.ndarray:
    return np.concatenate([fitted.model.predict(_flat(block)) for block in rows.blocks(images, BLOCK_BYTES)])


def _held_against(right: np.ndarray, control: np.ndarray, bounds: Bounds) -> dict[str, Any]:
    difference = paired_difference(control, right, **asdict(bounds))
    return {**accuracy_interval(control, bounds.confidence), "difference": difference}
