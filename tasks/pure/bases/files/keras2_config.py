"""What a file of Keras 2 says of its network, in Keras 3's words; Keras 3 reads some of it wrongly or not at all.

Seen with Keras 3.15: a depthwise convolution's `groups`, the policies of mixed precision, a network inside another
(Keras 2 counts its calls from 1, Keras 3 from 0; its one output becomes a list of one), and arithmetic like `x / 255`,
which Keras 2 wrote as an operation of TensorFlow.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Config = dict[str, Any]
UNKNOWN_TO_KERAS_3 = {
    "DepthwiseConv2D": ("groups",),
    "SeparableConv2D": ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "Conv2DTranspose": ("groups",),
}
NETWORKS = ("Sequential", "Functional", "Model")
Number = float | list[float]
# What `x ∘ y` does, as scale and offset of a Rescaling.
ARITHMETIC: Mapping[str, Callable[[Any], tuple[Any, Any]]] = {
    "math.truediv": lambda y: (_each(lambda one: 1 / one, y), 0.0),
    "math.divide": lambda y: (_each(lambda one: 1 / one, y), 0.0),
    "math.multiply": lambda y: (y, 0.0),
    "math.add": lambda y: (1.0, y),
    "__operators__.add": lambda y: (1.0, y),
    "math.subtract": lambda y: (1.0, _each(lambda one: -one, y)),
}


def is_keras_2(version: str) -> bool:
    """Whether a file that says it was written by `version` of Keras needs `in_keras_3`."""
    return version.split(".")[0] == "2"


def in_keras_3(config: Mapping[str, Any]) -> Config:
    """The `model_config` of a `.h5` file of Keras 2 as Keras 3 reads it right. What has no like in Keras 3 stays."""
    mended = copy.deepcopy(dict(config))
    for node in list(_with_layers(mended)):
        layers = node["config"]["layers"]
        for layer in layers:
            _mend_settings(layer)
            _mend_arithmetic(layer)
        inside = {layer["config"].get("name") for layer in layers if layer["class_name"] in NETWORKS}
        if node["class_name"] != "Sequential":
            for layer in layers:
                _count_from_0(layer.get("inbound_nodes"), inside)
            _count_from_0(node["config"].get("output_layers"), inside)
            _mend_ends(node["config"])
    return mended


def _with_layers(node: Any) -> Iterator[Config]:
    """Every network in the config, the outermost first."""
    if isinstance(node, dict) and isinstance(node.get("config"), dict) and "layers" in node["config"]:
        yield node
        for layer in node["config"]["layers"]:
            yield from _with_layers(layer)


def _mend_settings(layer: Config) -> None:
    config = layer["config"]
    for key in UNKNOWN_TO_KERAS_3.get(layer["class_name"], ()):
        config.pop(key, None)
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = "float32"  # of mixed precision: what its weights are kept in


def _mend_arithmetic(layer: Config) -> None:
    """A Rescaling in the place of `x / 255` and the like."""
    scaling = ARITHMETIC.get(str(layer["config"].get("function")))
    nodes = layer.get("inbound_nodes")
    if layer["class_name"] != "TFOpLambda" or scaling is None or not nodes or len(nodes) != 1:
        return
    name, call, tensor, named = nodes[0]
    y = named.get("y")
    if not _is_number(y):
        return
    scale, offset = scaling(y)
    layer["class_name"] = "Rescaling"
    layer["config"] = {"name": layer["config"]["name"], "dtype": "float32", "scale": scale, "offset": offset}
    layer["inbound_nodes"] = [[[name, call, tensor, {}]]]


def _mend_ends(config: Config) -> None:
    """One input and one output are themselves, no lists of one."""
    for key in ("input_layers", "output_layers"):
        ends = config.get(key)
        if isinstance(ends, list) and len(ends) == 1 and isinstance(ends[0], list):
            config[key] = ends[0]


def _is_number(y: Any) -> bool:
    if isinstance(y, list):
        return bool(y) and all(_is_number(one) and not isinstance(one, list) for one in y)
    return isinstance(y, int | float) and not isinstance(y, bool)


def _each(of: Callable[[float], float], y: Number) -> Number:
    return [of(one) for one in y] if isinstance(y, list) else of(y)


def _count_from_0(references: Any, names: set[Any]) -> None:
    """Mend every `[name, call, tensor, …]` that names one of the networks inside."""
    if isinstance(references, dict):
        for each in references.values():
            _count_from_0(each, names)
    elif isinstance(references, list):
        if len(references) >= 3 and isinstance(references[0], str) and isinstance(references[1], int):
            if references[0] in names:
                references[1] = max(references[1] - 1, 0)
            references = references[3:]
        for each in references:
            _count_from_0(each, names)
