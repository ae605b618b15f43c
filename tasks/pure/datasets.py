"""From raw data to a task: which classes, which training labels, and what is set aside for validation and the gate.

The test split is filtered and relabelled like the training split, and nothing is ever drawn from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tasks.pure.data.dividing import aside, by_group
from tasks.pure.data.duplicates import look, twins
from tasks.pure.data.naming import class_number
from tasks.pure.data.ranges import pixel_range
from tasks.pure.data.rows import Images, chosen, lazily
from tasks.pure.errors import BadData
from tasks.pure.readers import RawData
from tasks.pure.splits import draw, gated


@dataclass(frozen=True)
class Selection:
    """What `load_data` selects; all plain JSON values (lists count as tuples).

    Attributes:
        dataset: the data set's name, for messages.
        classes: "all", or class numbers or names in the order of their new labels; None with `one_vs_rest`.
        one_vs_rest: the class that becomes label 1 while all others become 0; None with `classes`.
        labels: "all", or the total number of training labels, validation included.
        validation: fraction [0, 1) of those labels, stratified.
        gate: fraction [0, 1) of the training split, by hash of the image, set aside before anything is drawn.
        seed: of the draws, >= 0; None where nothing is drawn (labels "all" and validation 0).
        test: fraction of pictures in files that is for testing, by hash of the file; None where the data says it.
        image_size: (height, width) in pixels to decode to; None where all pictures have one size.
        fit: `stretch`, `crop` or `pad`, to get to that size.
        colour: `grey`, `rgb`, or `auto`: grey where all pictures are.
        background: under what is transparent.
        value_range: what of a file of floats becomes 0 and 255; None refuses such files.
        on_damaged: `refuse` or `skip`.
        drop_duplicates: whether training images that also lie in the test split, exactly or nearly, are left out
            before anything is drawn. The test split and the gate stay as they are.

    Raises:
        ValueError: a combination that the recipe's own check should have refused.
    """

    dataset: str
    classes: str | tuple[int | str, ...] | None
    one_vs_rest: int | str | None
    labels: str | int
    validation: float
    gate: float
    seed: int | None
    test: float | None = None
    image_size: tuple[int, int] | None = None
    fit: str = "stretch"
    colour: str = "auto"
    background: str = "white"
    value_range: tuple[float, float] | None = None
    on_damaged: str = "refuse"
    drop_duplicates: bool = False

    def __post_init__(self) -> None:
        for name in ("classes", "image_size", "value_range"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        if (self.classes is None) == (self.one_vs_rest is None):
            found = f"{self.classes} and {self.one_vs_rest}"
            raise ValueError(f"Expected one of `classes` and `one_vs_rest`, found {found}.")
        for name, word in (("classes", self.classes), ("labels", self.labels)):
            if isinstance(word, str) and word != "all":
                raise ValueError(f"Expected `{name}` to be `all` or a number, found `{word}`.")
        if not (0 <= self.validation < 1 and 0 <= self.gate < 1):
            raise ValueError(f"Expected `validation` and `gate` in [0, 1), found {self.validation} and {self.gate}.")
        if self.seed is None and self.draws:
            raise ValueError("Expected a seed where labels or a validation part are drawn, found None.")

    @property
    def draws(self) -> bool:
        """Whether a seed is needed."""
        return self.labels != "all" or self.validation > 0


@dataclass(frozen=True)
class Dataset:
    """A task: images as in `RawData`, labels (n,) int64 of 0..k-1. All parts but train and test may be empty.

    `dropped` counts the training images that were left out for lying in the test split too: exact copies, near ones.
    `files` has for each part the (n, 32) uint8 SHA-256 of its pictures' files, where they have any.

    With all classes and nothing set aside the images are the very arrays of the raw data: do not write to them. Of
    arrays that are mapped, parts too large to hold are `Rows`, which read the images when they are asked for.
    """

    x_train: Images
    y_train: np.ndarray
    x_validation: Images
    y_validation: np.ndarray
    x_gate: Images
    y_gate: np.ndarray
    x_test: Images
    y_test: np.ndarray
    class_names: tuple[str, ...]
    dropped: tuple[int, int] = (0, 0)
    files: Mapping[str, np.ndarray] = field(default_factory=dict)


def select(raw: RawData, selection: Selection) -> Dataset:
    """Make the task that `selection` describes. Examples keep the order of the raw data within each part.

    Raises:
        BadData: a class that is not there, or twice; one class; a class without training images (after the gate, and
            after duplicates were dropped); no test images at all; a number of labels or a validation fraction that the
            data does not admit. A class without test images is none: it is trained, and reported as not tested.
    """
    new_labels, names = _task(raw.class_names, selection)
    y_train, y_test = new_labels[raw.y_train], new_labels[raw.y_test]  # -1 where a class is left out
    members, test = np.flatnonzero(y_train >= 0), np.flatnonzero(y_test >= 0)
    in_gate = _gated(raw, members, selection.gate)
    gate, pool = members[in_gate], members[~in_gate]
    _check_present(y_train[pool], names, " outside the gate" if selection.gate else "")
    if not len(test):
        raise BadData(f"Expected test images of {', '.join(f'`{name}`' for name in names[:10])}, found none. Add some.")
    pool, dropped = _without_duplicates(raw, pool, test) if selection.drop_duplicates else (pool, (0, 0))
    if any(dropped):
        _check_present(y_train[pool], names, " that do not lie in the test split too (`duplicates: drop`)")
    own, own_labels = raw.validation()
    _check_one_validation(selection, own_labels)
    train, validation = _drawn(y_train, pool, selection, raw.groups)
    validating = _part(raw.x_train, y_train, validation)
    places = {"train": train, "gate": gate, "validation": validation, "test": test}
    if len(own_labels):
        y_own = new_labels[own_labels]
        places["validation"] = np.flatnonzero(y_own >= 0)
        if selection.drop_duplicates:
            places["validation"], more = _without_duplicates(raw, places["validation"], test, own)
            dropped = (dropped[0] + more[0], dropped[1] + more[1])
        validating = _part(own, y_own, places["validation"])
    return Dataset(
        *_part(raw.x_train, y_train, train),
        *validating,
        *_part(raw.x_train, y_train, gate),
        *_part(raw.x_test, y_test, test),
        names,
        dropped,
        _files(raw, places, drawn=not len(own_labels)),
    )


def _files(raw: RawData, places: Mapping[str, np.ndarray], drawn: bool) -> dict[str, np.ndarray]:
    """The files of each part's images. A validation part that was drawn, and the gate, are of the training images."""
    if not raw.files:
        return {}
    of = {"train": "train", "gate": "train", "validation": "train" if drawn else "validation", "test": "test"}
    return {part: raw.files[of[part]][indices] for part, indices in places.items()}


