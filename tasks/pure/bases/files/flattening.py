"""A user's network as one flat graph: nested networks opened, every layer made anew under a name of its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.pure.errors import BadBase
from tasks.pure.layer_choice import is_added
from tasks.pure.outline import ADAPTERS, HEAD, IMAGE, SCALE
from tasks.pure.regrowing import take_weights

if TYPE_CHECKING:
    import keras

OF_BASE = "_of_base"
REASON_CHARS = 200
OTHER_FLOATS = frozenset({"float16", "bfloat16", "float64"})


def flatten(
    model: "keras.Model",
    prepare: Callable[[Any], Any] | None = None,
    size: tuple[int, int] | None = None,
    drop: Callable[[Any], bool] | None = None,
    dropout: bool = True,
) -> "keras.Model":
    """A functional network of the same layers and weights, sharing nothing: one input `image`, no network inside.

    Layers keep their names; one that is taken already gets its container's in front, and what graft itself uses
    (`head`, `added_1`, …) the ending `_of_base`. All compute in float32, whatever they were trained in.

    Args:
        model: functional or Sequential, built, of one image input. Several outputs stay several.
        prepare: what is done to the image before the first layer.
        size: (height, width) of the new input; the network's own where None.
        drop: which layers are left out: what goes in comes out.
        dropout: False sets the dropout inside of other layers (attention's) to 0.

    Raises:
        BadBase: a layer does not take pictures of that size, or cannot be made anew; or weights are no numbers.
    """
    import keras

    height, width, channels = model.input_shape[1:]
    image = keras.Input((*(size or (height, width)), channels), name=IMAGE)
    opening = _Opening(drop or (lambda _: False), dropout)
    top = opening.through(model, prepare(image) if prepare else image, "")
    flat = keras.Model(image, top, name="base")
    for old, new in opening.weighted:
        _take(new, old)
    return flat


def check_graph(model: Any, what: str, several_outputs: bool = False) -> None:
    """Raises BadBase where `model` is no graph of layers with one input and one output (or several, where allowed)."""
    import keras

    if not isinstance(model, keras.Sequential) and not hasattr(model, "_run_through_graph"):
        raise BadBase(
            f"{what}: expected a functional or Sequential network, found the class {type(model).__name__}, whose "
            "layers only its own code joins. Build it with the functional API, copy the weights over, and save that."
        )
    if not model.built or not getattr(model, "inputs", None):
        raise BadBase(
            f"{what}: the network has no input yet, so that nobody knows its weights. Give it one, "
            "`keras.Input((height, width, channels))` as its first layer, or call it once, and save it anew."
        )
    if len(model.inputs) != 1:
        raise BadBase(
            f"{what}: expected one input, found {len(model.inputs)}: {_named(model.inputs)}. Build a network of one "
            "picture's layers, `keras.Model(model.inputs[0], model.get_layer(NAME).output)`, and save that."
        )
    if len(model.outputs) != 1 and not several_outputs:
        raise BadBase(
            f"{what}: expected one output, found {len(model.outputs)}: {_named(model.outputs)}. Name the topmost layer "
            "that is to be taken, `base.cut`."
        )


def _named(tensors: Sequence[Any]) -> str:
    """By the layers that give them, which a person knows, not by the tensors' own numbers."""
    return ", ".join(f"`{tensor._keras_history.operation.name}`" for tensor in tensors)


@dataclass
class _Opening:
    """What becomes of each layer, called in the graph's order."""

    drop: Callable[[Any], bool]
    dropout: bool
    twins: dict[int, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    weighted: list[tuple[Any, Any]] = field(default_factory=list)

    def through(self, model: Any, x: Any, inside: str) -> Any:
        """The symbolic output of `model`'s layers, made anew, applied to `x`; a list where it has several."""
        import keras

        graph = getattr(model, "_functional", None) or model  # a Sequential keeps its graph inside
        out = graph._run_through_graph(
            x,
            operation_fn=lambda operation: operation,
            call_fn=lambda *given, **named: self._call(inside, given, named),
        )
        flat = keras.tree.flatten(out)  # outputs may have names
        return flat[0] if len(flat) == 1 else flat

    def _call(self, inside: str, given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        import keras

        operation, *inputs = given
        if isinstance(operation, keras.Model):
            return self.through(operation, inputs[0], f"{inside}{operation.name}_")
        if self.drop(operation):
            return inputs[0]
        try:
            return self._twin(operation, inside)(*inputs, **named)
        except (ValueError, TypeError) as error:
            reason = str(error).strip().splitlines()[0][:REASON_CHARS]
            raise BadBase(
                f"Layer `{operation.name}` ({type(operation).__name__}) does not take what comes to it: {reason}. "
                "Leave `base.input_size` out, or cut the network below this layer, `base.cut`."
            ) from None

    def _twin(self, operation: Any, inside: str) -> Any:
        if id(operation) not in self.twins:  # a layer that is used twice stays one layer
            name = self._name(operation.name, inside)
            twin = operation.__class__.from_config({**_config(operation, self.dropout), "name": name})
            self.twins[id(operation)] = twin
            if getattr(operation, "weights", []):
                self.weighted.append((operation, twin))
            if hasattr(twin, "trainable"):
                twin.trainable = True
        return self.twins[id(operation)]

    def _name(self, name: str, inside: str) -> str:
        """A name of its own for a layer: its old one, with its container's in front where that is taken."""
        wanted = _unreserved(name.replace("/", "_"))
        if wanted in self.names:
            wanted = f"{inside}{wanted}"
        plain, number = wanted, 1
        while wanted in self.names:
            number += 1
            wanted = f"{plain}_{number}"
        self.names.add(wanted)
        return wanted


def _unreserved(name: str) -> str:
    """A name that means nothing to graft. `scale` and `scale_…` do from their beginning on, so they get a new one."""
    if name == SCALE or name.startswith(f"{SCALE}_"):
        return f"base_{name}"
    return f"{name}{OF_BASE}" if name in ADAPTERS or name == HEAD or is_added(name) else name


def _config(operation: Any, dropout: bool) -> dict[str, Any]:
    """What the twin is made from: in float32, which is what the weights of half-precision training are kept in."""
    import keras

    config = dict(operation.get_config())
    policy = getattr(operation, "dtype_policy", None)
    if isinstance(policy, keras.dtype_policies.QuantizedDTypePolicy):
        raise BadBase(
            f"Layer `{operation.name}` is quantised ({policy.name}): it cannot be trained any more. Take the network "
            "as it was before `quantize`."
        )
    if policy is not None and OTHER_FLOATS & {policy.compute_dtype, policy.variable_dtype}:
        config["dtype"] = "float32"
    if not dropout:
        config.update({key: 0.0 for key in ("dropout", "recurrent_dropout") if isinstance(config.get(key), float)})
    return config


def _take(new: "keras.Layer", old: "keras.Layer") -> None:
    broken = [weight.name for weight in old.weights if not np.isfinite(np.asarray(weight, np.float64)).all()]
    if broken:
        raise BadBase(
            f"Layer `{old.name}`: `{broken[0]}` holds NaN or infinity: the training that made it has diverged. Save "
            "the network as it was in an earlier epoch."
        )
    try:
        take_weights(new, old)
    except ValueError:
        expected = [tuple(weight.shape) for weight in new.weights]
        found = [tuple(weight.shape) for weight in old.weights]
        raise BadBase(
            f"Layer `{old.name}` has weights of the shapes {found}, but at this size of pictures it needs {expected}. "
            "Leave `base.input_size` out, or cut the network below this layer, `base.cut`."
        ) from None
