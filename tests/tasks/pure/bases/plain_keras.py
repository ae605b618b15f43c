"""Keras alone, in a process of its own that has no graft: what it makes of a network that graft wrote."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np

from artifacts import codecs
from tasks.device import cores

if TYPE_CHECKING:
    import keras

# It answers one folder after another: starting TensorFlow once for each would be a minute for all families.
_PROCESS = """
import sys
import keras, tensorflow as tf
import numpy as np
threading = tf.config.threading
threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
threading.set_inter_op_parallelism_threads(int(sys.argv[1]))
for line in sys.stdin:
    folder = line.rstrip("\\n")
    keras.utils.clear_session()
    model = keras.saving.load_model(folder + "/model.keras")
    both = keras.Model(model.inputs[0], [model.get_layer("head").input, model.outputs[0]])
    own = all(type(layer).__module__.startswith("keras.src.layers.") for layer in model.layers)
    features, answers = both(np.load(folder + "/pictures.npy"), training=False)
    np.savez(folder + "/plain.npz", features=features, answers=answers, own=own)
    print("done", flush=True)
"""


class PlainKeras:
    """The process; `with` ends it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        threads = os.environ.get("GRAFT_THREADS") or str(cores())  # their number may change the last bits
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROCESS, threads],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,  # graft cannot be imported there
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"},
        )

    def __enter__(self) -> "PlainKeras":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()
        assert self._process.returncode == 0

    def check_equal(self, model: "keras.Model", pictures: np.ndarray, exported: Path | None = None) -> None:
        """`model` gives the same features and the same answers there, bit for bit, and holds only layers of Keras' own.

        Args:
            exported: the folder of a `graft export` of it; without one it is written here, by the same function.
        """
        import keras

        folder = exported or self._written(model)
        np.save(folder / "pictures.npy", pictures.astype(np.float32))
        self._ask(folder)
        below = keras.Model(model.inputs[0], [model.get_layer("head").input, model.outputs[0]])
        features, answers = below(pictures.astype(np.float32), training=False)
        with np.load(folder / "plain.npz") as plain:
            assert plain["own"]
            assert np.ptp(plain["features"]) > 0
            assert np.array_equal(plain["features"], features)
            assert np.array_equal(plain["answers"], answers)

    def _written(self, model: "keras.Model") -> Path:
        folder = self._folder / f"network-{len(list(self._folder.iterdir()))}"
        folder.mkdir()
        codecs.write_model(model, folder / "model.keras")
        return folder

    def _ask(self, folder: Path) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{folder}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n", "plain Keras could not read it"
