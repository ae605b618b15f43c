"""What code makes a step's bits: a comment retrains nothing, a changed line those steps that reach it."""

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks.fingerprint import ROOT, fingerprint
from tests.flows.processes import environment

STEPS = (
    "load_data.source", "load_data.target", "inspect_data", "pretrain", "save_model", "clone_with_weights", "freeze",
    "train_head", "unfreeze", "fine_tune", "evaluate", "figures",
)  # fmt: skip
# Who reaches which file; all others do not.
REACHED_BY = {
    "tasks/pure/surgery.py": {"clone_with_weights", "freeze", "train_head", "unfreeze", "fine_tune"},
    "tasks/pure/fitting.py": {"pretrain", "train_head", "fine_tune"},
    "tasks/pure/epochs.py": {"pretrain", "train_head", "fine_tune"},
    "tasks/pure/frozen.py": {"pretrain", "train_head", "fine_tune"},
    "tasks/pure/rate_finding.py": {"pretrain", "train_head", "fine_tune"},
    "tasks/pure/rate_plot.py": set(),
    "tasks/pure/tuning.py": {"fine_tune"},
    "tasks/pure/blending.py": {"fine_tune"},
    "tasks/pure/batch_statistics.py": {"clone_with_weights", "fine_tune"},
    "tasks/pure/recalibrating.py": {"fine_tune"},
    "tasks/pure/augmenting.py": {"pretrain", "train_head", "fine_tune"},
    "tasks/pure/copies.py": {"train_head"},
    "tasks/pure/shown_sheet.py": {"figures"},
    "tasks/pure/readers.py": {"load_data.source", "load_data.target"},
    "tasks/pure/data/looks.py": {"inspect_data"},
    "tasks/pure/data/duplicates.py": {"load_data.source", "load_data.target", "inspect_data"},
    "tasks/pure/metrics.py": {"evaluate"},
    "tasks/pure/plots.py": {"figures"},
    "tasks/pure/page.py": set(),
    "artifacts/codecs.py": set(STEPS),
    "artifacts/digest.py": set(STEPS),
    "artifacts/store.py": set(),
    "tasks/caching.py": set(),
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the source that may be edited."""
    for room in ("tasks", "artifacts"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("store", "*.npz", "__pycache__"))
    return tmp_path


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    if before not in text:
        raise LookupError(f"{path} has no {before!r}: the test is out of date.")
    status = path.stat()
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))


def changed_steps(root: Path) -> set[str]:
    """The steps whose fingerprint in `root` is not that of the source as it is."""
    return {step for step in STEPS if fingerprint(step, root) != fingerprint(step)}


@pytest.mark.parametrize("path", REACHED_BY)
def test_a_step_reaches_what_its_source_names_and_nothing_else(path: str) -> None:
    assert {step for step in STEPS if path in fingerprint(step).files} == REACHED_BY[path]


def test_load_data_and_pretrain_reach_no_surgery_and_pretrain_no_reader() -> None:
    assert "tasks/pure/surgery.py" not in {*fingerprint("load_data.source").files, *fingerprint("pretrain").files}
    assert "tasks/pure/readers.py" not in fingerprint("pretrain").files


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def graft(", "# a comment\ndef graft("),
        ('"""Cutting a network', '"""Cutting (reworded) a network'),
        ("def graft(", "\n\n\ndef graft("),
        ("LUMA = (0.299, 0.587, 0.114)", "LUMA = (\n    0.299,\n    0.587,\n    0.114,\n)"),
    ],
    ids=["comment", "docstring", "blank lines", "layout"],
)
def test_what_says_the_same_retrains_nothing(source: Path, before: str, after: str) -> None:
    edit(source / "tasks/pure/surgery.py", before, after)
    assert changed_steps(source) == set()


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("tasks/pure/surgery.py", "0.299", "0.300"),
        ("tasks/pure/fitting.py", "import numpy as np", "import numpy as np\n\nUNUSED = 1"),
        ("tasks/pure/readers.py", "import numpy as np", "import numpy as np\n\nUNUSED = 1"),
    ],
)
def test_a_changed_line_changes_the_steps_that_reach_its_file_and_no_other(
    source: Path, path: str, before: str, after: str
) -> None:
    edit(source / path, before, after)
    assert changed_steps(source) == REACHED_BY[path]
    step = sorted(REACHED_BY[path])[0]
    now, then = fingerprint(step, source).files, fingerprint(step).files
    assert [name for name in now if now[name] != then[name]] == [path]


def test_an_import_inside_a_function_counts(source: Path) -> None:
    (source / "tasks/pure/lazy.py").write_text("import scipy\n")
    edit(source / "tasks/freeze.py", "    step = ", "    from tasks.pure import lazy\n\n    step = ")
    assert "tasks/pure/lazy.py" in fingerprint("freeze", source).files
    assert "scipy" in fingerprint("freeze", source).versions
    assert changed_steps(source) == {"freeze"}


def test_a_relative_import_counts(source: Path) -> None:
    (source / "tasks/pure/near.py").write_text("X = 1\n")
    edit(source / "tasks/pure/stages.py", '"""\n', '"""\n\nfrom . import near\n')
    assert "tasks/pure/near.py" in fingerprint("train_head", source).files


def test_versions_are_those_of_the_libraries_that_the_step_reaches() -> None:
    trained = fingerprint("pretrain").versions
    assert trained["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert trained["keras"] == version("keras")
    assert "matplotlib" not in trained
    assert fingerprint("figures").versions["matplotlib"] == version("matplotlib")
    assert fingerprint("evaluate").versions["sklearn"] == version("scikit-learn")


def test_tensorflow_is_found_also_where_tensorflow_cpu_provides_it(tmp_path: Path) -> None:
    """Nothing but metadata: a distribution of the other name that provides the module, found before the real one."""
    info = tmp_path / "tensorflow_cpu-9.9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tensorflow-cpu\nVersion: 9.9.9\n")
    (info / "top_level.txt").write_text("tensorflow\n")
    (info / "RECORD").write_text("tensorflow/__init__.py,,\n")
    hide = (
        "import importlib.metadata as m; real = m.packages_distributions\n"
        "m.packages_distributions = lambda: {k: [d for d in v if d != 'tensorflow'] for k, v in real().items()}\n"
        "from tasks.fingerprint import fingerprint; print(fingerprint('pretrain').versions['tensorflow'])"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    said = subprocess.run(
        [sys.executable, "-c", hide], env=environment(PYTHONPATH=path), capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == "9.9.9"
