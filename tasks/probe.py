"""Which base, and where to cut it: linear probes and LogME on its activations, before anything is trained.

Not a step of the DAG. All candidates are asked the same questions, beside raw pixels and the constant answer, so that
they can be compared row by row. Activations are averaged over their places and kept in the store, as those of a
training are (`features.py`): probing again costs no pass through a network. Answers are remembered too: probing the
same again needs no network at all.
"""

import functools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import array_codecs, codecs
from artifacts.digest import digest_bytes
from artifacts.executions import Execution
from artifacts.refs import DatasetRef
from artifacts.store import Store
from tasks import progress
from tasks.device import device, prepare
from tasks.identity import identity
from tasks.probe_memory import remembered
from tasks.pure import frozen, logistic, plain_controls, probe_network, probing, session
from tasks.pure.data import rows
from tasks.pure.logme import logme
from tasks.pure.outlining import outline
from tasks.pure.paired import paired_difference
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
        network: takes it in: a Keras model, with a head or without one; it is grafted onto the target's images here.
        target: the images, as they are decoded for it.
        cuts: names of its layers; None stands for its top.
        origin: what `network` makes it of, as `identity` takes it: of the same origin is the same network. None where
            that is not known: its answers are not remembered then.
    """

    name: str
    network: Callable[[], "keras.Model"]
    target: DatasetRef
    cuts: tuple[str | None, ...] = (None,)
    origin: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Asked:
    """The rows that all candidates are asked about: some of the training part, and of the validation part."""

    train: Part
    validation: Part

    @property
    def digest(self) -> str:
        """Of the labels: equal where the same rows are asked about."""
        return digest_bytes(b"".join(np.asarray(part[1], "<i8").tobytes() for part in (self.train, self.validation)))


@dataclass(frozen=True)
class Questions:
    """What is the same for all candidates.

    Attributes:
        seed: of the rows that are drawn, of folds and projections.
        confidence: coverage of the intervals.
    """

    store: Store
    seed: int
    confidence: float

    def key(self, target: DatasetRef, **others: Any) -> dict[str, Any]:
        """What an answer depends on, as `identity` takes it. No name here is one of the fields of `Base`, which
        `identity` lays beside them."""
        own = {"target": target, "seed": self.seed, "confidence": self.confidence, "machine": device()}
        return {**own, **others}

    def asked(self, target: DatasetRef) -> Asked:
        return _asked(self.store.folder(target), self.seed)


def probe(candidates: Sequence[Candidate], seed: int, confidence: float, store: Store) -> dict[str, Any]:
    """Probe each base at each cut on the target's training part; the test part is not looked at.

    Returns:
        Plain JSON: `probes`, one for each base and cut with `base`, `cut`, `height` and `width` (pixels that the base
        sees), `features` (how many), `accuracy`, `low`, `high` (None where nothing could be held out), `how`, `logme`,
        `lead` over raw pixels (`paired_difference`; None where they were not asked about the same rows), `seconds`,
        `reused` (activations or answers from the store); `raw_pixels`, the same of the pixels, of that decoding of
        the pictures which holds the most of them; `constant` with `class`, `accuracy`, `low`, `high`; `num_rows`,
        `of`, `confidence`.

    Raises:
        BadData: a base whose features cannot be probed; SurgeryError, ValueError: no such cut.
    """
    questions = Questions(store, seed, confidence)
    targets = list(dict.fromkeys(candidate.target for candidate in candidates))
    for target in targets:
        store.check(target)
    richest = max(targets, key=lambda target: _values(store, target))
    began = time.perf_counter()
    pixels, _ = remembered(
        store, questions.key(richest, wanted="pixels"), lambda: _of_pixels(questions, questions.asked(richest))
    )
    told = _told(pixels, None, questions, time.perf_counter() - began)
    found = []
    for number, candidate in enumerate(candidates, 1):
        progress.tell(progress.Remark("probe", f"{number} of {len(candidates)}: {candidate.name}"))
        found += _of_candidate(candidate, questions, pixels)
    asked, facts = questions.asked(richest), store.manifest(richest).facts
    return {
        "probes": found,
        "raw_pixels": told,
        "constant": _constant(asked, facts["class_names"], confidence),
        "num_rows": len(asked.train[1]),
        "of": int(facts["counts"]["train"]),
        "confidence": confidence,
    }


def outlined(candidate: Candidate, store: Store) -> list[dict[str, Any]]:
    """The layers of a base, see `tasks/pure/outline.py`."""

    def taken_in() -> dict[str, Any]:
        prepare()
        session.fresh(0)
        progress.tell(progress.Remark("probe", f"looks for the layers of {candidate.name}"))
        return {"layers": outline(candidate.network())}

    key = None if candidate.origin is None else {"wanted": "layers", **candidate.origin}
    found, _ = remembered(store, key, taken_in)
    return list(found["layers"])


def _values(store: Store, target: DatasetRef) -> int:
    height, width, channels = store.manifest(target).facts["image_shape"]
    return int(height * width * channels)


def _asked(folder: Any, seed: int) -> Asked:
    def drawn(part: str) -> Part:
        images, labels = array_codecs.read_part(folder, part)
        if not len(labels):
            return images, labels
        places = logistic.bounded(labels, MOST_ROWS, session.derive(seed, "probe", part))
        return rows.chosen(rows.lazily(images), places), labels[places]

    return Asked(drawn("train"), drawn("validation"))


def _of_candidate(candidate: Candidate, questions: Questions, pixels: Mapping[str, Any]) -> list[dict[str, Any]]:
    @functools.cache
    def network() -> "keras.Model":
        prepare()
        session.fresh(questions.seed)
        images = questions.asked(candidate.target).train[0]
        return probe_network.headless(candidate.network(), images, questions.seed)

    found = []
    for cut in candidate.cuts:
        began = time.perf_counter()
        key = None if candidate.origin is None else questions.key(candidate.target, place=cut, **candidate.origin)
        answer, known = remembered(
            questions.store, key, functools.partial(_answer, network, cut, candidate.target, questions)
        )
        told = _told(answer, pixels, questions, time.perf_counter() - began)
        found.append({"base": candidate.name, "cut": cut, **told, "reused": known or answer["reused"]})
        at = f" up to `{cut}`" if cut else ""
        again = ", as found before" if known else ""
        progress.tell(progress.Remark("probe", f"  {candidate.name}{at}: {told['seconds']:.1f} s{again}"))
    return found


def _answer(
    network: Callable[[], "keras.Model"], cut: str | None, target: DatasetRef, questions: Questions
) -> dict[str, Any]:
    """What is found of one base, cut at one place; plain JSON."""
    whole, asked = network(), questions.asked(target)
    part = probe_network.up_to(whole, cut)
    of_train, of_validation, reused = _features(questions.store, part, target, asked, questions.seed)
    height, width = probe_network.seen(whole)
    return {**_probed(of_train, of_validation, asked, questions), "height": height, "width": width, "reused": reused}


def _of_pixels(questions: Questions, asked: Asked) -> dict[str, Any]:
    of_train, of_validation = (plain_controls.shrunk(part[0]) for part in (asked.train, asked.validation))
    height, width = (min(side, plain_controls.SIDE) for side in asked.train[0].shape[1:3])
    return {**_probed(of_train, of_validation, asked, questions), "height": height, "width": width}


def _probed(of_train: np.ndarray, of_validation: np.ndarray, asked: Asked, questions: Questions) -> dict[str, Any]:
    """The probe, LogME, and the number of features."""
    labels, held_out = asked.train[1], (of_validation, asked.validation[1])
    found = probing.linear_probe(
        of_train,
        labels,
        questions.seed,
        held_out=held_out if len(held_out[1]) else None,
        confidence=questions.confidence,
    )
    with logistic.settled():  # one thread: the same bits on any machine of this kind
        score = logme(of_train, labels)
    right = None if found.right is None else [int(each) for each in found.right]
    return {
        **{name: value for name, value in asdict(found).items() if name != "right"},
        "right": right,
        "logme": score,
        "features": of_train.shape[1],
        "asked": asked.digest,
    }


def _told(
    answer: Mapping[str, Any], pixels: Mapping[str, Any] | None, questions: Questions, seconds: float
) -> dict[str, Any]:
    lead = None
    if pixels and pixels["asked"] == answer["asked"] and pixels["right"] and answer["right"]:
        right, other = (np.array(each["right"], bool) for each in (answer, pixels))
        lead = paired_difference(other, right, confidence=questions.confidence, bootstrap=BOOTSTRAP)
    names = ("height", "width", "features", "accuracy", "low", "high", "how", "logme")
    return {**{name: answer[name] for name in names}, "lead": lead, "seconds": round(seconds, 3)}


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
    chosen = {"averaged": number, "seed": seed}
    # Which rows are asked, and how their activations are averaged, is decided here.
    own = identity("features", {"frozen": codecs.model_digest(part), "target": target, **chosen}, store, maker="probe")
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


def _averaged(part: "keras.Model", images: rows.Images) -> np.ndarray:
    """float32 (n, c), a batch at a time: maps of many images would not fit in memory."""
    blocks = [probing.pooled(block) for block in frozen.Activations(part, images).blocks()]
    width = int(part.output_shape[-1])
    return np.concatenate([np.empty((0, width), np.float32), *(np.asarray(block, np.float32) for block in blocks)])
