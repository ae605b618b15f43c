"""A run's network as it is served: `graft predict` and the exported file are the same network, made here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from artifacts import array_codecs
from artifacts.past import PastRun
from tasks.device import prepare
from tasks.pure.data.rows import blocks
from tasks.pure.serving import servable

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Served:
    """A network ready for use.

    Attributes:
        model: as `run.model()` gives it; takes images of one size, in the range that it was trained on.
        network: what is exported: takes images of any size.
        pixels: whether `network` is known to take pixels of 0–255; else floats in a range of the training data's own.
        unit: whether `network` divides those by 255 first, since `model` was trained on floats of 0–1.
    """

    model: "keras.Model"
    network: "keras.Model"
    pixels: bool
    unit: bool


def served(run: PastRun) -> Served:
    """The final network of `run`.

    Raises:
        StoreError: an artifact of the run was collected or damaged.
    """
    prepare()
    bytes_of_pixels, unit = _pixels(run)
    model = run.model()
    return Served(model, servable(model, unit), unit or bytes_of_pixels, unit)


def _pixels(run: PastRun) -> tuple[bool, bool]:
    """Whether the training images were bytes, and whether they were floats of 0–1."""
    folder = run.folder("load_data.target", "dataset")
    facts = run.store.manifest(run.ref("load_data.target", "dataset")).facts
    ends = facts.get("pixel_range")
    if ends is None:  # a data set that an older graft stored does not tell
        images = array_codecs.read_part(folder, "train")[0]
        ends = [0.0, *(float(end) for block in blocks(images) for end in (block.min(), block.max()))]
    dtype = np.dtype(facts["image_dtype"])
    return dtype == np.uint8, dtype.kind == "f" and min(ends) >= 0 and max(ends) <= 1
