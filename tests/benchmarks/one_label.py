"""How far a photo a class goes: logistic regression on EfficientNet-Lite0's features, beside raw pixels.

    python -m tests.benchmarks.one_label [--size 96] [--draws 5]

The tiles of `flows/recipes/textures` (brick, grass, gravel; left halves train, right halves test, 64 × 64), brought to
`--size` pixels. Features are the network's own, averaged over the picture; nothing of the network is trained. Each draw
takes other labels; all are judged on the same 96 test tiles. Standardised by three pictures' own deviations, features
are worth less than as they are, so both are shown.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tasks import package_weights
from tasks.pure.bases import lite0
from tasks.pure.bases.base import Base

TILES = Path(__file__).parents[2] / "flows" / "recipes" / "textures"
CLASSES = ("brick", "grass", "gravel")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=96, help="pixels that the network takes (default: 96)")
    parser.add_argument("--draws", type=int, default=5, help="of labels (default: 5)")
    chosen = parser.parse_args()
    (images, labels), (test_images, test_labels) = tiles("train"), tiles("test")
    print(f"{chosen.size} px, {chosen.draws} draws: mean test accuracy (lowest–highest)")
    for name, features in networks(chosen.size).items():
        train, test = features(images), features(test_images)
        for count, standardised in itertools.product((1, 10), (False, True)):
            draws = [drawn(labels, count, draw) for draw in range(chosen.draws)]
            found = [accuracy(train[rows], labels[rows], test, test_labels, standardised) for rows in draws]
            how = "standardised" if standardised else "as they are"
            print(
                f"{name:<20}{count:>3} a class, {how:<12}  {np.mean(found):.3f} ({min(found):.3f}–{max(found):.3f})",
                flush=True,
            )


def tiles(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 64, 64, 3) of bytes, and their classes as numbers."""
    paths = [(path, label) for label, name in enumerate(CLASSES) for path in sorted((TILES / part / name).iterdir())]
    images = np.stack([np.asarray(Image.open(path).convert("RGB")) for path, _label in paths])
    return images, np.array([label for _path, label in paths])


def networks(size: int) -> dict[str, Any]:
    """Name → what makes rows of numbers of pictures."""
    model = lite0.build(package_weights.find(lite0.NAME), Base("package", lite0.NAME, input_size=(size, size))).model
    return {
        "EfficientNet-Lite0": lambda images: pooled(model, images, size),
        "raw pixels": lambda images: images[..., 0].reshape(len(images), -1) / 255.0,
    }


def pooled(model: Any, images: np.ndarray, size: int) -> np.ndarray:
    import keras

    larger = keras.layers.Resizing(size, size)(images.astype("float32"))
    return model.predict(larger, batch_size=32, verbose=0).mean((1, 2))


def drawn(labels: np.ndarray, count: int, draw: int) -> np.ndarray:
    """Rows with `count` labels of each class."""
    generator = np.random.default_rng(draw)
    return np.concatenate(
        [generator.permutation(np.flatnonzero(labels == label))[:count] for label in np.unique(labels)]
    )


def accuracy(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray, standardised: bool
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(max_iter=1000)
    classifier = make_pipeline(StandardScaler(), regression) if standardised else regression
    return float(classifier.fit(train, labels).score(test, test_labels))


if __name__ == "__main__":
    main()
