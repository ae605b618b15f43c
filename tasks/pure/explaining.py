"""What a network looked at: cover a part of the image, and see how much of its answer is lost."""

import io
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.inference import probabilities

if TYPE_CHECKING:
    import keras

PATCHES = 7  # along the shorter side
SHOWN_PIXELS = 336  # height of the picture


def occlusion(model: "keras.Model", image: np.ndarray, answer: int) -> np.ndarray:
    """How much the probability of `answer` falls when each part of `image` is covered by the image's mean.

    Zeiler and Fergus, Visualizing and Understanding Convolutional Networks, 2014, section 4.2. A square of a seventh
    of the shorter side moves by half its width; a pixel gets the mean over the squares that covered it.

    Args:
        image: (height, width, channels), in the size that `model` takes.
        answer: number of a class.

    Returns:
        float64 (height, width); positive where covering takes from the answer, in units of probability.
    """
    height, width = image.shape[:2]
    side = max(1, min(height, width) // PATCHES)
    step = max(1, side // 2)
    corners = [(top, left) for top in _starts(height, side, step) for left in _starts(width, side, step)]
    mean = image.mean(axis=(0, 1))
    covered = np.repeat(image[np.newaxis].astype(np.float32), len(corners), axis=0)
    for number, (top, left) in enumerate(corners):
        covered[number, top : top + side, left : left + side] = mean
    whole = probabilities(model, image[np.newaxis].astype(np.float32))[0, answer]
    losses = whole - probabilities(model, covered)[:, answer]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for loss, (top, left) in zip(losses, corners, strict=True):
        total[top : top + side, left : left + side] += loss
        count[top : top + side, left : left + side] += 1
    return total / count


def _starts(length: int, side: int, step: int) -> list[int]:
    """Where squares begin, the last one flush with the edge."""
    return sorted({*range(0, length - side + 1, step), length - side})


def picture(image: np.ndarray, loss: np.ndarray) -> bytes:
    """PNG: the image, and beside it the same with what the answer rests on in red and what speaks against it in blue.

    Args:
        image: (height, width, channels), 0–255.
        loss: (height, width), as `occlusion` gives it.
    """
    from PIL import Image

    grey = image.astype(np.float64).mean(axis=2, keepdims=True).repeat(3, axis=2)
    shown = image if image.shape[2] == 3 else image.repeat(3, axis=2)
    strongest = max(float(np.abs(loss).max()), 1e-12)
    weight = np.abs(loss / strongest)[..., np.newaxis]
    colour = np.where((loss > 0)[..., np.newaxis], (255.0, 40.0, 40.0), (40.0, 80.0, 255.0))
    painted = grey * (1 - 0.75 * weight) + colour * 0.75 * weight
    both = np.concatenate([shown.astype(np.float64), painted], axis=1).clip(0, 255).astype(np.uint8)
    scale = max(1, SHOWN_PIXELS // image.shape[0])
    large = Image.fromarray(both).resize((both.shape[1] * scale, both.shape[0] * scale), Image.Resampling.NEAREST)
    content = io.BytesIO()
    large.save(content, "PNG")
    return content.getvalue()
