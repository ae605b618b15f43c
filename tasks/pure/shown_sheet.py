"""A contact sheet of the augmented pictures that each training was shown."""

from collections.abc import Mapping

import numpy as np

from tasks.pure import canvas

COLUMNS = 8
GAP = 2  # pixels of white between two pictures, where a picture is as small as 32


def sheet(shown: Mapping[str, np.ndarray]) -> bytes:
    """PNG bytes: a block of pictures a training, four rows of eight, or two where there are several trainings.

    Args:
        shown: step → uint8 (m, h, w, c), c 1 or 3.
    """
    rows = 4 if len(shown) == 1 else 2
    mosaics = {step: _mosaic(pictures[: rows * COLUMNS]) for step, pictures in shown.items()}
    heights = [canvas.WIDTH * mosaic.shape[0] / mosaic.shape[1] for mosaic in mosaics.values()]
    with canvas.plain_style():
        figure = canvas.new_figure(sum(heights) + 0.3 * len(heights))
        grid = figure.add_gridspec(len(mosaics), 1, height_ratios=heights)
        for place, (step, mosaic) in enumerate(mosaics.items()):
            axes = figure.add_subplot(grid[place])
            axes.set_axis_off()
            axes.set_title(step, fontsize=9, loc="left", pad=3)
            axes.imshow(mosaic, interpolation="nearest")
        grey = all(pictures.shape[-1] == 1 for pictures in shown.values())
        return canvas.png(figure, colours=256 if grey else None)


def _mosaic(pictures: np.ndarray) -> np.ndarray:
    """uint8 (height, width, 3): the pictures side by side on white, COLUMNS in a row."""
    count, height, width, _ = pictures.shape
    gap = max(1, GAP * width // 32)
    rows = -(-count // COLUMNS)
    whole = np.full((rows * (height + gap) - gap, COLUMNS * (width + gap) - gap, 3), 255, np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // COLUMNS * (height + gap), place % COLUMNS * (width + gap)
        whole[top : top + height, left : left + width] = picture  # one channel becomes three alike
    return whole
