"""What code makes a step's bits: the hash of each source file it reaches, and the versions of the libraries.

The closure of a step is its own module, all that it reaches in `tasks/pure` at any depth in the source (lazy imports
count, unused lines count), and the codecs and `digest.py` of `artifacts`. Store, manifests, caching and errors
move bytes and do not make them: they are left out. A file is hashed as its syntax tree without docstrings, so a
comment retrains nothing and a changed helper does. Nothing is imported to find this out.
"""

import ast
import functools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version
from pathlib import Path

from artifacts.digest import digest_bytes, digest_json

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("flows", "tasks", "artifacts")
MAKES_BITS = (
    "artifacts/codecs.py",
    "artifacts/array_codecs.py",
    "artifacts/picture_codecs.py",
    "artifacts/inspection_codecs.py",
    "artifacts/rate_codecs.py",
    "artifacts/digest.py",
)
# Beside the pure code: what finds and decodes pictures, and so decides which rows there are.
FOLLOWED = ("tasks/pure/", "tasks/pictures/", "tasks/decode.py")


@dataclass(frozen=True)
class Source:
    """One source file: hash of its meaning, the project's modules and the outside packages that it imports."""

    sha256: str
    modules: tuple[str, ...]
    packages: tuple[str, ...]


@dataclass(frozen=True)
class Fingerprint:
    """The code of a step: `files` maps a path in the project to a hash, `versions` a package to its version."""

    files: Mapping[str, str]
    versions: Mapping[str, str]

    @property
    def digest(self) -> str:
        return digest_json(dict(self.files))


def fingerprint(step: str, root: Path = ROOT) -> Fingerprint:
    """The fingerprint of a step such as `pretrain` or `load_data.source`, read from the source as it is now."""
    found: dict[str, Source] = {}
    waiting = [f"tasks/{step.split('.')[0]}.py", *MAKES_BITS]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = _source(root, path)
        # These count themselves, but what they reach only moves bytes.
        if path not in MAKES_BITS:
            waiting.extend(_pure_files(root, found[path]))
    packages = sorted({package for source in found.values() for package in source.packages})
    return Fingerprint({path: found[path].sha256 for path in sorted(found)}, _versions(tuple(packages)))


def _pure_files(root: Path, source: Source) -> list[str]:
    """Paths of the modules of `tasks/pure` among the imports. `from tasks.pure import x` may name a module or not."""
    paths = (module.replace(".", "/") + ".py" for module in source.modules)
    return [path for path in paths if path.startswith(FOLLOWED) and (root / path).is_file()]


def _source(root: Path, path: str) -> Source:
    status = (root / path).stat()
    return _parse(root, path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=256)
def _parse(root: Path, path: str, _mtime_ns: int, _size: int) -> Source:
    tree = ast.parse((root / path).read_bytes())
    _drop_docstrings(tree)
    imported = set(_imports(tree, path))
    modules = tuple(sorted(name for name in imported if name.split(".")[0] in ROOMS))
    tops = {name.split(".")[0] for name in imported} - set(ROOMS)
    packages = tuple(sorted(tops - set(sys.stdlib_module_names)))
    return Source(digest_bytes(ast.dump(tree).encode()), modules, packages)


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node, clean=False
        ):
            node.body = node.body[1:]


def _imports(tree: ast.AST, path: str) -> Iterator[str]:
    """Every module that the source names in an import, and for `from a import b` also `a.b`."""
    package = path.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@functools.lru_cache(maxsize=64)
def _versions(packages: tuple[str, ...]) -> Mapping[str, str]:
    """Versions by import name, so that `tensorflow-cpu` counts where it takes TensorFlow's place."""
    distributions = _distributions()
    known = {name: version(distributions[name][0]) for name in packages if name in distributions}
    return {"python": f"{sys.version_info.major}.{sys.version_info.minor}", **known}


@functools.lru_cache(maxsize=1)
def _distributions() -> Mapping[str, list[str]]:
    # Sorted, since a name that several distributions provide (a namespace) must not depend on directory order.
    return {name: sorted(set(found)) for name, found in packages_distributions().items()}
