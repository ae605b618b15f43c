"""Where and when something was measured, without naming the machine or a folder of it."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.flows.processes import ROOT

PACKAGES = ("tensorflow", "keras", "prefect", "numpy")


def circumstances(command: str, repeats: int, quick: bool) -> dict[str, Any]:
    """All that is said beside a figure: date, command, repeats, load before it began, commit, machine."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "repeats": repeats,
        "quick": quick,
        "load": round(os.getloadavg()[0], 1),
        "commit": _commit(),
        "machine": facts(),
    }


def facts() -> dict[str, Any]:
    """Cores, CPU model, memory, system and versions."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "versions": {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def in_words(machine: dict[str, Any]) -> str:
    """One line of `facts`."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    cores = f"{machine['cores']} cores of {machine['cpu']}"
    return f"{cores}, {machine['memory_gb']} GB of memory, {machine['system']}; {versions}"


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or "an unknown CPU"
    models = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return models[0] if models else platform.processor() or "an unknown CPU"


def _commit() -> str:
    """The short commit, `+` where the working tree differs from it; "" without git."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "flows", "tasks", "artifacts")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
