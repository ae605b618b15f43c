"""Bytes ↔ models, histories, evaluations, figures (arrays: `array_codecs.py`). The only place here that knows Keras.

Equal content makes equal bytes: `.keras` files are written with fixed zip times and a fixed saving date, from a
network rebuilt out of its own config, so that no trace of the process that trained it is left.
"""

import io
import json
import logging
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts.array_codecs import derive_dataset, derive_features, save_array
from artifacts.digest import canonical_json, digest_arrays, digest_json, digest_model
from artifacts.errors import ArtifactDamaged
from artifacts.inspection_codecs import derive_inspection
from artifacts.manifest import named_files
from artifacts.picture_codecs import derive_pictures
from artifacts.rate_codecs import derive_rates
from artifacts.store import Encoded

if TYPE_CHECKING:
    import keras
    import pandas as pd

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
FIXED_DATE = "1980-01-01@00:00:00"


def use_tensorflow() -> None:
    """Import Keras on TensorFlow, with float32 and channels last, whatever `keras.json` and KERAS_… say."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.pop("TF_DETERMINISTIC_OPS", None)  # other bits, and no XLA; the same bits come without it
    with _quiet_stderr():
        import keras
        import tensorflow  # noqa: F401 - named so that its version is part of every key

    if keras.backend.backend() != "tensorflow":
        raise RuntimeError(
            f"graft needs Keras on TensorFlow, but Keras was imported on {keras.backend.backend()} before graft. "
            "Set KERAS_BACKEND=tensorflow, or import graft first."
        )
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # its notes on retracing are about loops not ours
    keras.config.set_floatx("float32")
    keras.config.set_image_data_format("channels_last")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    # From KERAS_MAX_EPOCHS and KERAS_MAX_STEPS_PER_EPOCH, which would cut a training short behind the recipe's back.
    keras.config.set_max_epochs(None)
    keras.config.set_max_steps_per_epoch(None)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Drop what TensorFlow's C++ prints while it starts; no setting of its own silences all of it.

    Errors are no victims: a failing import raises, it does not print.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# -- models


def encode_model(model: "keras.Model", outline: Sequence[Mapping[str, Any]]) -> Encoded:
    """A network, uncompiled. The model that is given is not changed.

    Args:
        outline: of the network, as `tasks/pure/outlining.py` makes it: its manifest keeps it, so that nobody needs
            Keras to know where it can be cut and how a training of it is computed.
    """
    plain = rebuild(model)
    facts = {
        "name": plain.name,
        "input_shape": list(plain.input_shape[1:]),
        "output_shape": list(plain.output_shape[1:]),
        "weights": int(sum(int(np.prod(weight.shape)) for weight in plain.get_weights())),
        "layers": [dict(layer) for layer in outline],
    }
    return Encoded("model", model_digest(model), facts, lambda folder: _save(plain, folder / "model.keras"))


def write_model(model: "keras.Model", path: Path) -> None:
    """Write a network as a `.keras` file whose bytes depend on the network alone. It is not changed."""
    _save(rebuild(model), path)


def model_digest(model: "keras.Model") -> str:
    """Digest of config, weights and the trainable flags of the leaves that hold weights (see `digest.digest_model`).

    An input layer's flag means nothing and is not kept in a file.
    """
    config = json.loads(json.dumps(model.get_config(), default=_plain))
    flags = [(layer.name, layer.trainable) for layer in _leaves(model) if layer.weights]
    return digest_model(config, model.get_weights(), flags)


def rebuild(model: "keras.Model") -> "keras.Model":
    """The same network made anew from its config, with the same weights and flags, uncompiled and sharing nothing."""
    twin = model.__class__.from_config(model.get_config())
    twin.set_weights(model.get_weights())
    for old, new in zip(_leaves(model), _leaves(twin), strict=True):
        new.trainable = old.trainable
    return twin


def read_model(folder: Path) -> "keras.Model":
    """The stored network, reloaded in safe mode and not compiled.

    Raises:
        ArtifactDamaged: Keras cannot read the file.
    """
    use_tensorflow()
    import keras

    try:
        model = keras.saving.load_model(folder / "model.keras", compile=False, safe_mode=True)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as problem:
        raise ArtifactDamaged(f"{folder / 'model.keras'}: Keras cannot read it: {problem}") from problem
    # A file keeps the flag of attention, but not those of the Dense layers inside it, which Keras then trains; to
    # set the same flag again does not reach them.
    for leaf in _leaves(model):
        for part in leaf._flatten_layers(include_self=False):
            part.trainable = leaf.trainable
    return model


def _leaves(layer: "keras.Layer") -> list["keras.Layer"]:
    """The layers that hold weights themselves, in the network's order; containers are opened."""
    inner = getattr(layer, "layers", None)
    return [layer] if inner is None else [leaf for child in inner for leaf in _leaves(child)]


