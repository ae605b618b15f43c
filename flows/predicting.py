"""`graft predict`: labels for images, a batch at a time, with what the network looked at if asked for."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from artifacts import codecs
from artifacts.champions import Champions
from artifacts.errors import DataError, UsageError
from artifacts.past import PastRun
from artifacts.store import Store
from tasks.pure.decoding import decode
from tasks.pure.errors import BadData

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 256
ARRAYS = ("images", "x", "x_test")  # of an npz file, the first that is there


@dataclass(frozen=True)
class Prediction:
    """What the network says of one image: the two most probable classes, and a picture of why."""

    image: str
    label: str
    probability: float
    runner_up: str
    runner_up_probability: float
    explanation: str | None = None


@dataclass(frozen=True)
class Problem:
    """A file that is no image, and why."""

    image: str
    problem: str


Item = tuple[str, np.ndarray] | Problem


def chosen_run(store: Store, wanted: str) -> PastRun:
    """The run that `--model` means: a champion's name, or a run.

    Raises:
        UsageError: neither.
    """
    champions = Champions(store)
    if wanted in champions.names():
        reign = champions.current(wanted)
        if reign is not None:
            return store.run(reign.run)
    if wanted == "champion":
        raise UsageError("No champion yet. Make a run one with `graft promote last`, or name a run: --model last.")
    return store.run(wanted)


class Predictor:
    """A run's final network with its class names.

    Args:
        explain: folder for the pictures of what it looked at, or None.
    """

    def __init__(self, run: PastRun, explain: Path | None) -> None:
        from tasks.device import prepare
        from tasks.pure.serving import servable

        prepare()
        self.names: Sequence[str] = run.metrics()["class_names"]
        self.model: keras.Model = run.model()
        self.served = servable(self.model)
        self.channels = int(self.model.input_shape[-1])
        self.scale = _scale(run)
        self.explain = explain

    def predict(self, items: Iterator[Item]) -> Iterator[Prediction | Problem]:
        """A prediction for each image, in order, holding one batch at a time; problems are passed on."""
        batch: list[tuple[str, np.ndarray]] = []
        for item in items:
            if isinstance(item, Problem):
                yield from self._batch(batch)
                batch = []
                yield item
            else:
                batch.append((item[0], self._resized(item[1])))
            if len(batch) == BATCH_SIZE:
                yield from self._batch(batch)
                batch = []
        yield from self._batch(batch)

    def _resized(self, image: np.ndarray) -> np.ndarray:
        """float32 in the size that the network takes, by the very layer that the exported network has."""
        from tasks.pure.serving import ANY_SIZE

        return np.asarray(self.served.get_layer(ANY_SIZE)(image[np.newaxis].astype(np.float32)))[0]

    def _batch(self, batch: Sequence[tuple[str, np.ndarray]]) -> Iterator[Prediction]:
        if not batch:
            return
        from tasks.pure.inference import probabilities

        found = probabilities(self.model, np.stack([image for _, image in batch]))
        for (name, image), shares in zip(batch, found, strict=True):
            best, second = np.argsort(-shares, kind="stable")[:2]
            yield Prediction(
                name,
                self.names[best],
                float(shares[best]),
                self.names[second],
                float(shares[second]),
                self._explained(name, image, int(best)),
            )

    def _explained(self, name: str, image: np.ndarray, answer: int) -> str | None:
        if self.explain is None:
            return None
        from tasks.pure.explaining import occlusion, picture

        content = picture(image / self.scale, occlusion(self.model, image, answer))
        path = _free(self.explain, Path(name).stem or "image")
        path.write_bytes(content)
        return str(path)


def _free(folder: Path, stem: str) -> Path:
    """A name in `folder` that is not taken: two images may have one name in two folders."""
    names = chain([f"{stem}.png"], (f"{stem}-{number}.png" for number in range(2, 10**6)))
    return next(folder / name for name in names if not (folder / name).exists())


def _scale(run: PastRun) -> float:
    """What decoded pixels of 0–255 are multiplied by: 1/255 where the network was trained on floats of 0–1."""
    images, _ = codecs.read_part(run.folder("load_data.target", "dataset"), "train")
    return 1 / 255 if images.dtype.kind == "f" and float(images.max(initial=0.0)) <= 1 else 1.0


def count(paths: Sequence[Path]) -> int:
    """How many images there are at most, without reading any."""
    return sum(len(_files(path)) if path.is_dir() else 1 for path in paths)


def images(paths: Sequence[Path], predictor: Predictor) -> Iterator[Item]:
    """The images of files, folders (with subfolders) and npz files, one at a time."""
    for path in paths:
        if path.suffix == ".npz":
            yield from _npz(path, predictor)
        elif path.is_dir():
            for file in _files(path):
                yield _decoded(file, predictor)
        else:
            yield _decoded(path, predictor)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _decoded(path: Path, predictor: Predictor) -> Item:
    try:
        return str(path), decode(path, predictor.channels) * np.float32(predictor.scale)
    except BadData as problem:
        return Problem(str(path), str(problem))


def _npz(path: Path, predictor: Predictor) -> Iterator[Item]:
    """The images of an npz file, as they stand there: no decoding, only the network's own resizing."""
    try:
        with np.load(path, allow_pickle=False) as file:
            name = next((name for name in ARRAYS if name in file.files), None)
            if name is None:
                held = ", ".join(file.files) or "none"
                raise DataError(f"{path}: expected an array named {', '.join(ARRAYS)}, found {held}. Rename it.")
            found = file[name]
    except (OSError, ValueError) as problem:
        raise DataError(f"{path}: cannot be read as npz ({problem}).") from None
    shaped = found[..., np.newaxis] if found.ndim == 3 else found
    if shaped.ndim != 4 or shaped.shape[-1] != predictor.channels or not np.issubdtype(shaped.dtype, np.number):
        raise DataError(
            f"{path}: expected images (n, height, width, {predictor.channels}) of numbers in `{name}`, found "
            f"{found.dtype} {found.shape}. Store them as the network's input says."
        )
    for number, image in enumerate(shaped):
        yield f"{path}[{number}]", image


def write_csv(file: TextIO, rows: Iterator[Prediction | Problem], each: Callable[[Prediction | Problem], None]) -> None:
    """One line an image, as they come; `each` is told of every row."""
    columns = list(Prediction.__dataclass_fields__)
    writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        each(row)
        if isinstance(row, Prediction):
            writer.writerow(asdict(row))


def as_dict(row: Prediction) -> Mapping[str, Any]:
    """A prediction as JSON, without the explanation where none was asked for."""
    return {name: value for name, value in asdict(row).items() if value is not None}
