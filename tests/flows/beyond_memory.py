"""A data set that is larger than memory should be, and a run on it in a process of its own, whose peak is measured.

By hand, for the figures: `python -m tests.flows.beyond_memory FOLDER [IMAGES]`; it leaves 12 GB in FOLDER.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.flows.processes import ROOT, environment

SIDE = 224
NUM_IMAGES = 40_000  # 6.02 GB as bytes, a tenth of them to test
BLOCK = 500  # images written at a time
RECIPE = """\
seed: 0
source: {dataset: npz, path: stand_in.npz, task: {classes: [0, 1]}, validation: 0.05}
target: {dataset: npz, path: stand_in.npz, task: {classes: [2, 3]}, validation: 0.05, gate: 0.02}
pretrain: {widths: [8, 8], batch_norm: true, epochs: 1, batch_size: 32, learning_rate: 0.003}
train_head: {epochs: 1, batch_size: 64, learning_rate: 0.01}
unfreeze: {layers: 1}
fine_tune: {epochs: 1, batch_size: 64}
evaluate: {bootstrap: 100}
figures: {mistakes: 2}
"""
_RUN = """
import sys
from pathlib import Path
import numpy as np
from flows.cli import _guarded
from tasks.pure import readers

def mapped(dataset, files):  # as a data set of pictures gives them: arrays in files
    x_train, x_test = (np.load(Path(sys.argv[1]) / f"x_{part}.npy", mmap_mode="r") for part in ("train", "test"))
    return readers.RawData(x_train, np.arange(len(x_train)) % 4, x_test, np.arange(len(x_test)) % 4, tuple("abcd"))

readers.read = mapped
code = _guarded(sys.argv[2:])
print("peak-kib:", Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""


def write_images(path: Path, count: int, side: int = SIDE) -> None:
    """An `.npy` of `count` noisy colour images (uint8), four classes in turn: the left or the right half is brighter,
    by less in the first two classes than in the others."""
    noise = np.random.default_rng(0).integers(0, 160, (BLOCK, side, side, 3), np.uint8)
    halves = (slice(None, side // 2), slice(side // 2, None))
    for index, image in enumerate(noise):
        image[:, halves[index % 2]] += 60 if index % 4 < 2 else 90
    with path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (count, side, side, 3)}
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, BLOCK):
            noise[:, 0, 0] = start // BLOCK % 251  # no two images are the same
            noise[:, 0, 1] = start // BLOCK // 251
            noise[: count - start].tofile(file)


def write_data_set(folder: Path, count: int = NUM_IMAGES) -> None:
    """`x_train.npy`, `x_test.npy`, and the recipe `large.yaml` that trains on them."""
    write_images(folder / "x_train.npy", count * 9 // 10)
    write_images(folder / "x_test.npy", count // 10)
    np.savez(folder / "stand_in.npz", x=np.zeros(1))
    (folder / "large.yaml").write_text(RECIPE)


def run_and_its_peak(folder: Path, **changes: str | None) -> tuple[dict[str, Any], int]:
    """`graft run large.yaml` on the arrays in `folder`: what it printed as JSON, and its peak memory in bytes.

    The peak is the kernel's `VmHWM`: all pages that the process had in memory at once, those of mapped files included.
    """
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(folder), "run", str(folder / "large.yaml"), "--json"],
        env=environment(**changes), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout), int(done.stderr.split("peak-kib:")[1].split()[0]) * 1024


def measure(folder: Path, count: int) -> None:
    """Print seconds by step, and the peak."""
    began = time.perf_counter()
    write_data_set(folder, count)
    print(f"written in {time.perf_counter() - began:.1f} s", flush=True)
    result, peak = run_and_its_peak(folder, GRAFT_STORE=str(folder / "store"), GRAFT_HOME=str(folder / "home"))
    for entry in result["steps"]:
        print(f"{entry['step']:20} {entry['seconds']:8.1f} s")
    print(f"peak {peak / 1e9:.3f} GB · {time.perf_counter() - began:.0f} s in all · {result['metrics']['accuracy']}")


if __name__ == "__main__":
    measure(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else NUM_IMAGES)
