"""`graft predict`: labels for images, a batch at a time, with what the network looked at if asked for."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from artifacts.champions import DEFAULT, Champions
from artifacts.errors import UsageError
from artifacts.past import PastRun
from artifacts.runs import Runs
from artifacts.store import Store
from flows.predict_inputs import Item, Picture, Problem, Skipped

BATCH_SIZE = 256


@dataclass(frozen=True)
class Prediction:
    """What the network says of one image: the two most probable classes, and a picture of why.

    Attributes:
        frames: of an animation, of which the first was labelled; None where there is but one.
    """

    image: str
    label: str
    probability: float
    runner_up: str
    runner_up_probability: float
    explanation: str | None = None
    frames: int | None = None


Row = Prediction | Problem | Skipped


def chosen_run(store: Store, wanted: str | None) -> PastRun:
    """The run that `--model` means: a champion's name, or a run; without it the newest run that has a network.

    Raises:
        UsageError: neither, or no run has one.
    """
    if wanted is None:
        return _newest(store)
    champions = Champions(store)
    if wanted in champions.names():
        reign = champions.current(wanted)
        if reign is not None:
            return store.run(reign.run)
    if wanted == DEFAULT:
        raise UsageError("No champion yet. Make a run one with `graft promote last`, or name a run: --model last.")
    return store.run(wanted)


def _newest(store: Store) -> PastRun:
    records = Runs(store).all()
    able = [record for record in records if record.outputs("fine_tune") and record.outputs("evaluate")]
    if not able:
        raise UsageError("No run has a network yet. Begin with `graft run quickstart`.")
    return PastRun(store, able[-1])


class Predictor:
    """A run's final network with its class names.

    Args:
        explain: folder for the pictures of what it looked at, or None.
    """

    def __init__(self, run: PastRun, explain: Path | None) -> None:
        from flows.served import served

        self.names: Sequence[str] = run.metrics()["class_names"]
        self.served = served(run)
        self.explain = explain
        self.drawn: dict[str, int] = {}  # name of a picture → how many have it

    def predict(self, items: Iterable[Item]) -> Iterator[Row]:
        """A prediction for each image, in order, holding one batch at a time; the rest keeps its place among them.

        A batch is the next `BATCH_SIZE` images, whatever lies between: its size may change the last bits.
        """
        waiting: list[Item] = []
        count = 0
        for item in items:
            waiting.append(self._adapted(item) if isinstance(item, Picture) else item)
            count += isinstance(item, Picture)
            if count in (0, BATCH_SIZE):
                yield from self._answers(waiting)
                waiting, count = [], 0
        yield from self._answers(waiting)

    def _adapted(self, picture: Picture) -> Picture:
        from tasks.pure.serving import before_the_model

        return replace(picture, pixels=before_the_model(self.served.network, picture.pixels[np.newaxis])[0])

    def _answers(self, waiting: Sequence[Item]) -> Iterator[Row]:
        from tasks.pure.inference import probabilities

        batch = [item.pixels for item in waiting if isinstance(item, Picture)]
        found = iter(probabilities(self.served.model, np.stack(batch)) if batch else ())
        for item in waiting:
            yield self._prediction(item, next(found)) if isinstance(item, Picture) else item

    def _prediction(self, picture: Picture, shares: np.ndarray) -> Prediction:
        best, second = np.argsort(-shares, kind="stable")[:2]
        return Prediction(
            picture.name,
            self.names[best],
            float(shares[best]),
            self.names[second],
            float(shares[second]),
            self._explained(picture, int(best)),
            picture.frames if picture.frames > 1 else None,
        )

    def _explained(self, shown: Picture, answer: int) -> str | None:
        if self.explain is None:
            return None
        from tasks.pure.explaining import occlusion, picture

        pixels = shown.pixels * 255 if self.served.unit else shown.pixels
        content = picture(pixels, occlusion(self.served.model, shown.pixels, answer))
        path = self._free(self.explain, shown.stem or "image")
        path.write_bytes(content)
        return str(path)

    def _free(self, folder: Path, stem: str) -> Path:
        """A name in `folder` that is not taken: two images may have one name in two folders."""
        while True:
            number = self.drawn[stem] = self.drawn.get(stem, 0) + 1
            path = folder / (f"{stem}.png" if number == 1 else f"{stem}-{number}.png")
            if not path.exists():
                return path


def write_csv(file: TextIO, rows: Iterator[Row], each: Callable[[Row], None]) -> None:
    """One line an image, as they come; `each` is told of every row."""
    columns = list(Prediction.__dataclass_fields__)
    writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        each(row)
        if isinstance(row, Prediction):
            writer.writerow(asdict(row))


def as_dict(row: Prediction) -> Mapping[str, Any]:
    """A prediction as JSON, without an explanation where none was asked for, and frames where there is one."""
    return {name: value for name, value in asdict(row).items() if value is not None}
