"""`base: {file: …}`: a network of the user's own, read in safe mode."""

import io
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.pure.bases import saved_config, weight_files
from tasks.pure.bases.base import Base
from tasks.pure.bases.flattening import check_graph, flatten
from tasks.pure.bases.heads import Topped, without_head
from tasks.pure.bases.taken import TakenIn
from tasks.pure.errors import BadBase, SurgeryError
from tasks.pure.outline import SCALE, scales_pixels
from tasks.pure.outlining import outline
from tasks.pure.regrowing import regrow

if TYPE_CHECKING:
    import keras

MOST_GROWTH = 20
NUMBER_BYTES = 2  # at least: half precision
MEMBERS = frozenset({"config.json", "metadata.json", "model.weights.h5"})
READ = (".keras", ".h5", ".hdf5")
PICKLES = {".pkl": "pickle", ".pickle": "pickle", ".joblib": "pickle", ".pt": "PyTorch file", ".pth": "PyTorch file"}
DROPOUTS = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
)  # fmt: skip
AUGMENTS = ("RandAugment", "AugMix", "MixUp", "CutMix")  # and all that begin with "Random"
SCALES = {"unit": (1 / 255, 0.0), "symmetric": (1 / 127.5, -1.0)}

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
    check_graph(model, str(path), several_outputs=base.cut is not None)
    try:
        topped, left_out = _without_head_and_noise(model, base, path)
    except BadBase as problem:
        raise BadBase(str(problem) if str(path) in str(problem) else f"{path}: {problem}") from None
    taken = _on_its_own(topped.model)
    about: dict[str, Any] = {
        "kind": "file",
        "name": path.name,
        "input_size": list(taken.input_shape[1:3]),
        "parameters": taken.count_params(),
        "head": list(topped.dropped),
        "classes_of_head": topped.classes,
        "left_out": list(left_out),
    }
    return TakenIn(taken, about)


def _without_head_and_noise(model: Any, base: Base, path: Path) -> tuple[Topped, tuple[str, ...]]:
    """What is taken of the network; and the names of dropout and augmentation layers that are not."""
    size, left_out = _size(model, base, path), _LeftOut(base.dropout)
    flat = flatten(model, None, size, left_out, base.dropout)
    _check_scale(flat, base, path)
    if base.scale in SCALES:
        flat = flatten(model, _scaling(*SCALES[base.scale]), size, left_out, base.dropout)
    return without_head(flat, base.cut), tuple(left_out.names)


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


def _size(model: Any, base: Base, path: Path) -> tuple[int, int]:
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise BadBase(
            f"{path}: expected a network for pictures, (height, width, 1 or 3), found one for inputs of {shape}. Put a "
            "`Reshape` or the like in front, so that it takes pictures, and save it anew."
        )
    size = base.input_size or shape[:2]
    if None in size:
        raise BadBase(
            f"{path}: the network takes pictures of any size, so the recipe has to say which: `base.input_size`, such "
            "as 96."
        )
    return int(size[0]), int(size[1])


def _scaling(factor: float, offset: float) -> Callable[[Any], Any]:
    """What puts a Rescaling in front of the first layer."""

    def prepare(image: Any) -> Any:
        import keras

        return keras.layers.Rescaling(factor, offset, name=SCALE)(image)

    return prepare


@dataclass
class _LeftOut:
    """Which layers go, and the names of those that went.

    Augmentation goes: the recipe says what is augmented. So does dropout, unless it is to stay.
    """

    dropout: bool
    names: dict[str, None] = field(default_factory=dict)

    def __call__(self, operation: Any) -> bool:
        goes = self._goes(operation)
        if goes:
            self.names[operation.name] = None
        return goes

    def _goes(self, operation: Any) -> bool:
        kind = type(operation).__name__
        if kind == "Pipeline":
            return all(self._goes(layer) for layer in operation.layers)
        return kind.startswith("Random") or kind in AUGMENTS or (kind in DROPOUTS and not self.dropout)


def _check_scale(model: "keras.Model", base: Base, path: Path) -> None:
    """Pixels are 0 to 255; whether the network expects them so, only who trained it knows, where it does not scale."""
    if scales_pixels(outline(model)):
        if base.scale is not None:
            raise BadBase(
                f"{path}: `base.scale: {base.scale}`, but the network scales pixels itself, by its first layers. Leave "
                "`base.scale` out."
            )
    elif base.scale is None:
        raise BadBase(
            f"{path}: nothing in the network scales pixels, so the recipe has to say what it was trained on. "
            "`base.scale: unit`: pixels divided by 255; `symmetric`: brought to -1 … 1; `none`: as they are, 0 to 255."
        )


def _on_its_own(model: "keras.Model") -> "keras.Model":
    """The same network, sharing nothing with the one whose head was dropped."""
    import keras

    image = keras.Input(model.input_shape[1:], name=model.inputs[0].name)
    try:
        return keras.Model(image, regrow(model, image, [layer.name for layer in model.layers]), name="base")
    except (ValueError, SurgeryError) as problem:
        raise BadBase(f"The network cannot be made anew: {problem}") from None
