"""The training of a head on a frozen CNN in a process of its own: `python -m tests.benchmarks.head --features`.

Prints JSON: seconds of the training, compilation and (with `--features`) the computing of the features included.
"""

import argparse
import json
import time

from tasks.device import prepare
from tasks.pure import surgery
from tasks.pure.layer_choice import Scion
from tasks.pure.layers import blocks
from tasks.pure.training import Training
from tests.benchmarks import grafts_code
from tests.benchmarks.epochs import BATCH_SIZES, NUM_CLASSES, build, read


def main() -> None:
    """Graft the CNN onto ten classes, freeze it, train the head."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", action="store_true")
    parser.add_argument("--dataset", default="fashion_mnist")
    parser.add_argument("--images", type=int)
    parser.add_argument("--epochs", type=int, default=10)
    chosen = parser.parse_args()
    prepare()
    train = read(chosen.dataset, chosen.images)
    shape = train[0].shape[1:]
    base = build("cnn", shape)
    reused = tuple(block.name for block in blocks(base))
    model = surgery.graft(base, Scion(reused, True, ()), shape, NUM_CLASSES, 0)
    surgery.set_trainable(model, surgery.Trainable(("head",), ()))
    training = Training(chosen.epochs, BATCH_SIZES["cnn"], 1e-3, None, False)
    began = time.perf_counter()
    grafts_code.train_head(model, train, training, chosen.features)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
