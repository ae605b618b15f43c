"""Small files in the formats that the readers read, for their tests (and for those of sources).

MNIST and CIFAR cannot be fetched on every machine. CIFAR's pickles are made byte for byte as Python 2 wrote them.
"""

import gzip
import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tasks.pure.readers import CLASS_NAMES, IDX_FILES

Arrays = dict[str, np.ndarray]
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def idx_bytes(array: np.ndarray) -> bytes:
    """The idx format, before it is gzipped."""
    head = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(np.uint8).tobytes()


def small_fashion(folder: Path) -> dict[str, Path]:
    """Four idx files: 30 training and 20 test images."""
    generator = np.random.default_rng(0)
    for split, count in (("train", 30), ("t10k", 20)):
        images = generator.integers(0, 256, (count, 28, 28))
        for kind, array in (("images-idx3", images), ("labels-idx1", np.arange(count) % 10)):
            with gzip.open(folder / f"{split}-{kind}-ubyte.gz", "wb") as file:
                file.write(idx_bytes(array))
    return {role: folder / role for role in IDX_FILES}


def write_npz(path: Path, arrays: Arrays) -> Path:
    """As a user would write it."""
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]  # NumPy's types take the names for `allow_pickle`
    return path


def small_arrays(channels: tuple[int, ...] = ()) -> Arrays:
    generator = np.random.default_rng(0)
    return {
        "x_train": generator.integers(0, 256, (12, 5, 6, *channels)).astype(np.uint8),
        "y_train": np.arange(12) % 3,
        "x_test": generator.integers(0, 256, (6, 5, 6, *channels)).astype(np.uint8),
        "y_test": np.arange(6) % 3,
    }


def python2_pickle(data: np.ndarray, label_key: str, labels: list[int]) -> bytes:
    """A dict as Python 2 and NumPy 1 pickled it under protocol 2, which is what CIFAR's archives hold."""

    def text(value: str) -> bytes:
        return b"U" + bytes([len(value)]) + value.encode()

    def number(value: int) -> bytes:
        return b"J" + struct.pack("<i", value)

    array = b"".join([
        b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", number(0), b"\x85", text("b"), b"\x87R",
        b"(", number(1), number(data.shape[0]), number(data.shape[1]), b"\x86",
        b"cnumpy\ndtype\n", text("u1"), number(0), number(1), b"\x87R",
        b"(", number(3), text("|"), b"NNN", number(-1), number(-1), number(0), b"tb",
        b"\x89", b"T", struct.pack("<i", data.size), data.tobytes(), b"tb",
    ])  # fmt: skip
    listed = b"](" + b"".join(number(label) for label in labels) + b"e"
    items = text("data") + array + text(label_key) + listed + text("batch_label") + text("batch 1 of 5")
    return b"\x80\x02}(" + items + b"u."


def cifar_archive(path: Path, dataset: str, change: Callable[[bytes], bytes] = bytes) -> Path:
    """20 images in each batch of CIFAR-10; 100 and 20 in those of CIFAR-100. `change` may spoil a batch."""
    if dataset == "cifar10":
        names = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
        batches = {f"cifar-10-batches-py/{name}": 20 for name in names}
    else:
        batches = {"cifar-100-python/train": 100, "cifar-100-python/test": 20}
    with tarfile.open(path, "w:gz") as archive:
        for number, (name, count) in enumerate(batches.items()):
            data = np.random.default_rng(number).integers(0, 256, (count, 3072)).astype(np.uint8)
            labels = [index % len(CLASS_NAMES[dataset]) for index in range(count)]
            key = "labels" if dataset == "cifar10" else "fine_labels"
            content = change(python2_pickle(data, key, labels))
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path
