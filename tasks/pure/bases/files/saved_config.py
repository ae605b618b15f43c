"""What a saved network says of itself, read without Keras: what would run code when it is loaded, and what it takes.

Keras' safe mode refuses a `Lambda`'s bytes, but has been got round before (CVE-2025-1550, -8747, -9906): by configs
that name functions or classes to be imported. So every name in the config is looked at before Keras sees the file.
"""

import json
import zipfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.pure.bases.files import keras2_config
from tasks.pure.errors import BadBase

CONFIG = "model_config"  # where a `.h5` file has it
MOST_CONFIG_BYTES = 64 * 2**20
REASON_CHARS = 200
KERAS = ("keras", "builtins")
LAMBDA = ("Lambda", "__lambda__")
# Operations of TensorFlow as Keras 2 wrote them down; Keras 3 knows none of them.
OF_TENSORFLOW = ("TFOpLambda", "SlicingOpLambda", "ClassMethod", "TensorFlowOpLayer", "InstanceMethod")
# Keras' own, and yet they run or read what lies in other files.
OTHERS_CODE = ("TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
# What a config may hold besides Keras' own objects: shapes, types and references to tensors.
PLAIN = frozenset({"__tuple__", "__tensor__", "__keras_tensor__", "__bytes__", "__typespec__", "__numpy__"})


def config_of(path: Path) -> Mapping[str, Any]:
    """The architecture in a `.keras` or `.h5` file, in Keras 3's words.

    Raises:
        BadBase: the file is damaged, no such file, or holds weights alone.
    """
    try:
        text = _of_keras(path) if path.suffix == ".keras" else _of_h5(path)
        found = json.loads(text) if text else None
        deque(_nodes(found, ""), maxlen=0)  # too deep for Python: from 3.12 on json goes deeper than we do
    except BadBase:
        raise
    except Exception as error:  # zipfile, h5py and json raise a dozen kinds on what they find
        raise BadBase(f"{path}: {_damaged(path, error)}") from None
    if not isinstance(found, dict):
        raise BadBase(
            f'{path}: expected a whole network, found weights alone. Save it whole: `model.save("mine.keras")`.'
        )
    return found


def check_built_in(config: Mapping[str, Any], path: Path, is_own: Callable[[str], bool]) -> None:
    """Refuse what is not Keras' own, or would run code of the file's.

    Args:
        is_own: whether Keras has a layer of that class; asked where the file does not say where a class comes from.

    Raises:
        BadBase: names the layer or class, with what to do.
    """
    for node, name in _nodes(config, ""):
        kind = str(node.get("class_name"))
        layer = f"layer `{name}`" if name else "the network itself"
        if kind in LAMBDA or _holds_code(node):
            raise BadBase(
                f"{path}: {layer} {'is' if kind == 'Lambda' else 'holds'} a Lambda: code of its own that lies in the "
                "file, which is not run. Replace it by built-in layers (`Rescaling`, `Normalization`, …) and "
                "save the network anew."
            )
        if kind in OF_TENSORFLOW:
            raise BadBase(
                f"{path}: {layer} is an operation of TensorFlow ({kind}), as Keras 2 saved `x / 255` and the "
                "like; Keras 3 cannot load it. Build the network anew with `Rescaling` or another layer in its place, "
                "copy the weights over layer by layer, and save that."
            )
        if kind in OTHERS_CODE or _is_foreign(node, kind, is_own):
            needed = node.get("config") if kind == "function" else kind
            raise BadBase(
                f"{path}: {layer} needs `{needed}`, which is none of Keras' own layers. Code of others is not "
                "loaded: build the network anew from built-in layers, copy the weights over layer by layer, and save "
                "that."
            )


def _holds_code(node: Mapping[str, Any]) -> bool:
    """Whether one of its settings is a function's own bytes: `Dense(3, activation=lambda x: …)`."""
    config = node.get("config")
    settings = config.values() if isinstance(config, dict) else []
    return any(isinstance(each, dict) and "value" in each and "class_name" not in each for each in settings)


def _is_foreign(node: Mapping[str, Any], kind: str, is_own: Callable[[str], bool]) -> bool:
    """Whether a class or function is to be looked up anywhere but in Keras."""
    module, config = node.get("module"), node.get("config")
    if kind == "function":
        return True
    if kind in PLAIN:
        return False
    if module is not None:
        return str(module).split(".")[0] not in KERAS
    is_layer = isinstance(config, dict) and ("trainable" in config or "layers" in config)
    return node.get("registered_name") not in (None, kind) or (is_layer and not is_own(kind))


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
        if keras2_config.is_keras_2(json.loads(content.read("metadata.json"))["keras_version"]):
            raise BadBase(
                f"{path}: a `.keras` file of Keras 2, which Keras 3 cannot load. Load it in Keras 2 (`tf_keras`) "
                'and save it there as `.h5`, `model.save("mine.h5")`: that is read.'
            )
        if content.getinfo("config.json").file_size > MOST_CONFIG_BYTES:
            raise BadBase(f"{path}: its architecture takes more than {MOST_CONFIG_BYTES:,} bytes: no network does.")
        return content.read("config.json").decode()


def _of_h5(path: Path) -> str:
    import h5py

    with h5py.File(path, "r") as content:
        text, version = (_text(content.attrs.get(name)) for name in (CONFIG, "keras_version"))
    return (
        json.dumps(keras2_config.in_keras_3(json.loads(text))) if text and keras2_config.is_keras_2(version) else text
    )


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def write_config(config: Mapping[str, Any], path: Path) -> None:
    """Put an architecture into a `.h5` file, in the place of the one that is there."""
    import h5py

    with h5py.File(path, "r+") as content:
        content.attrs[CONFIG] = json.dumps(config)


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
    return f"expected a {kind}, found one that cannot be read: {reason(error)}. Save the network anew."


def reason(error: BaseException) -> str:
    """The first line of what went wrong in the beginning; Keras wraps errors in others that say less."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return lines[0][:REASON_CHARS].rstrip(".") if lines else type(error).__name__
