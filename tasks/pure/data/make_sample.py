"""Makes fashion_mnist_sample.npz from the full Fashion-MNIST: 600 training and 100 test images of each class.

    python -m tasks.pure.data.make_sample --from FOLDER --to FILE

The choice is seeded, the images keep the order of the full set, and the file holds no time: the same zlib makes the
same bytes, and another zlib a file with the same arrays. The sample is what `dataset: fashion_mnist_sample` reads; make
it anew only to change it, for its SHA-256 is in the key of every step that starts from it.
"""

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np

from tasks.pure.readers import FILE_ROLES, read
from tasks.pure.splits import shuffled

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
SHIPPED_FILE = Path(__file__).with_name("fashion_mnist_sample.npz")
SEED = 0
TRAIN_PER_CLASS = 600
TEST_PER_CLASS = 100
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that zip knows


def make(folder: Path, file: Path) -> None:
    """Write the sample.

    Args:
        folder: holds the four `.gz` files of the full set.
        file: where the npz goes, with the arrays x_train (6000, 28, 28) uint8, y_train (6000,) uint8, x_test
            (1000, 28, 28), y_test (1000,) and class_names (10,).

    Raises:
        BadData: the full set is missing or damaged.
    """
    raw = read("fashion_mnist", {role: folder / role for role in FILE_ROLES["fashion_mnist"]})
    train = _chosen(raw.y_train, TRAIN_PER_CLASS, SEED)
    test = _chosen(raw.y_test, TEST_PER_CLASS, SEED + 1)
    arrays = {
        "x_train": raw.x_train[train, :, :, 0],
        "y_train": raw.y_train[train].astype(np.uint8),
        "x_test": raw.x_test[test, :, :, 0],
        "y_test": raw.y_test[test].astype(np.uint8),
        "class_names": np.array(raw.class_names),
    }
    _write(file, arrays)


def _chosen(labels: np.ndarray, per_class: int, seed: int) -> np.ndarray:
    classes = range(int(labels.max()) + 1)
    return np.sort(np.concatenate([shuffled(np.flatnonzero(labels == c), seed, c)[:per_class] for c in classes]))


def _write(file: Path, arrays: dict[str, np.ndarray]) -> None:
    """As numpy.savez_compressed, but with nothing in the file that follows from the day or the system."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            entry.create_system = 3  # Unix, wherever this runs
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(entry, content.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main() -> None:
    """Parse the command line and write the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        default=DEBIAN_FOLDER,
        metavar="FOLDER",
        help="folder with the four .gz files of the full set (default: that of Debian's package dataset-fashion-mnist)",
    )
    parser.add_argument(
        "--to",
        dest="file",
        type=Path,
        default=SHIPPED_FILE,
        metavar="FILE",
        help="the npz to write (default: the one beside this script)",
    )
    arguments = parser.parse_args()
    make(arguments.folder, arguments.file)
    print(f"{arguments.file}: {arguments.file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
