"""Gigabytes of pictures, and a run on them in a process of its own, whose peak is measured.

By hand, for the figures: `python -m tests.flows.beyond_memory FOLDER [IMAGES]`; it leaves 13 GB in FOLDER.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.flows.photographs import CLASSES, write_photos
from tests.flows.processes import ROOT, environment

SIDE = 224
NUM_IMAGES = 40_000  # 6.02 GB once decoded; a tenth of them to test
SOURCE, TARGET = list(CLASSES[:5]), list(CLASSES[5:])
RECIPE = f"""\
seed: 0
source: {{dataset: folder, path: photos, test: 0.1, validation: 0.05, task: {{classes: {SOURCE}}}}}
target: {{dataset: folder, path: photos, test: 0.1, validation: 0.05, gate: 0.02, task: {{classes: {TARGET}}}}}
pretrain: {{widths: [8, 8], batch_norm: true, epochs: 1, batch_size: 32, learning_rate: 0.003}}
train_head: {{epochs: 1, batch_size: 64, learning_rate: 0.01}}
unfreeze: {{layers: 1}}
fine_tune: {{epochs: 1, batch_size: 64}}
evaluate: {{bootstrap: 100}}
figures: {{mistakes: 2}}
"""
_RUN = """
import sys
from pathlib import Path
from flows.cli import _guarded

code = _guarded(sys.argv[1:])
print("peak-kib:", Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""


def write_recipe(folder: Path) -> None:
    """`large.yaml`, which trains on the pictures in `photos` beside it."""
    (folder / "large.yaml").write_text(RECIPE)


def run_and_its_peak(folder: Path, **changes: str | None) -> tuple[dict[str, Any], int]:
    """`graft run large.yaml` in `folder`: what it printed as JSON, and its peak memory in bytes.

    The peak is the kernel's `VmHWM`: all pages that the process had in memory at once, those of mapped files included.
    """
    done = subprocess.run(
        [sys.executable, "-c", _RUN, "run", str(folder / "large.yaml"), "--json"],
        env=environment(**changes), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout), int(done.stderr.split("peak-kib:")[1].split()[0]) * 1024


def seconds(result: dict[str, Any]) -> str:
    """What each step took."""
    return ", ".join(f"{entry['step']} {entry['seconds']:.0f} s" for entry in result["steps"])


def measure(folder: Path, count: int) -> None:
    """Print seconds by step, and the peak."""
    began = time.perf_counter()
    write_recipe(folder)
    write_photos(folder / "photos", count, (SIDE, SIDE))
    print(f"written in {time.perf_counter() - began:.1f} s", flush=True)
    result, peak = run_and_its_peak(folder, GRAFT_STORE=str(folder / "store"), GRAFT_HOME=str(folder / "home"))
    print(f"{seconds(result)}\npeak {peak / 1e9:.3f} GB · accuracy {result['metrics']['accuracy']}")


if __name__ == "__main__":
    measure(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else NUM_IMAGES)
