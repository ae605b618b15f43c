"""The suite's own hooks (`conftest.py`): what a test leaves behind is counted, and Ctrl-C is heard."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import MARK, left_behind
from tests.flows.processes import ROOT


def test_a_process_that_was_left_is_counted_and_an_ended_one_is_not() -> None:
    mark = os.environ[MARK] + "-of-this-test"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, MARK: mark})
    try:
        assert [each.pid for each in left_behind(mark)] == [sleeper.pid]
    finally:
        sleeper.kill()
        sleeper.wait()
    assert left_behind(mark) == []


def suite_of(folder: Path, test: str, *before: str) -> "subprocess.CompletedProcess[str]":
    """Run a suite of this one test with this suite's own hooks; `before` is what its shell does first."""
    (folder / "conftest.py").write_text(
        "import tests.conftest as suite\n"
        "suite.GRACE_SECONDS = 1.0\n"
        "pytest_configure = suite.pytest_configure\n"
        "pytest_sessionfinish = suite.pytest_sessionfinish\n"
    )
    (folder / "test_one.py").write_text(test)
    command = f"{sys.executable} -m pytest -q -p no:cacheprovider --rootdir {folder} {folder}"
    return subprocess.run(
        ["sh", "-c", "; ".join([*before, f"exec {command}"])],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_where_a_shell_ignores_ctrl_c_the_suite_and_what_it_starts_do_not(tmp_path: Path) -> None:
    test = (
        "import signal, subprocess, sys\n"
        "def test_it_is_heard():\n"
        "    code = 'import os, signal; os.kill(os.getpid(), signal.SIGINT)'\n"
        "    done = subprocess.run([sys.executable, '-c', code], stderr=subprocess.DEVNULL)\n"
        "    assert done.returncode == -signal.SIGINT\n"
    )
    done = suite_of(tmp_path, test, "trap '' INT")
    assert done.returncode == 0, done.stdout


def test_the_suite_fails_where_a_process_outlives_it(tmp_path: Path) -> None:
    done = suite_of(
        tmp_path,
        "import subprocess, sys\n"
        "def test_leaves_a_sleeper():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n",
    )
    assert done.returncode == 1
    assert "1 passed" in done.stdout and "left behind: " in done.stdout
