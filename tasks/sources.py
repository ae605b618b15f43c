"""Where the files of a data set are: the recipe's folder, GRAFT_DATA, Keras' cache, a Debian package, or the network.

`find` only looks, and imports neither Keras nor TensorFlow; `fetch` downloads what `find` does not find. Both return
role -> absolute path, for `tasks.pure.readers.read`. What is in the files is not looked at here.
"""

import contextlib
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from artifacts.codecs import use_tensorflow
from artifacts.errors import DataError
from tasks.pure.readers import FILE_ROLES, LISTED

PACKAGED = Path(__file__).parent / "pure" / "data"
DEBIAN = Path("/usr/share/datasets")


@dataclass(frozen=True)
class Remote:
    """A file on the network: where it is, and what it must be.

    Attributes:
        origin: URL.
        sha256: hex digits.
        name: file name in Keras' cache, as Keras itself uses it, so that either finds what the other fetched.
    """

    origin: str
    sha256: str
    name: str


@dataclass(frozen=True)
class Source:
    """Where a data set may be.

    Attributes:
        title: its name for people.
        folder: subfolder that is looked for in GRAFT_DATA.
        cache: folder in Keras' cache.
        remotes: role -> remote file, from `keras/src/datasets`.
        other_names: names under which the (single) file is also known.
        debian: folder of Debian's package `dataset-<folder>`, where there is one.
    """

    title: str
    folder: str
    cache: str
    remotes: dict[str, Remote]
    other_names: tuple[str, ...] = ()
    debian: Path | None = None


STORAGE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
TORONTO = "https://www.cs.toronto.edu/~kriz/"
# Keras pins no hashes for Fashion-MNIST. These are the upstream files' (github.com/zalandoresearch/fashion-mnist);
# Debian's are the same streams compressed without the file's name, so their hashes differ.
FASHION_SHA256 = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
SOURCES = {
    "fashion_mnist": Source(
        "Fashion-MNIST", "fashion-mnist", "datasets/fashion-mnist",
        {name: Remote(STORAGE + name, sha256, name) for name, sha256 in FASHION_SHA256.items()},
        debian=DEBIAN / "fashion-mnist",
    ),
    "mnist": Source(
        "MNIST", "mnist", "datasets",
        {"mnist.npz": Remote(STORAGE + "mnist.npz",
                             "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1", "mnist.npz")},
    ),
    "cifar10": Source(
        "CIFAR-10", "cifar10", "datasets",
        {"cifar-10-batches-py.tar.gz": Remote(TORONTO + "cifar-10-python.tar.gz",
                                              "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
                                              "cifar-10-batches-py-target_archive")},
        ("cifar-10-python.tar.gz",),
    ),
    "cifar100": Source(
        "CIFAR-100", "cifar100", "datasets",
        {"cifar-100-python.tar.gz": Remote(TORONTO + "cifar-100-python.tar.gz",
                                           "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
                                           "cifar-100-python-target_archive")},
    ),
}  # fmt: skip


def find(dataset: str, path: str | None) -> dict[str, Path] | None:
    """Look for the files of a data set, without fetching anything.

    Args:
        dataset: a key of `FILE_ROLES`.
        path: from the recipe: the folder of the files, or the npz file itself; None where the recipe gives none.

    Returns:
        role -> absolute path ({} for a data set without files), or None where something is missing.

    Raises:
        DataError: the recipe's own `path` lacks the files (other data is never taken instead), or the data set is
            unknown, or takes no path.
    """
    if dataset not in FILE_ROLES:
        raise DataError(f"No data set named `{dataset}`. Those there are: {', '.join(FILE_ROLES)}.")
    if dataset in LISTED or dataset == "npz":
        return {FILE_ROLES[dataset][0]: own(dataset, path)}
    if dataset not in SOURCES:
        if path is not None:
            raise DataError(f"`{dataset}` comes with graft and is read from no file; `path` is {path}. Remove `path`.")
        return {role: PACKAGED / role for role in FILE_ROLES[dataset]}
    if path is not None:
        return _own_folder(SOURCES[dataset], path)
    found = (_in_folder(SOURCES[dataset], folder) for folder in _folders(SOURCES[dataset]))
    return next((files for files in found if files), None)


def fetch(dataset: str, path: str | None) -> dict[str, Path]:
    """Find the files of a data set, or download them into Keras' cache.

    Args:
        dataset, path: as for `find`.

    Returns:
        role -> absolute path.

    Raises:
        DataError: as `find`; or neither found nor fetched, with the places and the command for each.
    """
    found = find(dataset, path)
    if found is not None:
        return found
    source = SOURCES[dataset]
    folder = keras_cache() / source.cache
    try:
        for role, remote in source.remotes.items():
            if not _candidate(source, folder, role):
                download(remote.name, remote.origin, remote.sha256, folder)
    except Exception as error:  # Keras raises bare `Exception` for a failed URL, besides OSError and ValueError
        raise DataError(_nowhere(source, error)) from None
    return _in_folder(source, folder) or {}