def _plain(value: Any) -> Any:
    """JSON for what Keras leaves in a config: NumPy numbers and arrays, and serialisable Keras objects."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    from keras.saving import serialize_keras_object

    return serialize_keras_object(value)


def _save(model: "keras.Model", path: Path) -> None:
    """Write `.keras` bytes that depend on the network alone."""
    raw = io.BytesIO()
    import keras

    with zipfile.ZipFile(_keras_bytes(keras, model)) as made, zipfile.ZipFile(raw, "w", zipfile.ZIP_STORED) as fixed:
        for name in sorted(made.namelist()):
            content = made.read(name)
            if name == "metadata.json":
                content = canonical_json({**json.loads(content), "date_saved": FIXED_DATE})
            fixed.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content)
    path.write_bytes(raw.getvalue())


def _keras_bytes(keras: Any, model: "keras.Model") -> io.BytesIO:
    """What `model.save` writes. Keras takes a path only, so it goes through a temporary file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        keras.saving.save_model(model, path)
        return io.BytesIO(path.read_bytes())


# -- tables and values


def encode_history(frame: "pd.DataFrame", shown: np.ndarray | None = None) -> Encoded:
    """A training's history, an epoch a row: epoch, loss, accuracy and, with validation, val_loss, val_accuracy.

    Args:
        shown: some of the augmented pictures that it was shown, uint8 (m, h, w, c); None without augmentation.
    """
    columns = {str(name): frame[name].tolist() for name in frame.columns}
    facts = {"columns": list(columns), "epochs": len(frame)} | ({} if shown is None else {"shown": len(shown)})
    digest = digest_json(columns) if shown is None else digest_arrays({"shown": shown}, columns)

    def write(folder: Path) -> None:
        # repr, which pandas uses here, gives back the same float64 on reading.
        frame.to_csv(folder / "history.csv", index=False, lineterminator="\n")
        if shown is not None:
            save_array(folder / "shown.npy", shown)

    return Encoded("history", digest, facts, write)


def read_history(folder: Path) -> "pd.DataFrame":
    """The stored history as a frame, the same float64 to the last bit."""
    import pandas as pd

    # Python's own float parser is exact; pandas' default one is not in every version that graft admits.
    text = pd.read_csv(folder / "history.csv", dtype=str)
    columns = {name: [float(value) for value in text[name]] for name in text.columns}
    return pd.DataFrame({**columns, "epoch": [int(value) for value in columns["epoch"]]})


def read_shown(folder: Path) -> np.ndarray | None:
    """The pictures that a stored training was shown, uint8 (m, h, w, c); None where it augmented nothing."""
    found = named_files(folder, ".npy")
    return np.load(found[0], allow_pickle=False) if found else None


def encode_evaluation(metrics: Mapping[str, Any], predictions: Mapping[str, np.ndarray]) -> Encoded:
    """Figures (plain JSON values) and the predictions behind them, such as `probabilities` (n, k) float32."""

    def write(folder: Path) -> None:
        (folder / "evaluation.json").write_bytes(canonical_json(metrics))
        for name, array in predictions.items():
            save_array(folder / f"{name}.npy", array)

    facts = {"accuracy": metrics["accuracy"], "predictions": sorted(predictions)}
    return Encoded("evaluation", digest_arrays(predictions, metrics), facts, write)


def read_evaluation(folder: Path) -> dict[str, Any]:
    """The figures of a stored evaluation."""
    figures: dict[str, Any] = json.loads((folder / "evaluation.json").read_bytes())
    return figures


def read_predictions(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of a stored evaluation by name."""
    return {path.stem: np.load(path, allow_pickle=False) for path in named_files(folder, ".npy")}


def encode_figures(pictures: Mapping[str, bytes]) -> Encoded:
    """Pictures by name, as PNG bytes."""

    def write(folder: Path) -> None:
        for name, content in pictures.items():
            (folder / f"{name}.png").write_bytes(content)

    arrays = {name: np.frombuffer(content, np.uint8) for name, content in pictures.items()}
    return Encoded("figures", digest_arrays(arrays), {"pictures": sorted(pictures)}, write)


def read_figures(folder: Path) -> dict[str, bytes]:
    """The stored pictures by name."""
    return {path.stem: path.read_bytes() for path in named_files(folder, ".png")}


# -- proof


def derive_digest(kind: str, folder: Path) -> str:
    """The digest of stored content, computed anew from the bytes: what `graft verify` compares with the name.

    Raises:
        ArtifactDamaged: the files cannot be read as that kind.
    """
    try:
        return _DERIVE[kind](folder)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as problem:
        raise ArtifactDamaged(f"{folder}: cannot be read as {kind}: {problem}") from problem


_DERIVE = {
    "pictures": derive_pictures,
    "dataset": derive_dataset,
    "features": derive_features,
    "inspection": derive_inspection,
    "rates": derive_rates,
    "model": lambda folder: model_digest(read_model(folder)),
    "history": lambda folder: encode_history(read_history(folder), read_shown(folder)).digest,
    "evaluation": lambda folder: encode_evaluation(read_evaluation(folder), read_predictions(folder)).digest,
    "figures": lambda folder: encode_figures(read_figures(folder)).digest,
}
