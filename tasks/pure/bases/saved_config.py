"""What a saved network says of itself, read without Keras: what would run code when it is loaded, and what it takes.

Keras' safe mode refuses a `Lambda`'s bytes, but has been got round before (CVE-2025-1550, -8747, -9906): by configs
that name functions or classes to be imported. So every name in the config is looked at before Keras sees the file.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.pure.errors import BadBase

MOST_CONFIG_BYTES = 64 * 2**20
KERAS = ("keras", "builtins")
LAMBDA = ("Lambda", "TFOpLambda", "SlicingOpLambda", "ClassMethod", "TensorFlowOpLayer")
# What a config may hold besides Keras' own objects: shapes, types and references to tensors.
PLAIN = frozenset({"__tuple__", "__tensor__", "__keras_tensor__", "__bytes__", "__typespec__", "__numpy__"})


def config_of(path: Path) -> Mapping[str, Any]:
    """The architecture in a `.keras` or `.h5` file.

    Raises:
        BadBase: the file is damaged, no such file, or holds weights alone.
    """
    try:
        text = _of_keras(path) if path.suffix == ".keras" else _of_h5(path)
        found = json.loads(text) if text else None
    except BadBase:
        raise
    except Exception as error:  # zipfile, h5py and json raise a dozen kinds on what they find
        raise BadBase(f"{path}: {_damaged(path, error)}") from None
    if not isinstance(found, dict):
        raise BadBase(
            f'{path}: expected a whole network, found weights alone. Save it whole: `model.save("mine.keras")`.'
        )
    return found


def check_built_in(config: Mapping[str, Any], path: Path) -> None:
    """Refuse what is not Keras' own, or would run code of the file's.

    Raises:
        BadBase: names the layer or class, with what to do.
    """
    for node, layer in _nodes(config, ""):
        kind, module = str(node.get("class_name")), node.get("module")
        if kind in PLAIN:
            continue
        if kind in LAMBDA:
            raise BadBase(
                f"{path}: layer `{layer}` is a {kind}: code of its own that lies in the file, which is not run. "
                "Replace it by built-in layers (`Rescaling`, `Normalization`, `Reshape`, …) and save the network anew."
            )
        custom = kind == "function" or (module is not None and str(module).split(".")[0] not in KERAS)
        if custom or (module is None and node.get("registered_name") not in (None, kind)):
            name = node.get("config") if kind == "function" else kind
            raise BadBase(
                f"{path}: layer `{layer}` needs `{name}`, which is none of Keras' own. Code of yours is not loaded: "
                "build the network anew from built-in layers, copy the weights over layer by layer, and save that."
            )


def shape_of(path: Path) -> tuple[int, int, int] | None:
    """(height, width, channels) of the pictures that a saved network takes; None where its file does not say it."""
    try:
        config = config_of(path)
    except BadBase:
        return None
    for node, _ in _nodes(config, ""):
        inner = node.get("config")
        if not isinstance(inner, dict):
            continue
        shape = inner.get("batch_shape") or inner.get("batch_input_shape")
        if isinstance(shape, list) and len(shape) == 4 and all(isinstance(each, int) for each in shape[1:]):
            return shape[1], shape[2], shape[3]
    return None


def _of_keras(path: Path) -> str:
    with zipfile.ZipFile(path) as content:
        if content.getinfo("config.json").file_size > MOST_CONFIG_BYTES:
            raise BadBase(f"{path}: its architecture takes more than {MOST_CONFIG_BYTES:,} bytes: no network does.")
        return content.read("config.json").decode()


def _of_h5(path: Path) -> str:
    import h5py

    with h5py.File(path, "r") as content:
        text = content.attrs.get("model_config")
    return text.decode() if isinstance(text, bytes) else str(text or "")


def _nodes(value: Any, layer: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every mapping in the config that names a class, with the name of the layer that it belongs to."""
    if isinstance(value, dict):
        inner = value.get("config")
        if "class_name" in value:
            named = inner.get("name") if isinstance(inner, dict) else None
            layer = str(named or value.get("name") or layer)
            yield value, layer
        for each in value.values():
            yield from _nodes(each, layer)
    elif isinstance(value, list):
        for each in value:
            yield from _nodes(each, layer)


def _damaged(path: Path, error: Exception) -> str:
    kind = "`.keras` file of Keras 3" if path.suffix == ".keras" else "HDF5 file of Keras"
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"expected a {kind}, found one that cannot be read: {reason}. Save the network anew."