def _without_duplicates(
    raw: RawData, pool: np.ndarray, test: np.ndarray, images: Images | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """The indices of `pool` whose images (the training ones unless others are given) have no copy among the test images
    at `test`; how many had an exact one, and how many only a near one."""
    white = pixel_range(raw.x_train).white
    pooled = raw.x_train if images is None else images
    tested, found = (look(each, rows, white) for each, rows in ((raw.x_test, test), (pooled, pool)))
    copies = twins(tested, found)
    return pool[copies.either < 0], copies.counts()


def wanted_classes(class_names: tuple[str, ...], selection: Selection) -> tuple[str, ...]:
    """The classes whose images the task needs: all of them, unless it names some.

    Raises:
        BadData: as `select`.
    """
    if isinstance(selection.classes, tuple):
        return tuple(class_names[class_number(class_names, wanted)] for wanted in selection.classes)
    return class_names


def _gated(raw: RawData, members: np.ndarray, fraction: float) -> np.ndarray:
    if raw.contents is None:
        return gated(lazily(raw.x_train), members, fraction)
    return aside([raw.contents[index] for index in members], "gate", fraction)


def _check_one_validation(selection: Selection, own: np.ndarray) -> None:
    if len(own) and selection.validation:
        raise BadData(
            f"`{selection.dataset}` has a validation part of its own ({len(own):,} images), and `validation` "
            f"({selection.validation}) asks for one drawn from the training images. Set `validation: 0`, or take the "
            "part out of the data."
        )


def _task(class_names: tuple[str, ...], selection: Selection) -> tuple[np.ndarray, tuple[str, ...]]:
    """(old label -> new label, -1 for classes left out) and the new names."""
    if selection.one_vs_rest is not None:
        number = class_number(class_names, selection.one_vs_rest)
        name = class_names[number]
        return (np.arange(len(class_names)) == number).astype(np.int64), (f"not {name}", name)
    if isinstance(selection.classes, str):
        numbers = list(range(len(class_names)))
    else:
        numbers = [class_number(class_names, wanted) for wanted in selection.classes or ()]
    found = ", ".join(f"{number} `{class_names[number]}`" for number in numbers)
    if len(numbers) < 2 or len(set(numbers)) < len(numbers):
        raise BadData(
            f"Expected two different classes or more of `{selection.dataset}`, found {found or 'none'}. "
            "Mend `classes`, or use `one_vs_rest` for one class against all others."
        )
    new_labels = np.full(len(class_names), -1, np.int64)
    new_labels[numbers] = np.arange(len(numbers))
    return new_labels, tuple(class_names[number] for number in numbers)


def _check_present(labels: np.ndarray, names: tuple[str, ...], where: str) -> None:
    empty = np.flatnonzero(np.bincount(labels, minlength=len(names)) == 0)
    if len(empty):
        raise BadData(
            f"Expected training images of each class{where}, found none of "
            f"{', '.join(f'`{names[label]}`' for label in empty[:10])}. Add some, "
            f"{'make the gate smaller, ' if 'gate' in where else ''}or leave the class out of the task."
        )


def _drawn(
    labels: np.ndarray, pool: np.ndarray, selection: Selection, groups: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if selection.seed is None or not selection.draws:
        return pool, pool[:0]
    total = len(pool) if isinstance(selection.labels, str) else selection.labels
    if groups is None or not selection.validation:
        return draw(labels, pool, total, selection.validation, selection.seed)
    drawn, _ = draw(labels, pool, total, 0, selection.seed)
    kept, held = by_group(labels[drawn], groups[drawn], selection.validation, selection.seed)
    return drawn[kept], drawn[held]


def _part(images: Images, labels: np.ndarray, indices: np.ndarray) -> tuple[Images, np.ndarray]:
    """Images and labels at `indices` (ascending, distinct); the array itself where that is all of it."""
    everything = len(indices) == len(images) and isinstance(lazily(images), np.ndarray)
    return (images if everything else chosen(images, indices)), labels[indices]
