"""Images and labels as arrays: bringing a user's arrays to graft's form, and refusing what cannot be trained on."""

import numpy as np

from tasks.pure.data.ranges import PixelRange, fault
from tasks.pure.data.rows import Images, blocks
from tasks.pure.errors import BadData


def as_images(name: str, array: np.ndarray) -> np.ndarray:
    """Images as (n, height, width, channels), uint8 or float32; copied only where the dtype has to change.

    Args:
        name: how messages call the array.
        array: (n, height, width) or (n, height, width, 1 or 3); uint8, other whole numbers of 0..255, or floats.

    Raises:
        BadData: another number of axes or channels, no pixels, another dtype, whole numbers outside 0..255.
    """
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in (1, 3)) or 0 in array.shape[1:]:
        raise BadData(
            f"{name}: expected images of shape (n, height, width), or (n, height, width, channels) with 1 or "
            f"3 channels, found {array.shape}. Reshape them before saving."
        )
    images = array if array.ndim == 4 else array[..., np.newaxis]
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind == "f":
        with np.errstate(over="ignore"):  # what overflows becomes infinite, and is refused as that
            return images.astype("float32", copy=False)
    if images.dtype.kind not in "iu":
        raise BadData(f"{name}: expected whole numbers of 0..255 or floats, found {images.dtype}. Use `.astype`.")
    return _bytes(name, images)


def _bytes(name: str, images: np.ndarray) -> np.ndarray:
    low, high = (int(images.min()), int(images.max())) if images.size else (0, 0)
    if low < 0 or high > 255:
        found = PixelRange(low, high, floats=False)
        mend = str(fault(found)).removeprefix(str(found))
        raise BadData(f"{name}: expected whole numbers of 0..255, found {low} to {high}{mend}.")
    return images.astype(np.uint8)


def as_labels(name: str, array: np.ndarray) -> np.ndarray:
    """Labels as (n,) int64.

    Args:
        name: how messages call the array.
        array: whole numbers of shape (n,) or (n, 1).

    Raises:
        BadData: another shape (one-hot rows, say) or dtype, or a number that int64 cannot hold.
    """
    if array.ndim == 2 and array.shape[1] > 1:
        raise BadData(
            f"{name}: expected class numbers of shape (n,), found {array.shape}, which looks one-hot. "
            "Save `y.argmax(axis=1)`."
        )
    if array.ndim not in (1, 2) or array.dtype.kind not in "iu":
        raise BadData(
            f"{name}: expected whole numbers of shape (n,) or (n, 1), found {array.dtype} of shape "
            f"{array.shape}. Save class numbers 0, 1, 2, …"
        )
    flat = array.reshape(len(array))
    if array.dtype == np.uint64 and flat.max(initial=0) > np.iinfo(np.int64).max:
        raise BadData(f"{name}: expected class numbers 0, 1, 2, …, found {flat.max()}.")
    return flat.astype(np.int64, copy=False)


def check_split(name: str, split: str, images: Images, labels: np.ndarray, num_classes: int) -> None:
    """Check one split: images there, a label for each, finite pixels, labels within 0..num_classes-1.

    Raises:
        BadData: whatever of this does not hold.
    """
    if len(images) != len(labels):
        raise BadData(
            f"{name}: expected one label for each image, found {len(images):,} images in `x_{split}` and "
            f"{len(labels):,} labels in `y_{split}`. Are the files of one set?"
        )
    if not len(images):
        raise BadData(f"{name}: expected images in `x_{split}`, found none. Add some.")
    _check_finite(name, split, images)
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= num_classes:
        wrong = low if low < 0 else high
        index = int(np.flatnonzero(labels == wrong)[0])
        raise BadData(
            f"{name}: expected labels 0 to {num_classes - 1} in `y_{split}`, found {wrong} (at index "
            f"{index}). Number the classes from 0; `class_names`, where given, names each of them."
        )


def _check_finite(name: str, split: str, images: Images) -> None:
    """Minimum and maximum tell (NaN passes through both) without an array of truth values beside the images."""
    if images.dtype.kind == "f" and not all(np.isfinite([block.min(), block.max()]).all() for block in blocks(images)):
        index = next(i for i, image in enumerate(images) if not np.isfinite(image).all())
        raise BadData(
            f"{name}: expected finite pixels in `x_{split}`, found NaN or infinity (first in the image at "
            f"index {index}). Remove or repair such images."
        )
