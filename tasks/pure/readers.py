"""From files to arrays: one reader for each data set that a recipe can name, and one check that all of them pass.

A reader gets the paths of its files by role (`FILE_ROLES`) and knows nothing of where they come from: finding and
fetching is the business of `tasks.sources`. Images keep the numbers of their files; scaling is part of the network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tasks.pure.class_names import CIFAR10, CIFAR100, DIGITS, FASHION
from tasks.pure.data import ranges
from tasks.pure.data.own_archive import own_arrays
from tasks.pure.data.rows import Images
from tasks.pure.errors import BadData
from tasks.pure.formats import read_cifar, read_idx, read_npz
from tasks.pure.images import as_images, as_labels, check_split

IDX_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FILE_ROLES: Mapping[str, tuple[str, ...]] = {
    "fashion_mnist": IDX_FILES,
    "fashion_mnist_sample": ("fashion_mnist_sample.npz",),
    "mnist": ("mnist.npz",),
    "cifar10": ("cifar-10-batches-py.tar.gz",),
    "cifar100": ("cifar-100-python.tar.gz",),
    "digits": (),
    "npz": ("npz",),
    "folder": ("pictures",),
    "list": ("pictures",),
}
LISTED = frozenset({"folder", "list"})  # pictures in files: found by `tasks/pictures`, not read here
OWN_VALIDATION = LISTED | {"npz"}  # may bring a validation part: only looking at the data tells
CLASS_NAMES: Mapping[str, tuple[str, ...]] = {
    "fashion_mnist": FASHION,
    "fashion_mnist_sample": FASHION,
    "mnist": DIGITS,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "digits": DIGITS,
}


@dataclass(frozen=True)
class RawData:
    """A data set as its files hold it.

    Attributes:
        x_train, x_test: images (n, height, width, channels); uint8 of 0..255 as stored, or float32 as given.
        y_train, y_test: labels (n,) int64 of 0..k-1.
        class_names: the k names, in the order of the labels.
        x_validation, y_validation: a validation part of the data's own; empty where it has none.
        contents: for each training image what decides whether it is set aside, where that is not its own bytes: of
            pictures in files the file's SHA-256 or the group's name (see `data/dividing.py`).
        groups: (n,) int64 for the training images: those of one number never lie in two parts.
        unread: arrays in the file that nobody reads, by name.
        files: `train`, `validation` and `test` → (n, 32) uint8, the SHA-256 of the file of each picture; empty where
            images are not in files of their own.
        validation_part: what the file calls its validation part, `x_…` and `y_…`, for messages.
    """

    x_train: Images
    y_train: np.ndarray
    x_test: Images
    y_test: np.ndarray
    class_names: tuple[str, ...]
    x_validation: Images | None = None
    y_validation: np.ndarray | None = None
    contents: tuple[str, ...] | None = None
    groups: np.ndarray | None = None
    unread: tuple[str, ...] = ()
    files: Mapping[str, np.ndarray] = field(default_factory=dict)
    validation_part: str = "validation"

    def validation(self) -> tuple[Images, np.ndarray]:
        """The data's own validation part, perhaps empty."""
        if self.x_validation is None or self.y_validation is None:
            return self.x_train[:0], self.y_train[:0]
        return self.x_validation, self.y_validation


def read(dataset: str, files: Mapping[str, Path]) -> RawData:
    """Read a data set and check it.

    Args:
        dataset: a key of `FILE_ROLES`.
        files: role -> path, for each role of the data set; from `tasks.sources`.

    Raises:
        BadData: an unknown data set, a role without a path, a damaged file, or whatever `validate` refuses.
    """
    if dataset not in FILE_ROLES:
        raise BadData(f"No data set named `{dataset}`. Those there are: {', '.join(FILE_ROLES)}.")
    missing = [role for role in FILE_ROLES[dataset] if role not in files]
    if missing:
        raise BadData(
            f"`{dataset}` is read from {', '.join(FILE_ROLES[dataset])}; no path was given for "
            f"{', '.join(missing)}. Give one for each."
        )
    raw = _READERS[dataset](dataset, files)
    validate(raw, f"`{dataset}` ({_place(dataset, files)})" if files else f"`{dataset}`")
    return raw


def validate(raw: RawData, name: str) -> None:
    """Check what every data set must satisfy, whatever it was read from.

    Both splits have images, as many labels as images, and images of one size, channels and dtype; floats are finite;
    pixels are of a range that a network may be fed, the same in both (`ranges.py`);
    labels lie in 0..k-1; there are two classes or more, with distinct names, and each has a training image. (A class
    without a test image is no error here: a task that leaves the class out can do without. `datasets.select` looks.)

    Args:
        raw: what was read.
        name: how messages call the data set.

    Raises:
        BadData: whatever of this does not hold.
    """
    check_split(name, "train", raw.x_train, raw.y_train, len(raw.class_names))
    check_split(name, "test", raw.x_test, raw.y_test, len(raw.class_names))
    _check_alike(name, "test", raw.x_train, raw.x_test)
    if raw.x_validation is not None and raw.y_validation is not None:
        check_split(name, raw.validation_part, raw.x_validation, raw.y_validation, len(raw.class_names))
        _check_alike(name, raw.validation_part, raw.x_train, raw.x_validation)
    parts = {"x_train": raw.x_train, f"x_{raw.validation_part}": raw.x_validation, "x_test": raw.x_test}
    ranges.check(name, {part: images for part, images in parts.items() if images is not None and len(images)})
    _check_classes(raw, name)


