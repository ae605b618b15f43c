"""Proof that a saved network is the network: what differs is named, or nothing is said."""

import json
from typing import TYPE_CHECKING

import numpy as np

from tasks.pure.errors import ContractBroken
from tasks.pure.layers import leaves, listed

if TYPE_CHECKING:
    import keras

PROBE_IMAGES = 16


def check_same(given: "keras.Model", reloaded: "keras.Model", seed: int) -> None:
    """Config, weights, the leaves' trainable flags and predictions on a probe batch are the same, bit for bit.

    The probe is `PROBE_IMAGES` images of uniform noise, 0 to 255, of the network's input shape, drawn from `seed`.

    Raises:
        ContractBroken: names what differs.
    """
    differences = [*_config(given, reloaded), *_weights(given, reloaded), *_flags(given, reloaded)]
    if not differences and not np.array_equal(_predict(given, seed), _predict(reloaded, seed)):
        differences = ["predictions on the probe batch"]
    if differences:
        raise ContractBroken(
            f"The saved file is not the model that was given: different {listed(differences)}. "
            "A layer of the network does not save itself completely; use Keras' built-in layers."
        )


def check_digest(expected: str, found: str, what: str) -> None:
    """Raises ContractBroken where two digests differ."""
    if expected != found:
        raise ContractBroken(f"Expected {what} to have the digest {expected}, found {found}: it changed.")


def _config(given: "keras.Model", reloaded: "keras.Model") -> list[str]:
    one, two = (json.dumps(model.get_config(), sort_keys=True, default=str) for model in (given, reloaded))
    return [] if one == two else ["config"]


def _weights(given: "keras.Model", reloaded: "keras.Model") -> list[str]:
    one, two = dict(leaves(given)), dict(leaves(reloaded))
    if list(one) != list(two):
        return ["layers"]
    return [f"weights of {path}" for path in one if not _equal(one[path].get_weights(), two[path].get_weights())]


def _equal(one: list[np.ndarray], two: list[np.ndarray]) -> bool:
    return len(one) == len(two) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(one, two, strict=True)
    )


def _flags(given: "keras.Model", reloaded: "keras.Model") -> list[str]:
    two = dict(leaves(reloaded))
    return [
        f"trainable flag of {path}"
        for path, leaf in leaves(given)
        if path in two and leaf.weights and leaf.trainable != two[path].trainable
    ]


def _predict(model: "keras.Model", seed: int) -> np.ndarray:
    generator = np.random.Generator(np.random.PCG64(seed))
    probe = generator.uniform(0, 255, (PROBE_IMAGES, *model.input_shape[1:])).astype(np.float32)
    return np.asarray(model(probe, training=False))
