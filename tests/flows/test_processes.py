"""Runs in processes of their own: fresh, killed, two at once; with Prefect's embedded server and with a running one."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from artifacts.runs import Runs
from artifacts.store import Store
from artifacts.verify import verify
from tests.flows.conftest import Run
from tests.flows.processes import ROOT, as_json, environment, graft, start
from tests.flows.tiny import ORDER, digests, ran

HEAVY = ("tensorflow", "matplotlib", "sklearn")
PROBE = f"""
import sys
from flows.cli import _guarded
code = _guarded(sys.argv[1:])
print("heavy:", sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
sys.exit(code)
"""


def clean_digests(finished_store: Path) -> dict[str, dict[str, str]]:
    record = Runs(Store(finished_store / "store")).all()[0]
    return {entry["step"]: entry["outputs"] for entry in record.steps}


def test_a_cached_run_in_a_new_process_imports_nothing_heavy(
    served: dict[str, str], finished: str, finished_store: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "run", finished, "--json"],
        env=environment(**served, PREFECT_TASKS_DISABLE_CACHING="true", PREFECT_TASKS_REFRESH_CACHE="true"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    result = as_json(done)
    assert ran(result) == []
    assert digests(result) == clean_digests(finished_store)
    assert "heavy: []" in done.stderr


def kill_after(step: str, process: "subprocess.Popen[str]", store: Store) -> None:
    """`kill -9` as soon as the run's record says that `step` has ended."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if any(entry["step"] == step for record in Runs(store).all() for entry in record.steps):
            process.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    process.wait()
    assert process.returncode == -signal.SIGKILL


KILLED_AFTER = ("load_data.source", "inspect_data", "pretrain", "clone_with_weights", "fine_tune", "evaluate")


@pytest.mark.parametrize("step", ["train_head", *(pytest.param(step, marks=pytest.mark.slow) for step in KILLED_AFTER)])
def test_killed_after_a_step_the_next_run_goes_on_with_the_same_bits(
    served: dict[str, str], finished_store: Path, store: Store, step: str
) -> None:
    recipe = str(finished_store / "tiny.yaml")
    kill_after(step, start("run", recipe, **served), store)
    result = as_json(graft("run", recipe, "--json", **served))
    done = ORDER[: ORDER.index(step) + 1]
    assert [entry["step"] for entry in result["steps"] if entry["status"] == "hit"][: len(done)] == list(done)
    assert digests(result) == clean_digests(finished_store)
    assert verify(store).problems == []


def test_two_first_runs_at_once_on_a_fresh_machine_both_end_right(
    finished_store: Path, store: Store, tmp_path: Path
) -> None:
    """One store, a fresh GRAFT_HOME, no server configured: both start an embedded one. Nothing stays behind."""
    recipe = str(finished_store / "tiny.yaml")
    settings = {"GRAFT_HOME": str(tmp_path / "home"), "PREFECT_API_URL": None, "PREFECT_PROFILES_PATH": None}
    both = [start("run", recipe, "--json", **settings) for _ in range(2)]
    outputs = [process.communicate(timeout=300) for process in both]
    for process, (stdout, stderr) in zip(both, outputs, strict=True):
        assert process.returncode == 0, stderr
        assert "Traceback" not in stderr
        assert digests(as_json(subprocess.CompletedProcess([], 0, stdout, stderr))) == clean_digests(finished_store)
    assert verify(store).problems == []
    assert list(store.scratch.glob("*")) == []


def servers_of(home: Path) -> list[psutil.Process]:
    """Embedded servers that keep their records under `home`."""
    found = []
    for process in psutil.process_iter():
        try:
            if "flows.server_process" in process.cmdline() and process.environ().get("GRAFT_HOME") == str(home):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def test_a_killed_run_leaves_no_embedded_server_behind(finished: str, store: Store, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = start("run", finished, "--force", "pretrain", GRAFT_HOME=str(home), PREFECT_API_URL=None)
    kill_after("load_data.target", process, store)
    deadline = time.monotonic() + 30
    while servers_of(home) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert servers_of(home) == []


def test_an_artifact_deleted_comes_back_the_same_in_a_fresh_process(
    served: dict[str, str], finished: str, finished_store: Path, store: Store
) -> None:
    clean = clean_digests(finished_store)
    artifact = store.artifacts / "model" / clean["clone_with_weights"]["model"].removeprefix("sha256:")
    shutil.rmtree(artifact)
    result = as_json(graft("run", finished, "--json", **served))
    assert ran(result) == ["clone_with_weights"]
    assert digests(result) == clean
    assert artifact.is_dir()


@pytest.mark.slow
def test_each_artifact_deleted_in_turn_comes_back_the_same(
    run: Run, finished: str, finished_store: Path, store: Store
) -> None:
    for artifact in sorted(store.artifacts.glob("*/*")):
        if artifact.parent.name == "features":  # no step's output: made again only where a training needs it
            continue
        shutil.rmtree(artifact)
        assert digests(run(finished)) == clean_digests(finished_store)
        assert artifact.is_dir()


@pytest.mark.slow
def test_tensorflow_cpu_in_tensorflows_place_hits_the_cache_too(
    served: dict[str, str], finished: str, tmp_path: Path
) -> None:
    """The nearest thing to another installation: these packages, TensorFlow's metadata under the other name."""
    import tensorflow

    installed = Path(tensorflow.__file__).parents[1]
    shadow = tmp_path / "site"
    shadow.mkdir()
    for entry in installed.iterdir():
        if entry.name.startswith("tensorflow-") and entry.suffix == ".dist-info":
            _rename_distribution(entry, shadow)
        elif entry.suffix != ".pth":
            (shadow / entry.name).symlink_to(entry)
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROBE, "run", finished, "--json"],
        env=environment(PYTHONPATH=os.pathsep.join([str(ROOT), str(shadow)]), **served),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran(as_json(done)) == []
    assert "heavy: []" in done.stderr


def _rename_distribution(entry: Path, shadow: Path) -> None:
    renamed = shadow / entry.name.replace("tensorflow-", "tensorflow_cpu-")
    shutil.copytree(entry, renamed)
    metadata = (renamed / "METADATA").read_text()
    (renamed / "METADATA").write_text(metadata.replace("Name: tensorflow\n", "Name: tensorflow-cpu\n", 1))
