"""`base: {kerashub: FOLDER}`: a preset of KerasHub that lies on this machine, such as `resnet_18_imagenet`.

Its ResNets, DenseNets, VGGs, EfficientNets and Xceptions are graphs of Keras' own layers and become flat networks as
any other. Those with layers of KerasHub's own (ViT, MobileNet, MiT, …) are refused: a file with them is one that nobody
can load without KerasHub.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.pure.bases.base import Base
from tasks.pure.bases.files import saved_config, weight_files
from tasks.pure.bases.files.own_network import Factor, OwnPixels, brought_in
from tasks.pure.bases.taken import TakenIn
from tasks.pure.errors import BadBase

PACKAGE = "keras_hub"
CONFIG, CONVERTER = "config.json", "image_converter.json"
CHANNELS = 3  # its image networks are trained on photographs
MOST_JSON_BYTES = 2**24
EXTRA = "pip install 'graft[kerashub]'"


def read(folder: Path, base: Base) -> TakenIn:
    """The backbone of a preset as a base: flat, of Keras' own layers, its pixels scaled as the preset says.

    Raises:
        BadBase: KerasHub is not installed; the folder holds no preset; or its network cannot be taken in.
    """
    config = _checked(_json(folder, CONFIG), folder)
    pixels = _pixels(_json(folder, CONVERTER) if (folder / CONVERTER).is_file() else {}, folder)
    model = _loaded(folder)
    _check_layers(model, folder)
    taken, about = brought_in(model, base, str(folder), pixels)
    own = {"kind": "kerashub", "name": folder.name, "network": config["class_name"], "origin": "KerasHub"}
    return TakenIn(taken, {**own, **about})


def input_shape(folder: Path) -> tuple[int, int, int] | None:
    """(height, width, channels) of the pictures that a preset was trained with; None where it does not say it."""
    try:
        size = _pixels(_json(folder, CONVERTER), folder).size
    except BadBase:
        return None
    return (*size, CHANNELS) if size else None


def _json(folder: Path, name: str) -> Mapping[str, Any]:
    path = folder / name
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            raise ValueError(f"it is larger than {MOST_JSON_BYTES:,} bytes")
        found = json.loads(path.read_text("utf-8"))
        if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
            raise ValueError("it names no object of Keras")
    except (OSError, ValueError, RecursionError) as error:
        raise BadBase(
            f"{folder}: expected the folder of a preset, as `backbone.save_to_preset({str(folder)!r})` writes it, but "
            f"its `{name}` cannot be read: {saved_config.reason(error)}."
        ) from None
    return found


def _checked(config: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """The config of a backbone of KerasHub's that holds nothing else which is not Keras' own."""
    module, kind = str(config.get("module")), str(config.get("class_name"))
    if not module.startswith(f"{PACKAGE}.src.models.") or config.get("registered_name") != f"{PACKAGE}>{kind}":
        raise BadBase(
            f"{folder}: expected a network of KerasHub's, found `{module}.{kind}`. Code of others is not loaded."
        )
    saved_config.check_built_in(config["config"], folder, is_own=lambda _: False)
    return config


def _pixels(converter: Mapping[str, Any], folder: Path) -> OwnPixels:
    """What the preset's image converter does to pixels, and the size that it brings them to."""
    config = converter.get("config", {})
    scale, offset, size = (config.get(key) for key in ("scale", "offset", "image_size"))
    try:
        scaling = None if scale is None and offset is None else (_factor(scale, 1.0), _factor(offset, 0.0))
        return OwnPixels(scaling, (int(size[0]), int(size[1])) if size else None)
    except (TypeError, ValueError, OverflowError, IndexError, KeyError):
        raise BadBase(f"{folder}: `{CONVERTER}` scales pixels in a way that is not known: {scale}, {offset}.") from None


def _factor(value: Any, otherwise: float) -> Factor:
    if value is None:
        return otherwise
    return [float(each) for each in value] if isinstance(value, list) else float(value)


def _loaded(folder: Path) -> Any:
    import h5py

    try:
        import keras_hub
    except ImportError:
        raise BadBase(f"{folder}: to read a preset of KerasHub, KerasHub has to be installed: {EXTRA}.") from None
    try:
        for weights in sorted(folder.glob("*.h5")):
            with h5py.File(weights, "r") as content:
                weight_files.count_own(content, weights)
        # An absolute path: a name could be that of a preset which is fetched.
        return keras_hub.models.Backbone.from_preset(str(folder.resolve()))
    except (BadBase, MemoryError):
        raise
    except Exception as error:  # whatever KerasHub, Keras and h5py raise on what they find
        raise BadBase(
            f"{folder}: KerasHub cannot load it: {saved_config.reason(error)}. Fetch the preset anew, or save it with "
            "the KerasHub that is installed here."
        ) from None


def _check_layers(model: Any, folder: Path) -> None:
    """Refuse layers that a network could not be loaded with where KerasHub is not installed."""
    import keras

    for operation in getattr(model, "operations", []):
        if isinstance(operation, keras.Model):
            _check_layers(operation, folder)
        elif not type(operation).__module__.startswith("keras.src."):
            raise BadBase(
                f"{folder}: layer `{operation.name}` is a {type(operation).__name__}, one of KerasHub's own. Only "
                "networks of Keras' own layers are taken in: ResNet, DenseNet, VGG, EfficientNet, Xception. Like "
                "networks are in `keras.applications`: `base: {application: …}`."
            )