def _check_alike(name: str, part: str, training: Images, other: Images) -> None:
    train, found = ((x.shape[1:], x.dtype.name) for x in (training, other))
    if train != found:
        raise BadData(
            f"{name}: expected images of one shape and type, found {train[0]} {train[1]} in `x_train` and "
            f"{found[0]} {found[1]} in `x_{part}`. Prepare both in the same way."
        )


def _check_classes(raw: RawData, name: str) -> None:
    names = raw.class_names
    check_names(names, name)
    empty = np.flatnonzero(np.bincount(raw.y_train, minlength=len(names)) == 0)
    if len(empty):
        found = ", ".join(f"{label} ({names[label]})" for label in empty[:10])
        raise BadData(
            f"{name}: expected training images of each of the {len(names)} classes, labels 0 to "
            f"{len(names) - 1}; found none with label {found}. Add some, or number the labels without gaps "
            "and give one class name for each."
        )


def check_names(names: tuple[str, ...], name: str) -> None:
    """Raises BadData where there are fewer than two classes, or names that are not distinct or cannot be printed."""
    if len(names) < 2:
        raise BadData(f"{name}: expected two classes or more, found {len(names)} ({', '.join(names)}).")
    if len(set(names)) < len(names) or not all(each.strip() and each.isprintable() for each in names):
        found = ", ".join(ascii(each) for each in names)
        raise BadData(f"{name}: expected class names that are distinct and can be printed, found {found}.")


def _place(dataset: str, files: Mapping[str, Path]) -> str:
    """The file, or the folder of several, for messages."""
    path = files[FILE_ROLES[dataset][0]]
    return str(path if len(FILE_ROLES[dataset]) == 1 else path.parent)


def _fashion_mnist(dataset: str, files: Mapping[str, Path]) -> RawData:
    x_train, y_train, x_test, y_test = (
        read_idx(files[role], (28, 28) if "images" in role else ()) for role in IDX_FILES
    )
    return RawData(
        x_train[..., np.newaxis],
        y_train.astype(np.int64),
        x_test[..., np.newaxis],
        y_test.astype(np.int64),
        CLASS_NAMES[dataset],
    )


def _npz(dataset: str, files: Mapping[str, Path]) -> RawData:
    """A user's own file, or one of the two data sets that come in this form, whose names and size are known."""
    path = files[FILE_ROLES[dataset][0]]
    if dataset == "npz":
        return RawData(**own_arrays(path))
    arrays = read_npz(path, ARRAYS)
    images = {name: as_images(f"{path}: `{name}`", arrays.pop(name)) for name in ("x_train", "x_test")}
    labels = {name: as_labels(f"{path}: `{name}`", arrays.pop(name)) for name in ("y_train", "y_test")}
    _check_known(path, images["x_train"])
    names = CLASS_NAMES[dataset]
    return RawData(images["x_train"], labels["y_train"], images["x_test"], labels["y_test"], names)


def _check_known(path: Path, images: np.ndarray) -> None:
    """MNIST and the sample hold grey images of 28 × 28 bytes; another file of that name is not them."""
    if images.shape[1:] != (28, 28, 1) or images.dtype != np.uint8:
        raise BadData(
            f"{path}: expected uint8 images of shape (28, 28), found {images.dtype} {images.shape[1:]}. "
            "A file of your own is read with `dataset: npz`."
        )


def _cifar(dataset: str, files: Mapping[str, Path]) -> RawData:
    if dataset == "cifar10":
        train = tuple(f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6))
        test = "cifar-10-batches-py/test_batch"
    else:
        train, test = ("cifar-100-python/train",), "cifar-100-python/test"
    label_key = b"labels" if dataset == "cifar10" else b"fine_labels"
    batches = read_cifar(files[FILE_ROLES[dataset][0]], (*train, test), label_key)
    x_test, y_test = batches.pop(test)
    y_train = np.concatenate([batches[name][1] for name in train])
    x_train = np.empty((sum(len(batches[name][0]) for name in train), 32, 32, 3), np.uint8)
    begin = 0
    for name in train:
        images, _ = batches.pop(name)  # each batch is let go once it is copied, to keep the peak of memory low
        x_train[begin : begin + len(images)] = images
        begin += len(images)
    return RawData(x_train, y_train, np.ascontiguousarray(x_test), y_test, CLASS_NAMES[dataset])


def _digits(dataset: str, files: Mapping[str, Path]) -> RawData:
    """scikit-learn's 1,797 digits of 8 × 8, grey values 0..16 stretched to 0..255 (17 steps of 15.9375, rounded).

    scikit-learn gives no split; here the last fifth of each class, in the order of its file, is the test split.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    labels = bunch.target.astype(np.int64)
    is_test = np.zeros(len(labels), bool)
    for label in range(10):
        members = np.flatnonzero(labels == label)
        is_test[members[len(members) - len(members) // 5 :]] = True
    return RawData(images[~is_test], labels[~is_test], images[is_test], labels[is_test], CLASS_NAMES[dataset])


_READERS: Mapping[str, Callable[[str, Mapping[str, Path]], RawData]] = {
    "fashion_mnist": _fashion_mnist,
    "fashion_mnist_sample": _npz,
    "mnist": _npz,
    "cifar10": _cifar,
    "cifar100": _cifar,
    "digits": _digits,
    "npz": _npz,
}
