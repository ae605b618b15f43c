"""Picture files to labels with an exported network: Keras, NumPy and Pillow are needed, graft is not.

    python preprocess.py photos cat.jpg           label and probability of each picture
    python preprocess.py photos --json            the same for scripts, named as `graft predict --json` names them

From Python: `network_input("cat.jpg")` gives what the network takes.
"""

import argparse
import functools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tasks.pure.data.decoding import Decoding, decode
from tasks.pure.data.picture_files import files_below, read_picture
from tasks.pure.data.recognising import DamagedPicture, NotAPicture

FOLDER = Path(__file__).resolve().parent
BATCH_SIZE = 256  # images that go through the network at once; another number may change the last bits


def network_input(path: str | Path, name: str | None = None, folder: Path = FOLDER) -> np.ndarray:
    """One picture as float32 (height, width, channels), pixels of 0–255, in the size that the network takes.

    Args:
        name: how messages call the file; its path otherwise.
        folder: the export, with its `input.json`.

    Raises:
        NotAPicture: no image format at all.
        DamagedPicture: cannot be decoded, or is refused.
    """
    decoding = Decoding.of(_settings(folder)["decoding"])
    name = str(path) if name is None else name
    return decode(read_picture(Path(path), name), name, decoding).pixels.astype(np.float32)


@functools.lru_cache(maxsize=1)
def _settings(folder: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((folder / "input.json").read_text(encoding="utf-8"))
    return settings


class Answers:
    """What the network of an export says of files: `predictions`, `problems`, and how many files were `skipped`."""

    def __init__(self, folder: Path) -> None:
        import keras

        self.folder, self.names = folder, _settings(folder)["class_names"]
        self.model = keras.saving.load_model(folder / "model.keras", compile=False)
        self.predictions: list[dict[str, Any]] = []
        self.problems: list[dict[str, str]] = []
        self.skipped = 0

    def label(self, paths: Sequence[str]) -> None:
        """Label files and all that lies in folders; what is no picture is passed over in folders only."""
        waiting: list[tuple[str, np.ndarray]] = []
        for name, pixels in self._pictures(paths):
            waiting.append((name, pixels))
            if len(waiting) == BATCH_SIZE:
                self._answer(waiting)
                waiting = []
        if waiting:
            self._answer(waiting)

    def _pictures(self, paths: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
        for given in paths:
            top = Path(given)
            listing = files_below(top) if top.is_dir() else None
            self.skipped += len(listing.litter) if listing else 0
            for path in listing.files if listing else [top]:
                name = given if path == top else f"{given.rstrip('/')}/{path.relative_to(top)}"
                try:
                    yield name, network_input(path, name, self.folder)
                except (NotAPicture, DamagedPicture) as problem:
                    if listing and isinstance(problem, NotAPicture):
                        self.skipped += 1
                    else:
                        self.problems.append({"image": name, "problem": str(problem)})

    def _answer(self, waiting: Sequence[tuple[str, np.ndarray]]) -> None:
        batch = np.stack([pixels for _, pixels in waiting])
        shares = np.asarray(self.model(batch, training=False), np.float32)
        if shares.shape[1] == 1:  # of two classes the network gives the second one's probability
            shares = np.hstack([1 - shares, shares])
        for (name, _), row in zip(waiting, shares, strict=True):
            best = int(np.argsort(-row, kind="stable")[0])
            self.predictions.append({"image": name, "label": self.names[best], "probability": float(row[best])})


def main() -> int:
    parser = argparse.ArgumentParser(description="Label pictures with the network in this folder.")
    parser.add_argument("paths", nargs="+", metavar="FILE|FOLDER")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--threads", type=int, help="of TensorFlow: their number may change the last bits")
    arguments = parser.parse_args()
    if arguments.threads:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
        tf.config.threading.set_inter_op_parallelism_threads(arguments.threads)
    answers = Answers(FOLDER)
    answers.label(arguments.paths)
    for problem in answers.problems:
        print(problem["problem"], file=sys.stderr)
    if arguments.json:
        found = {"predictions": answers.predictions, "problems": answers.problems, "skipped": answers.skipped}
        print(json.dumps(found, indent=2))
    else:
        for row in answers.predictions:
            print(f"{row['image']}  {row['label']}  {100 * row['probability']:.1f} %")
    return 1 if answers.problems else 0


if __name__ == "__main__":
    sys.exit(main())
