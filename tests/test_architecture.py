"""The rules of the house: rooms, direction of imports, what is never done."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.processes import ROOT, environment

ROOMS = ("flows", "tasks", "artifacts")
HEAVY = ("tensorflow", "keras", "matplotlib", "sklearn", "pandas", "scipy")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "store" not in path.parts[:-1])
# Everything that a command may touch before it knows whether a tensor is needed.
AT_THE_DOOR = [path for path in FILES if "pure" not in path.parts]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def loaded_by(modules: list[str], watched: tuple[str, ...]) -> str:
    """Which of the `watched` packages a fresh process has loaded after importing `modules`."""
    code = f"import sys\n{chr(10).join(f'import {each}' for each in modules)}\n"
    code += f"print(*sorted(set({watched!r}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_imports_run_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", names([path for path in FILES if path.name == "__init__.py"]))
def test_a_rooms_init_is_empty(name: str) -> None:
    assert (ROOT / name).read_text() == ""


def test_importing_graft_imports_nothing_heavy() -> None:
    assert loaded_by([module(path) for path in AT_THE_DOOR], HEAVY) == ""


@pytest.mark.parametrize("name", ["flows.cli", "flows.plan", "flows.commands", "artifacts.verify"])
def test_the_command_and_the_plan_do_without_prefect(name: str) -> None:
    assert loaded_by([name], ("prefect", *HEAVY)) == ""


@pytest.mark.parametrize("name", names(FILES))
def test_nothing_is_imported_by_a_computed_name_and_nothing_asserted_or_unpickled(name: str) -> None:
    found = set()
    for node in nodes(ROOT / name):
        if isinstance(node, ast.Assert):
            found.add("assert")
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            found.add("bare except")
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            found.add("star import")
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.endswith(("import_module", "__import__", "eval", "exec", "pickle.load", "pickle.loads")):
                found.add(called)
            if any(word.arg == "allow_pickle" and ast.unparse(word.value) != "False" for word in node.keywords):
                found.add("allow_pickle")
    assert found == set()


@pytest.mark.parametrize("name", names(FILES))
def test_a_file_does_one_thing(name: str) -> None:
    assert len((ROOT / name).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("name", names([path for path in FILES if "pure" in path.parts]))
def test_pure_code_asks_neither_the_clock_nor_the_environment(name: str) -> None:
    if Path(name).name == "make_sample.py":
        return  # the script that makes the sample is run by hand
    imported = {
        alias.name.split(".")[0] for node in nodes(ROOT / name) if isinstance(node, ast.Import) for alias in node.names
    }
    taken = {
        f"{node.module}.{alias.name}"
        for node in nodes(ROOT / name)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    } - {"random.Random"}  # a generator with a seed of its own; the module's functions share one with all threads
    imported |= {name.split(".")[0] for name in taken}
    assert not imported & {"time", "datetime", "os", "socket", "subprocess", "random"}


def test_every_room_with_code_is_packaged() -> None:
    """A wheel holds what pyproject.toml names, and nothing else."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    assert sorted(told) == sorted({".".join(path.relative_to(ROOT).parent.parts) for path in FILES})
