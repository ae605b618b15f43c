"""Real `graft` processes for the tests."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_MEASURED = """
import sys
from pathlib import Path
from flows.cli import _guarded
code = _guarded(sys.argv[1:])
print("peak-kib:", Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0], file=sys.stderr)
sys.exit(code)
"""


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment, with changes; None takes a variable away."""
    merged = {**os.environ, "PYTHONPATH": str(ROOT), **changes}
    return {name: value for name, value in merged.items() if value is not None}


def graft(*arguments: str, cwd: Path = ROOT, **changes: str | None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment(**{"PYTHONPATH": str(cwd), **changes}),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def graft_and_its_peak(*arguments: str, **changes: str | None) -> tuple[str, int]:
    """Run the command to its good end: its standard output, and the peak of its own resident memory in bytes.

    The peak is the kernel's `VmHWM`, which begins anew with the program. `getrusage`'s ru_maxrss does not: a child
    begins there with the memory of the process that forked it, so that it measured pytest.
    """
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *arguments],
        env=environment(**changes), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout, int(done.stderr.split("peak-kib:")[1].split()[0]) * 1024


def start(*arguments: str, **changes: str | None) -> "subprocess.Popen[str]":
    """Begin the command and leave it running."""
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments],
        env=environment(**changes),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def as_json(finished: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one object on standard output; anything else there fails the test."""
    value: dict[str, Any] = json.loads(finished.stdout)
    return value
