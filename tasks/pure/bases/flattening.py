"""A user's network as one flat graph: nested networks opened, every layer made anew under a name of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.pure.errors import BadBase
from tasks.pure.layer_choice import is_added
from tasks.pure.outline import ADAPTERS, HEAD, IMAGE
from tasks.pure.regrowing import take_weights

if TYPE_CHECKING:
    import keras

OF_BASE = "_of_base"
REASON_CHARS = 200


def flatten(
    model: "keras.Model",
    prepare: Callable[[Any], Any] | None = None,
    size: tuple[int, int] | None = None,
    drop: Callable[[Any], bool] | None = None,
) -> "keras.Model":
    """A functional network of the same layers and weights, sharing nothing: one input `image`, no network inside.

    Layers keep their names; one that is taken already gets its container's in front, and what graft itself uses
    (`head`, `added_1`, …) the ending `_of_base`.

    Args:
        model: functional or Sequential, built, of one image input.
        prepare: what is done to the image before the first layer.
        size: (height, width) of the new input; the network's own where None.
        drop: which layers are left out: what goes in comes out.

    Raises:
        BadBase: a layer does not take pictures of that size, or cannot be made anew.
    """
    import keras

    height, width, channels = model.input_shape[1:]
    image = keras.Input((*(size or (height, width)), channels), name=IMAGE)
    opening = _Opening(drop or (lambda _: False))
    top = opening.through(model, prepare(image) if prepare else image, "")
    flat = keras.Model(image, top, name="base")
    for old, new in opening.weighted:
        _take(new, old)
    return flat


def check_graph(model: Any, what: str) -> None:
    """Raises BadBase where `model` is no graph of layers with one input and one output."""
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
    for kind, tensors in (("input", model.inputs), ("output", model.outputs)):
        if len(tensors) != 1:
            names = ", ".join(f"`{tensor.name}`" for tensor in tensors)
            raise BadBase(
                f"{what}: expected one {kind}, found {len(tensors)}: {names}. Build a network of one {kind} from its "
                f"layers, `keras.Model(model.inputs[0], model.outputs[0])`, and save that."
            )


@dataclass
class _Opening:
    """What becomes of each layer, called in the graph's order."""

    drop: Callable[[Any], bool]
    twins: dict[int, Any] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    weighted: list[tuple[Any, Any]] = field(default_factory=list)

    def through(self, model: Any, x: Any, inside: str) -> Any:
        """The symbolic output of `model`'s layers, made anew, applied to `x`."""
        graph = getattr(model, "_functional", None) or model  # a Sequential keeps its graph inside
        out = graph._run_through_graph(
            x,
            operation_fn=lambda operation: operation,
            call_fn=lambda *given, **named: self._call(inside, given, named),
        )
        return out[0] if isinstance(out, list | tuple) and len(out) == 1 else out

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
            twin = operation.__class__.from_config({**operation.get_config(), "name": name})
            self.twins[id(operation)] = twin
            if getattr(operation, "weights", []):
                self.weighted.append((operation, twin))
            if hasattr(twin, "trainable"):
                twin.trainable = True
        return self.twins[id(operation)]

    def _name(self, name: str, inside: str) -> str:
        """A name of its own for a layer: its old one, with its container's in front where that is taken."""
        wanted = f"{name}{OF_BASE}" if name in ADAPTERS or name == HEAD or is_added(name) else name
        wanted = wanted.replace("/", "_")
        if wanted in self.names:
            wanted = f"{inside}{wanted}"
        plain, number = wanted, 1
        while wanted in self.names:
            number += 1
            wanted = f"{plain}_{number}"
        self.names.add(wanted)
        return wanted


def _take(new: "keras.Layer", old: "keras.Layer") -> None:
    try:
        take_weights(new, old)
    except ValueError:
        expected = [tuple(weight.shape) for weight in new.weights]
        found = [tuple(weight.shape) for weight in old.weights]
        raise BadBase(
            f"Layer `{old.name}` has weights of the shapes {found}, but at this size of pictures it needs {expected}. "
            "Leave `base.input_size` out, or cut the network below this layer, `base.cut`."
        ) from None