def keras_cache() -> Path:
    """Keras' folder: KERAS_HOME, or `.keras` in the home directory."""
    return _absolute(os.environ.get("KERAS_HOME") or "~/.keras")


def _absolute(path: str) -> Path:
    return Path(os.path.abspath(os.path.expanduser(path)))


OWN = {"npz": "npz file", "folder": "folder of pictures", "list": "table (.csv, .tsv or .parquet)"}
EXAMPLES = {"npz": "mine.npz", "folder": "photos", "list": "labels.csv"}


def own(dataset: str, path: str | None) -> Path:
    """A user's own file, table or folder.

    Raises:
        DataError: there is none of that name.
    """
    if path is None:
        raise DataError(
            f"`dataset: {dataset}` reads a {OWN[dataset]} of yours: expected `path`, found none. "
            f"Set `path: {EXAMPLES[dataset]}`."
        )
    place = _absolute(path)
    if not (place.is_dir() if dataset == "folder" else place.is_file()):
        found = "a folder" if place.is_dir() else "a file" if place.exists() else "nothing of that name"
        found = "no such file" if found.startswith("nothing") and dataset != "folder" else found
        raise DataError(
            f"{place}: expected the {OWN[dataset]} that `path` names, found {found}. Mend `path`: in a recipe it "
            "is relative to the recipe's file."
        )
    return place


def _own_folder(source: Source, path: str) -> dict[str, Path]:
    folder = _absolute(path)
    found = _in_folder(source, folder)
    if found is None:
        missing = [role for role in source.remotes if not _candidate(source, folder, role)]
        raise DataError(
            f"{folder}: expected the folder with the files of {source.title} that `path` names; missing: "
            f"{', '.join(missing)}. Put them there, mend `path`, or remove it to look elsewhere."
        )
    return found


def _folders(source: Source) -> Iterator[Path]:
    """The folders in the order in which they are looked at, the recipe's own aside."""
    if data := os.environ.get("GRAFT_DATA"):
        yield _absolute(data) / source.folder
        yield _absolute(data)
    yield keras_cache() / source.cache
    if source.debian:
        yield source.debian


def _in_folder(source: Source, folder: Path) -> dict[str, Path] | None:
    """All files of the data set in one folder, or None: files of two places are never mixed."""
    found = {role: path for role in source.remotes if (path := _candidate(source, folder, role))}
    return found if len(found) == len(source.remotes) else None


def _candidate(source: Source, folder: Path, role: str) -> Path | None:
    names = (role, source.remotes[role].name, *source.other_names)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def download(name: str, origin: str, file_hash: str | None, folder: Path) -> None:
    """Fetch one file by `keras.utils.get_file`, checked against its hash, and move it into place whole.

    Keras writes under the final name and leaves a file there that fails its hash, or whose process was killed; so it
    gets a folder of its own to write to. Its messages and progress bar go to standard error.

    Args:
        file_hash: SHA-256 or MD5 in hex digits; None where nobody pins one.
    """
    use_tensorflow()
    import keras

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".graft-") as unfinished:
        with contextlib.redirect_stdout(sys.stderr):
            path = keras.utils.get_file(
                name, origin=origin, file_hash=file_hash, cache_subdir=unfinished, cache_dir=unfinished
            )
        os.replace(path, folder / name)


def _nowhere(source: Source, error: Exception) -> str:
    """One paragraph: each place, what was found there, and the command that mends it."""
    data = os.environ.get("GRAFT_DATA")
    first = f"GRAFT_DATA={data} lacks them" if data else "none is given"
    files = " ".join(source.remotes)
    cache = keras_cache() / source.cache
    quoted = shlex.quote(str(cache))
    places = [
        f"a folder of yours, by `path` in the recipe or by GRAFT_DATA ({first}): `export GRAFT_DATA=FOLDER`, where "
        f"FOLDER holds {files}",
        f"Keras' cache ({cache}; KERAS_HOME moves it): `mkdir -p {quoted} && cp {files} {quoted}`",
    ]
    if source.debian:
        places.append(f"Debian's package ({source.debian}): `apt-get install dataset-{source.folder}`")
    origin = next(iter(source.remotes.values())).origin.rpartition("/")[0]
    places.append(f"Keras' own download ({origin}; failed: {error}): mend the network and run the same command again")
    listed = "; ".join(f"({number}) {place}" for number, place in enumerate(places, 1))
    tip = " Or use `dataset: fashion_mnist_sample`, which comes with graft." if source.debian else ""
    return f"{source.title} was found in none of {len(places)} places. Any one of these mends it: {listed}.{tip}"
