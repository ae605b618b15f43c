"""A run's network as it is served: `graft predict` and the exported file are the same network, made here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import array_codecs
from artifacts.past import PastRun
from tasks.device import prepare
from tasks.pure.data.decoding import Decoding
from tasks.pure.serving import servable

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Served:
    """A network ready for use.

    Attributes:
        model: as `run.model()` gives it; takes images of one size, in the range that it was trained on.
        network: what is exported: takes images of that size, in pixels of 0–255 where `pixels` is True.
        pixels: whether `network` takes pixels of 0–255; else numbers in a range of the training data's own.
        unit: whether `network` divides those by 255 first, since `model` was trained on floats of 0–1.
        decoding: how the pictures were decoded that it was trained on; size and channels are those of its input.
    """

    model: "keras.Model"
    network: "keras.Model"
    pixels: bool
    unit: bool
    decoding: Decoding


def served(run: PastRun) -> Served:
    """The final network of `run`.

    Raises:
        StoreError: an artifact of the run was collected or damaged.
    """
    prepare()
    folder = run.folder("load_data.target", "dataset")
    facts = run.store.facts(run.ref("load_data.target", "dataset")) or {}
    images, _ = array_codecs.read_part(folder, "train")
    pixels, unit = _range(images.dtype, *_bounds(images, facts))
    model = run.model()
    return Served(model, servable(model, unit), pixels, unit, decoding_of(model.input_shape[1:], facts))


def _bounds(images: np.ndarray, facts: Mapping[str, Any]) -> tuple[float, float]:
    """The lowest and the highest pixel that the network was trained on, read only where nobody wrote them down."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    low, high = facts.get("pixel_range") or (images.min(initial=0.0), images.max(initial=0.0))
    return float(low), float(high)


def _range(dtype: np.dtype[Any], low: float, high: float) -> tuple[bool, bool]:
    """Whether a network trained on such pixels takes 0–255, and whether only after a division by 255."""
    unit = dtype.kind == "f" and low >= 0 and high <= 1
    return unit or (low >= 0 and high <= 255), unit


def decoding_of(shape: Sequence[int], facts: Mapping[str, Any]) -> Decoding:
    """How pictures are decoded for a network.

    Args:
        shape: (height, width, channels) of its input.
        facts: of the data set that it was trained on; those of folders and lists say how they were decoded, all others
            came as arrays, and files are stretched to their size.
    """
    height, width, channels = shape
    decoded = Decoding.of(facts["decoding"]) if "decoding" in facts else Decoding(channels, None)
    return replace(decoded, channels=channels, size=(height, width))
