"""Many JPEG files, each different, smooth as photographs are, of classes that a network can tell apart."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.device import cores

CLASSES = tuple(f"class {number}" for number in range(10))
GROUNDS = 400


def write_photos(folder: Path, count: int, size: tuple[int, int]) -> None:
    """`count` files in `folder/class 0` … `folder/class 9`, in turn.

    A picture's number is in its upper left corner, its class in which tenth of it (from the left) is bright.

    Args:
        size: (height, width) in pixels, each 80 or more.
    """
    height, width = size
    draws = np.random.default_rng(0)
    small = draws.integers(0, 140, (GROUNDS, 12, 16, 3), np.uint8)
    grounds = [np.asarray(Image.fromarray(each).resize((width, height), Image.Resampling.BICUBIC)) for each in small]

    def write(number: int) -> None:
        pixels, label = grounds[number % GROUNDS].copy(), number % len(CLASSES)
        pixels[:, label * width // 10 : (label + 1) * width // 10] += 90
        pixels[:8, :32] = np.unpackbits(np.array([number], ">u4").view(np.uint8)).repeat(8).reshape(8, 32, 1) * 255
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "JPEG", quality=88)
        (folder / CLASSES[label] / f"{number}.jpg").write_bytes(content.getvalue())

    for name in CLASSES:
        (folder / name).mkdir(parents=True)
    with ThreadPoolExecutor(cores()) as pool:
        list(pool.map(write, range(count)))
