"""A run's network as it is served: `graft predict` and the exported file are the same network, made here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import array_codecs
from artifacts.past import PastRun
from tasks.device import prepare
from tasks.pure.data.decoding import Decoding
from tasks.pure.data.rows import blocks
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
    facts = run.store.facts(run.ref("load_data.target", "dataset")) or {}
    pixels, unit = _range(np.dtype(facts.get("image_dtype", "|u1")), _ends(run, facts))
    model = run.model()
    return Served(model, servable(model, unit), pixels, unit, decoding_of(model.input_shape[1:], facts))


def _ends(run: PastRun, facts: Mapping[str, Any]) -> list[float]:
    """The smallest and the largest value of the images that the network was trained on."""
    folder = run.folder("load_data.target", "dataset")
    known = facts.get("pixel_range")
    if known:
        return [float(end) for end in known]
    images = array_codecs.read_part(folder, "train")[0]  # a data set that an older graft stored does not tell
    return [float(end) for block in blocks(images) for end in (block.min(), block.max())]


def _range(dtype: np.dtype[Any], ends: Sequence[float]) -> tuple[bool, bool]:
    """Whether a network trained on images of that type, within `ends`, takes 0–255, and whether only after a division
    by 255."""
    if dtype == np.uint8:
        return True, False
    low, high = min(ends, default=0.0), max(ends, default=0.0)
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
