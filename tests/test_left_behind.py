"""The count at the end of the suite (`conftest.py`) sees what a test leaves behind."""

import os
import subprocess
import sys

from tests.conftest import MARK, left_behind


def test_a_process_that_was_left_is_counted_and_an_ended_one_is_not() -> None:
    mark = os.environ[MARK] + "-of-this-test"
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, MARK: mark})
    try:
        assert [each.pid for each in left_behind(mark)] == [sleeper.pid]
    finally:
        sleeper.kill()
        sleeper.wait()
    assert left_behind(mark) == []


def test_the_suite_fails_where_a_process_outlives_it(tmp_path: object) -> None:
    """A suite of one test that leaves a sleeper, run with this suite's own hook."""
    import pathlib

    folder = pathlib.Path(str(tmp_path))
    (folder / "conftest.py").write_text(
        "import tests.conftest as suite\n"
        "suite.GRACE_SECONDS = 1.0\n"
        "pytest_configure = suite.pytest_configure\n"
        "pytest_sessionfinish = suite.pytest_sessionfinish\n"
    )
    (folder / "test_one.py").write_text(
        "import subprocess, sys\n"
        "def test_leaves_a_sleeper():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    )
    root = pathlib.Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 passed" in done.stdout and "left behind: " in done.stdout
