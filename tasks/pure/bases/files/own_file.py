"""`base: {file: …}`: a network of the user's own, read in safe mode."""

import io
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.pure.bases.base import Base
from tasks.pure.bases.files import saved_config, weight_files
from tasks.pure.bases.files.own_network import brought_in
from tasks.pure.bases.taken import TakenIn
from tasks.pure.errors import BadBase

MOST_GROWTH = 20
NUMBER_BYTES = 2  # at least: half precision
MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
READ = (".keras", ".h5", ".hdf5")
PICKLES = {".pkl": "pickle", ".pickle": "pickle", ".joblib": "pickle", ".pt": "PyTorch file", ".pth": "PyTorch file"}

input_shape = saved_config.shape_of


def read(path: Path, base: Base) -> TakenIn:
    """The network in a `.keras` or `.h5` file as a base: flat, without head, with its scaling inside.

    Raises:
        BadBase: what it holds cannot be taken in, with the reason and what to do.
    """
    _check_kind(path)
    config = saved_config.config_of(path)
    saved_config.check_built_in(config, path, _is_kerass_own)
    model = _loaded(path, config)
    taken, about = brought_in(model, base, str(path))
    return TakenIn(taken, {"kind": "file", "name": path.name, **about})


def _check_kind(path: Path) -> None:
    if path.name.endswith(".weights.h5"):
        raise BadBase(
            f"{path}: expected a whole network, found a file of weights alone. Save it whole, "
            '`model.save("mine.keras")`; those of an application go with `base: {application: …, weights: PATH}`.'
        )
    if path.suffix in READ:
        return
    found = PICKLES.get(path.suffix)
    if found:
        raise BadBase(
            f"{path}: expected a `.keras` or `.h5` file, found a {found}: reading one can run any code, so none is "
            'read. Load it where you trust it, and save the network with Keras: `model.save("mine.keras")`.'
        )
    raise BadBase(
        f"{path}: expected a `.keras` or `.h5` file, found `{path.suffix or path.name}`. Save the network with Keras "
        '3: `model.save("mine.keras")`.'
    )


def _loaded(path: Path, config: Mapping[str, Any]) -> Any:
    import h5py

    try:
        if path.suffix == ".keras":
            _check_archive(path)
        else:
            with h5py.File(path, "r") as content:
                _check_growth(path, NUMBER_BYTES * weight_files.count_own(content, path))
        return _by_keras(path, config)
    except (BadBase, MemoryError):
        raise
    except Exception as error:  # whatever Keras, zipfile and h5py raise on what they find
        reason = saved_config.reason(error)
        raise BadBase(
            f"{path}: Keras cannot load it: {reason}. Load it where it was saved, and save it anew with Keras 3: "
            '`model.save("mine.keras")`.'
        ) from None


def _by_keras(path: Path, config: Mapping[str, Any]) -> Any:
    import keras

    if path.suffix == ".keras":
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    with tempfile.TemporaryDirectory() as folder:  # the weights with the config that was looked at, not with another
        copy = Path(folder) / "network.h5"
        shutil.copyfile(path, copy)
        saved_config.write_config(config, copy)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # "Do not pass `input_shape`": Keras 2's way
            return keras.saving.load_model(copy, compile=False, safe_mode=True)


def _check_archive(path: Path) -> None:
    """Refuse a `.keras` file that would grow without bound, or whose weights lie in other files."""
    import h5py

    with zipfile.ZipFile(path) as content:
        others = sorted(set(content.namelist()) - MEMBERS)
        if others:
            raise BadBase(
                f"{path}: expected an architecture and weights, found `{others[0]}` beside them: what layers for words "
                "and the like bring along. Build a network of the layers for pictures alone, and save that."
            )
        _check_growth(path, sum(member.file_size for member in content.infolist()))
        with content.open("model.weights.h5") as weights, h5py.File(io.BytesIO(weights.read()), "r") as arrays:
            _check_growth(path, NUMBER_BYTES * weight_files.count_own(arrays, path))


def _check_growth(path: Path, unpacked: int) -> None:
    if unpacked > MOST_GROWTH * path.stat().st_size + 2**20:
        raise BadBase(f"{path}: would unpack to {unpacked:,} bytes; weights do not shrink so. Save it anew.")


def _is_kerass_own(kind: str) -> bool:
    """Whether a layer that a file of Keras 2 names by its class alone is one of Keras'."""
    import keras

    return hasattr(keras.layers, kind) or kind in ("Functional", "Model", "Sequential")
