"""`base: {application: NAME}`: a network of `keras.applications` without its head."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.pure import session
from tasks.pure.bases import known_applications as known
from tasks.pure.bases.base import Base, Option
from tasks.pure.bases.files import weight_files
from tasks.pure.bases.files.rewriting import rewritten
from tasks.pure.bases.preprocessing import SCALINGS, mend_deviation
from tasks.pure.bases.taken import TakenIn
from tasks.pure.errors import BadBase
from tasks.pure.initialising import initialise

if TYPE_CHECKING:
    import keras

IMAGENET, FILE, NONE = "imagenet", "file", "none"
KERAS_PAGE = "https://keras.io/api/applications/"


def build(base: Base, weights: Path | None, seed: int) -> TakenIn:
    """The application that `base` names, its `preprocess_input` inside, in one flat graph of built-in layers.

    Args:
        base: of kind `application`; `cut` and `scale` mean nothing here.
        weights: the file with them; None for `weights: none`.
        seed: what random weights are drawn from, where none are read.

    Raises:
        BadBase: no such application, option or size; or the file holds no weights of this network.
    """
    name = known.application(base.name).name
    kind = base.weights or IMAGENET
    _check_weights(kind, weights)
    options = known.checked_options(name, dict(base.options), kind == IMAGENET)
    height, width = known.checked_size(name, base.input_size)
    session.fresh(seed)  # Keras numbers layers without a name by what the process made before
    network = _as_keras_builds_it(name, (height, width), options)
    if weights is not None:
        weight_files.load(network, weights, _title(name, options))
        if known.application(name).family == "efficientnet":
            mend_deviation(network, certain=kind == IMAGENET)
    traits = known.application(name).traits
    model = rewritten(network, SCALINGS[traits.scaling], traits.scaling == known.CAFFE, base.dropout)
    if weights is None:
        initialise(model.layers, seed)
    return TakenIn(model, _about(name, kind, options, model))


def _check_weights(kind: str, weights: Path | None) -> None:
    if kind not in (IMAGENET, FILE, NONE):
        raise BadBase(f"`base.weights`: expected `{IMAGENET}`, `{NONE}` or a file, found `{kind}`.")
    if (weights is None) != (kind == NONE):
        found = "none" if weights is None else str(weights)
        raise BadBase(f"`base.weights: {kind}`: found the file {found}. Set `base.weights` to what you mean.")


def _as_keras_builds_it(name: str, size: tuple[int, int], options: Mapping[str, Option]) -> "keras.Model":
    import keras

    builder = getattr(keras.applications, name)
    try:
        return builder(include_top=False, weights=None, input_shape=(*size, known.CHANNELS), **options)
    except ValueError as error:  # a width that leaves a layer without a filter
        raise BadBase(f"`base`: Keras cannot build {_title(name, options)}: {error}. Mend `base.options`.") from None


def _title(name: str, options: Mapping[str, Option]) -> str:
    said = ", ".join(f"{key} {value}" for key, value in options.items())
    return f"{name} ({said})" if said else name


def _about(name: str, kind: str, options: Mapping[str, Option], model: "keras.Model") -> dict[str, Any]:
    about: dict[str, Any] = {
        "kind": "application",
        "name": name,
        "weights": kind,
        "options": dict(options),
        "input_size": list(model.input_shape[1:3]),
        "parameters": model.count_params(),
        "origin": KERAS_PAGE,
        "code_licence": known.APACHE,
    }
    licence = known.application(name).traits.licence if kind == IMAGENET else None
    return about | ({"licence": licence} if licence else {})
