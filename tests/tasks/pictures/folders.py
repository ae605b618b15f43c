"""Small folders of pictures for the tests: each picture different, and tellable by its class's colour."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 30, 30), "green": (30, 200, 30), "blue": (30, 30, 200)}


def picture(number: int, colour: tuple[int, int, int], size: tuple[int, int] = (8, 8)) -> Image.Image:
    """`size` is (height, width); the number is in the pixels."""
    pixels = np.random.default_rng(number).integers(0, 50, (*size, 3)) + np.array(colour)
    return Image.fromarray(pixels.astype(np.uint8))


def put(file: Path, number: int, name: str = "red", size: tuple[int, int] = (8, 8)) -> Path:
    """Write one picture of a class; the ending says the format."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture(number, COLOURS.get(name, (90, 90, 90)), size).save(file)
    return file


def fill(root: Path, parts: Iterable[str] = ("train", "test"), count: int = 6, names: Iterable[str] = COLOURS) -> Path:
    """`root/PART/CLASS/*.png`, `count` in each; the part "" leaves the level out."""
    number = 0
    for part in parts:
        for name in names:
            for place in range(count):
                put(root / part / name / f"{place}.png", number, name)
                number += 1
    return root
