"""Twenty thousand JPEG files of 640 × 480: decoded on all cores, planned unread, and one more decodes one."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from PIL import Image

from artifacts.store import Store
from flows import recipe_files
from flows.arguments import selection
from tasks import finding, progress
from tasks.device import cores
from tasks.load_data import load_data
from tests.flows.photographs import write_photos
from tests.flows.processes import ROOT, environment

COUNT = 20_000
PLAIN = 600  # of them, for the plain loop
SIDE = 96
RECIPE = f"""\
source: {{dataset: digits}}
target: {{dataset: folder, path: photos, test: 0.2, image_size: {SIDE}, colour: rgb}}
"""


def plain_rate(files: list[Path]) -> float:
    """Pictures a second of what a person would write, on one core."""
    began = time.perf_counter()
    for file in files:
        with Image.open(file) as image:
            np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
    return len(files) / (time.perf_counter() - began)


def load(recipe: Path) -> list[progress.News]:
    """Run `load_data.target`; what it told."""
    told: list[progress.News] = []
    loaded = recipe_files.load(str(recipe))
    with progress.listening(told.append):
        files = finding.files("folder", loaded.recipe.target.path, Store(), "load_data.target", download=False)
        load_data.fn("target", selection(loaded.recipe, "target"), files)
    return told


def decoded(told: list[progress.News]) -> list[progress.Counting]:
    return [news for news in told if isinstance(news, progress.Counting) and news.doing == "decoded"]


def plan(folder: Path) -> tuple[float, Any]:
    command = [sys.executable, "-m", "flows.cli", "plan", "photos.yaml", "--json"]
    env = environment(GRAFT_STORE=str(Store().root), PYTHONPATH=str(ROOT))
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return time.perf_counter() - began, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.alone
def test_twenty_thousand_photographs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_photos(tmp_path / "photos", COUNT, (480, 640))
    recipe = tmp_path / "photos.yaml"
    recipe.write_text(RECIPE)
    files = sorted((tmp_path / "photos").rglob("*.jpg"))[:PLAIN]
    plain_rate(files[:100])
    before = plain_rate(files)
    rate = decoded(load(recipe))[-1].rate()
    ratio = rate / (cores() * median([before, plain_rate(files)]))
    time.sleep(0.2)  # until the last of the files has settled
    plan(tmp_path)
    seconds = median(plan(tmp_path)[0] for _ in range(3))
    (tmp_path / "photos" / "class 3" / "one more.jpg").write_bytes(files[0].read_bytes() + b"\0")
    more = decoded(load(recipe))
    with capsys.disabled():
        print(f"\n{COUNT:,} JPEG files: {rate:,.0f} a second, {ratio:.2f} × cores × a plain loop; plan {seconds:.2f} s")
    assert [(news.done, news.total) for news in more] == [(1, 1)]
    assert ratio >= 0.8
    assert seconds < 2.0
