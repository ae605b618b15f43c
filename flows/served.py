"""A run's network as it is served: `graft predict` and the exported file are the same network, made here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from artifacts import array_codecs
from artifacts.past import PastRun
from tasks.device import prepare
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
    images, _ = array_codecs.read_part(run.folder("load_data.target", "dataset"), "train")
    low, high = float(images.min(initial=0.0)), float(images.max(initial=0.0))
    unit = images.dtype.kind == "f" and low >= 0 and high <= 1
    model = run.model()
    return Served(model, servable(model, unit), unit or images.dtype == np.uint8, unit)
