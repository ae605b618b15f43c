"""The training of a head on a frozen base in a process of its own: `python -m tests.benchmarks.head cnn --features`.

`cnn` is graft's own on Fashion-MNIST, `lite0` EfficientNet-Lite0 at 96 pixels on tiles of brick, grass and gravel.
Prints JSON: seconds of the training, compilation and (with `--features`) the computing of the features included.
"""

import argparse
import json
import time
from typing import Any

import numpy as np

from tasks import package_weights
from tasks.device import prepare
from tasks.pure import session, surgery
from tasks.pure.bases import lite0
from tasks.pure.bases.base import Base
from tasks.pure.layer_choice import Scion
from tasks.pure.layers import blocks
from tasks.pure.training import Training
from tests.benchmarks import grafts_code, one_label
from tests.benchmarks.epochs import BATCH_SIZES, build, read

SIZE = 96  # pixels that Lite0 takes; the tiles are brought to that inside the network


def main() -> None:
    """Graft the base onto its classes, freeze it, train the head."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", choices=("cnn", "lite0"))
    parser.add_argument("--features", action="store_true")
    parser.add_argument("--dataset", default="fashion_mnist", help="of the CNN")
    parser.add_argument("--images", type=int)
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args()
    prepare()
    train = tiles(chosen.images) if chosen.base == "lite0" else read(chosen.dataset, chosen.images)
    shape = train[0].shape[1:]
    base = efficient() if chosen.base == "lite0" else build("cnn", shape)
    reused = tuple(block.name for block in blocks(base))
    model = surgery.graft(base, Scion(reused, True, ()), shape, len(np.unique(train[1])), 0)
    surgery.set_trainable(model, surgery.Trainable(("head",), ()))
    training = Training(chosen.epochs, 32 if chosen.base == "lite0" else BATCH_SIZES["cnn"], 1e-3, None, False)
    began = time.perf_counter()
    grafts_code.train_head(model, train, training, chosen.features)
    print(json.dumps({"seconds": time.perf_counter() - began}))


def tiles(count: int | None) -> tuple[np.ndarray, np.ndarray]:
    """`count` of the 96 left-hand tiles (all by default), repeated where there are fewer, every class among them."""
    images, labels = one_label.tiles("train")
    order = np.resize(np.random.default_rng(0).permutation(len(labels)), count or len(labels))
    return images[order], labels[order]


def efficient() -> Any:
    """EfficientNet-Lite0 with the weights of its package."""
    session.fresh(0)
    asked = Base("package", lite0.NAME, input_size=(SIZE, SIZE))
    return lite0.build(package_weights.find(lite0.NAME), asked).model


if __name__ == "__main__":
    main()
