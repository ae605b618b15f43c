"""Which base, and where to cut it: linear probes and LogME on its activations, before anything is trained.

Not a step of the DAG. All candidates are asked the same questions, beside raw pixels and the constant answer, so that
they can be compared row by row. Activations are averaged over their places and kept in the store, as those of a
training are (`features.py`): probing again costs no pass through a network.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import array_codecs, codecs
from artifacts.executions import Execution
from artifacts.refs import DatasetRef
from artifacts.store import Store
from tasks import progress
from tasks.device import prepare
from tasks.identity import identity
from tasks.pure import frozen, logistic, plain_controls, probing, session
from tasks.pure.data import rows
from tasks.pure.logme import logme
from tasks.pure.paired import paired_difference
from tasks.pure.probing import Probe
from tasks.pure.training import Part
from tasks.reusing import stored

if TYPE_CHECKING:
    import keras

# So many that no candidate, however wide, is asked fewer.
MOST_ROWS = probing.MOST_VALUES // probing.MOST_FEATURES
BOOTSTRAP = 1000


@dataclass(frozen=True)
class Candidate:
    """A base to be probed.

    Attributes:
        name: what people call it.
        network: makes it: a Keras model that takes the target's images as they are and ends in features.
        cuts: names of its layers; None stands for its top.
    """

    name: str
    network: Callable[[], "keras.Model"]
    cuts: tuple[str | None, ...] = (None,)


@dataclass(frozen=True)
class Asked:
    """The rows that all candidates are asked about: some of the training part, and of the validation part."""

    train: Part
    validation: Part


def probe(
    candidates: Sequence[Candidate], target: DatasetRef, seed: int, confidence: float, store: Store
) -> dict[str, Any]:
    """Probe each base at each cut on the target's training part; the test part is not looked at.

    Returns:
        Plain JSON: `probes`, one for each base and cut with `base`, `cut`, `features` (how many), `accuracy`, `low`,
        `high` (None where nothing could be held out), `how`, `logme`, `lead` over raw pixels (`paired_difference`, or
        None), `seconds`, `reused` (activations from the store); `raw_pixels`, the same of the pixels; `constant` with
        `class`, `accuracy`, `low`, `high`; `num_rows`, `of`, `confidence`.

    Raises:
        BadData: a base whose features cannot be probed; SurgeryError, ValueError: no such cut.
    """
    prepare()
    folder = store.folder(target)
    store.check(target)
    asked = _asked(folder, seed)
    began = time.perf_counter()
    pixels = _probed(
        plain_controls.shrunk(asked.train[0]), plain_controls.shrunk(asked.validation[0]), asked, seed, confidence
    )
    told = _told(*pixels, None, confidence, time.perf_counter() - began)
    found = []
    for candidate in candidates:
        found += _of_candidate(store, candidate, target, asked, pixels[0], seed, confidence)
    return {
        "probes": found,
        "raw_pixels": told,
        "constant": _constant(asked, store.manifest(target).facts["class_names"], confidence),
        "num_rows": len(asked.train[1]),
        "of": int(store.manifest(target).facts["counts"]["train"]),
        "confidence": confidence,
    }


def _asked(folder: Any, seed: int) -> Asked:
    def drawn(part: str) -> Part:
        images, labels = array_codecs.read_part(folder, part)
        if not len(labels):
            return images, labels
        places = logistic.bounded(labels, MOST_ROWS, session.derive(seed, "probe", part))
        return rows.chosen(rows.lazily(images), places), labels[places]

    return Asked(drawn("train"), drawn("validation"))


def _of_candidate(
    store: Store, candidate: Candidate, target: DatasetRef, asked: Asked, pixels: Probe, seed: int, confidence: float
) -> list[dict[str, Any]]:
    session.fresh(seed)
    network, found = candidate.network(), []
    for cut in candidate.cuts:
        began = time.perf_counter()
        part = frozen.frozen_part(network, cut) or _top(network)
        of_train, of_validation, reused = _features(store, part, target, asked, seed)
        told = _told(
            *_probed(of_train, of_validation, asked, seed, confidence), pixels, confidence, time.perf_counter() - began
        )
        found.append({"base": candidate.name, "cut": cut, **told, "reused": reused})
        at = f" up to `{cut}`" if cut else ""
        progress.tell(progress.Remark("probe", f"{candidate.name}{at}: {told['seconds']:.1f} s"))
    return found


def _probed(
    of_train: np.ndarray, of_validation: np.ndarray, asked: Asked, seed: int, confidence: float
) -> tuple[Probe, float, int]:
    """The probe, LogME, and the number of features."""
    labels, held_out = asked.train[1], (of_validation, asked.validation[1])
    found = probing.linear_probe(
        of_train, labels, seed, held_out=held_out if len(held_out[1]) else None, confidence=confidence
    )
    with logistic.settled():  # one thread: the same bits on any machine of this kind
        return found, logme(of_train, labels), of_train.shape[1]


def _told(
    found: Probe, score: float, features: int, pixels: Probe | None, confidence: float, seconds: float
) -> dict[str, Any]:
    lead = None
    if pixels is not None and pixels.right is not None and found.right is not None:
        lead = paired_difference(pixels.right, found.right, confidence=confidence, bootstrap=BOOTSTRAP)
    figures = {"accuracy": found.accuracy, "low": found.low, "high": found.high, "how": found.how}
    return {"features": features, **figures, "logme": score, "lead": lead, "seconds": round(seconds, 3)}


def _constant(asked: Asked, class_names: Sequence[str], confidence: float) -> dict[str, Any]:
    """The training labels' most frequent class, as an answer to the very rows."""
    labels = asked.train[1]
    majority = int(np.bincount(labels).argmax())
    judged = probing.judged(labels == majority, confidence, "")
    return {"class": class_names[majority], "accuracy": judged.accuracy, "low": judged.low, "high": judged.high}


def _features(
    store: Store, part: "keras.Model", target: DatasetRef, asked: Asked, seed: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Activations of both parts, averaged over their places; whether they came from the store."""
    number = len(asked.train[1])
    own = identity(
        "features", {"frozen": codecs.model_digest(part), "target": target, "averaged": number, "seed": seed}, store
    )
    found = stored(store, own, "features")
    if found:
        folder = store.folder(found)
        of_train, of_validation = (array_codecs.read_features(folder, name) for name in array_codecs.FEATURE_PARTS)
        return of_train, of_validation, True
    began = time.perf_counter()
    made = [_averaged(part, images) for images in (asked.train[0], asked.validation[0])]
    output = store.put(array_codecs.encode_features(dict(zip(array_codecs.FEATURE_PARTS, made, strict=True))))
    store.record(Execution(own, {"features": output}, round(time.perf_counter() - began, 3), {}))
    return made[0], made[1], False


def _top(network: "keras.Model") -> "keras.Model":
    """All of it, under the name of its parts: the same layers have the same key, however they are asked for."""
    import keras

    return keras.Model(network.inputs[0], network.outputs[0], name="frozen")


def _averaged(part: "keras.Model", images: rows.Images) -> np.ndarray:
    """float32 (n, c), a batch at a time: maps of many images would not fit in memory."""
    blocks = [probing.pooled(block) for block in frozen.Activations(part, images).blocks()]
    width = int(part.output_shape[-1])
    return np.concatenate([np.empty((0, width), np.float32), *(np.asarray(block, np.float32) for block in blocks)])
