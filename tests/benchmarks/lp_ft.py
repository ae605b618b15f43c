"""Head first, then fine-tuning (LP-FT) beside fine-tuning from the start, and layer decay on and off, on photographs.

    apt-get install mate-backgrounds
    python -m tests.benchmarks.lp_ft [/usr/share/backgrounds/mate/nature] [--labels 2] [--seeds 5]

The job: which of the photographs in a folder does a tile come from? Each photograph is brought to 1024 × 640 pixels and
cut into grey 64 × 64 tiles; left halves train, right halves test, as in `flows/recipes/textures`. Brick, grass and
gravel do not do here: one label a class is enough for 100 %. The base is EfficientNet-Lite0 at 96 pixels. All ways
train for equally many updates with Adam, and fine-tuning trains every layer (batch norms stay in inference mode). A
seed draws labels, head and order. No rate is picked afterwards: both are shown.

LP-FT: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution" (ICLR 2022).
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from tasks import package_weights
from tasks.device import prepare
from tasks.pure import frozen, inference, session, surgery
from tasks.pure.bases import lite0
from tasks.pure.bases.base import Base
from tasks.pure.layer_choice import Scion, Trainable
from tasks.pure.layers import blocks
from tasks.pure.training import Part, Training
from tests.benchmarks import grafts_code
from tests.benchmarks.one_label import drawn

PHOTOGRAPHS = "/usr/share/backgrounds/mate/nature"
WIDTH, HEIGHT, TILE = 1024, 640, 64
HEAD_EPOCHS, FINE_TUNE_EPOCHS, UPDATES_AN_EPOCH = 20, 10, 2
HEAD_RATE, RATES, DECAY = 3e-3, (1e-4, 3e-4), 0.8


@dataclass(frozen=True)
class Way:
    """One way to train: `head` epochs of the head alone, then `whole` epochs of everything at `rate`."""

    head: int
    whole: int
    rate: float = 0.0
    decay: float | None = None


def ways() -> dict[str, Way]:
    """Name → way; all of equally many epochs."""
    total = HEAD_EPOCHS + FINE_TUNE_EPOCHS
    found = {"the head alone": Way(total, 0)}
    for rate in RATES:
        found[f"from the start, rate {rate:g}"] = Way(0, total, rate)
        found[f"head first, rate {rate:g}"] = Way(HEAD_EPOCHS, FINE_TUNE_EPOCHS, rate)
        found[f"head first, rate {rate:g}, layer decay {DECAY}"] = Way(HEAD_EPOCHS, FINE_TUNE_EPOCHS, rate, DECAY)
    return found


def pairs() -> list[tuple[str, str]]:
    """What is compared seed by seed: the first less the second."""
    found = []
    for rate in RATES:
        first = f"head first, rate {rate:g}"
        found += [(first, f"from the start, rate {rate:g}"), (f"{first}, layer decay {DECAY}", first)]
        found += [(first, "the head alone")]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(PHOTOGRAPHS))
    parser.add_argument("--labels", type=int, default=2, help="a class (default: 2)")
    parser.add_argument("--seeds", type=int, default=5, help="how many (default: 5)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default: 0)")
    chosen = parser.parse_args()
    prepare()
    train, test = tiles(chosen.folder)
    classes = len(np.unique(test[1]))
    print(f"{classes} classes, {chosen.labels} labels a class, {len(test[1])} test tiles, {chosen.seeds} seeds")
    found = []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        print(f"seed {seed}", flush=True)
        rows = drawn(train[1], chosen.labels, seed)
        found.append(accuracies((train[0][rows], train[1][rows]), test, seed))
    print("\n".join(table({name: [each[name] for each in found] for name in ways()})))


def tiles(folder: Path) -> tuple[Part, Part]:
    """Grey tiles (n, 64, 64, 1) of bytes and their photographs' numbers: those of left halves, those of right halves.

    Raises:
        SystemExit: there are no two photographs in `folder`.
    """
    paths = sorted(folder.glob("*.jpg"))
    if len(paths) < 2:
        raise SystemExit(
            f"Expected two or more .jpg photographs in {folder}; found {len(paths)}. The README's figures are of those "
            "of Debian's package mate-backgrounds: apt-get install mate-backgrounds"
        )
    halves: tuple[list[Any], list[Any]] = ([], [])
    for path in paths:
        picture = ImageOps.fit(Image.open(path).convert("L"), (WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        grid = np.asarray(picture).reshape(HEIGHT // TILE, TILE, WIDTH // TILE, TILE).swapaxes(1, 2)
        for half, columns in zip(halves, np.split(grid, 2, axis=1), strict=True):
            half.append(columns.reshape(-1, TILE, TILE, 1))
    left, right = ((np.concatenate(half), np.repeat(np.arange(len(paths)), len(half[0]))) for half in halves)
    return left, right


def accuracies(train: Part, test: Part, seed: int) -> dict[str, float]:
    """Way → test accuracy of a network that was grafted anew and trained on `train` in that way."""
    session.fresh(seed)
    base = lite0.build(package_weights.find(lite0.NAME), Base("package", lite0.NAME, input_size=(96, 96))).model
    layers = tuple(block.name for block in blocks(base))
    grafting = session.derive(seed, "clone_with_weights")
    model = surgery.graft(base, Scion(layers, True, ()), train[0].shape[1:], len(np.unique(train[1])), grafting)
    begun = {0: model.get_weights()}  # epochs of the head → weights: ways that begin alike share that
    found = {}
    for name, way in ways().items():
        if way.head not in begun:
            model.set_weights(begun[0])
            train_layers(model, (), train, Training(way.head, batch_size(train), HEAD_RATE, None, False), seed)
            begun[way.head] = model.get_weights()
        model.set_weights(begun[way.head])
        if way.whole:
            training = Training(way.whole, batch_size(train), way.rate, None, False, layer_decay=way.decay)
            train_layers(model, layers, train, training, seed)
        found[name] = inference.accuracy(frozen.activations(model, test[0]), test[1])
        print(f"  {name:<42}{100 * found[name]:6.1f}", flush=True)
    return found


def batch_size(train: Part) -> int:
    return -(-len(train[1]) // UPDATES_AN_EPOCH)


def train_layers(model: Any, layers: Sequence[str], train: Part, training: Training, seed: int) -> None:
    """Train those layers and the head, as graft's steps do."""
    surgery.set_trainable(model, Trainable((*layers, "head"), ()))
    step = "fine_tune" if layers else "train_head"
    grafts_code.fit(model, train, training, session.derive(seed, step), lambda *_news: None)


def table(found: dict[str, list[float]]) -> list[str]:
    """Markdown: the mean test accuracy of each way, then paired differences with their 95 % interval (Student's t)."""
    lines = ["", "| way | mean test accuracy, % | lowest–highest |", "|---|---|---|"]
    for name, values in found.items():
        lines.append(f"| {name} | {100 * np.mean(values):.1f} | {100 * min(values):.1f}–{100 * max(values):.1f} |")
    lines += ["", "| difference, seed by seed | points | 95 % interval |", "|---|---|---|"]
    for first, second in pairs():
        mean, low, high = difference(found[first], found[second])
        lines.append(f"| {first} − {second} | {mean:+.1f} | {low:+.1f} to {high:+.1f} |")
    return lines


def difference(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Mean of `first` − `second`, pair by pair, and its 95 % interval, in points."""
    from scipy.stats import ttest_rel

    interval = ttest_rel(first, second).confidence_interval(0.95)
    return tuple(100 * float(value) for value in (np.mean(np.subtract(first, second)), interval.low, interval.high))


if __name__ == "__main__":
    main()
