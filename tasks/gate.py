"""The gate: may a challenger take the champion's place? Judged on images that neither was trained on. Never cached.

The images are the *gate split* of the challenger's target (`target.gate`), taken from the training data by hash of the
image, so that an image stays on its side when data is added; never the test images. What either network was trained
on is taken out once more, image by image: the champion may come from a recipe with a smaller gate, or from none.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from artifacts import array_codecs
from artifacts.past import PastRun
from tasks.device import prepare
from tasks.pure import inference
from tasks.pure.data.rows import Images, chosen, lazily
from tasks.pure.gate import non_inferiority


@dataclass(frozen=True)
class Decision:
    """What the gate decided.

    Attributes:
        promoted: whether the challenger takes the champion's place.
        outcome: `no gate split`, `no champion`, `same model`, `other classes`, `other input shape`, `not worse` or
            `worse`.
        message: the decision in words.
        evidence: figures behind it, plain JSON; empty where nothing was measured.
    """

    promoted: bool
    outcome: str
    message: str
    evidence: dict[str, Any]


def judge(challenger: PastRun, champion: PastRun | None, margin: float, confidence: float) -> Decision:
    """Compare the two on the gate split.

    Args:
        challenger, champion: completed runs; no champion where there is none yet.
        margin: the loss of accuracy that is still no loss.
        confidence: one less the accepted share of wrong promotions.

    Raises:
        StoreError: an artifact of either was collected or damaged.
    """
    mapped, labels = array_codecs.read_part(challenger.folder("load_data.target", "dataset"), "gate")
    images = lazily(mapped)
    if not len(labels):
        stays = "The champion stays." if champion else "There is no champion yet, and none was made."
        return Decision(False, "no gate split", f"No gate split: `target.gate` is 0. {stays}", {})
    if champion is None:
        return Decision(True, "no champion", "No champion yet: the challenger is the first one.", {})
    if challenger.ref("fine_tune", "model") == champion.ref("fine_tune", "model"):
        return Decision(False, "same model", "The challenger is the champion's very model. The champion stays.", {})
    return _misfit(challenger, champion) or _compare(challenger, champion, (images, labels), margin, confidence)


def _misfit(challenger: PastRun, champion: PastRun) -> Decision | None:
    """Why the two answer different questions, if they do."""
    ours, theirs = (run.store.manifest(run.ref("load_data.target", "dataset")).facts for run in (challenger, champion))
    for fact, what in (("class_names", "classes"), ("image_shape", "input shape")):
        if ours[fact] != theirs[fact]:
            message = f"Other {what}: {ours[fact]} against the champion's {theirs[fact]}. The champion stays."
            return Decision(False, f"other {what}", message, {"challenger": ours[fact], "champion": theirs[fact]})
    return None


def _compare(
    challenger: PastRun, champion: PastRun, gate: tuple[Images, np.ndarray], margin: float, confidence: float
) -> Decision:
    images, labels = gate
    unseen = _unseen(images, _trained_on(challenger) | _trained_on(champion))
    if not unseen.any():
        message = "No gate split: each of its images was trained on by one of the two. The champion stays."
        return Decision(False, "no gate split", message, {"num_gate": 0, "excluded": len(labels)})
    prepare()
    right = [_right(run, chosen(images, unseen), labels[unseen]) for run in (champion, challenger)]
    found = non_inferiority(right[0], right[1], margin=margin, confidence=confidence)
    evidence = {**found, "excluded": int(len(labels) - unseen.sum())}
    outcome = "not worse" if found["promoted"] else "worse"
    return Decision(bool(found["promoted"]), outcome, _words(evidence), evidence)


def _right(run: PastRun, images: Images, labels: np.ndarray) -> np.ndarray:
    return inference.probabilities(run.model(), images).argmax(axis=1) == labels


def _trained_on(run: PastRun) -> set[bytes]:
    """Digests of all images that the run's trainings saw."""
    folders = [run.folder(step, "dataset") for step in ("load_data.source", "load_data.target")]
    parts = [array_codecs.read_part(folder, part)[0] for folder in folders for part in ("train", "validation")]
    return {digest for images in parts for digest in _digests(lazily(images))}


def _unseen(images: Images, seen: set[bytes]) -> np.ndarray:
    return np.fromiter((digest not in seen for digest in _digests(images)), bool, len(images))


def _digests(images: Images) -> list[bytes]:
    return [hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest() for image in images]


def _words(evidence: dict[str, Any]) -> str:
    points, margin = 100 * evidence["difference"], 100 * evidence["margin"]
    figures = (
        f"{100 * evidence['challenger_accuracy']:.1f} % against {100 * evidence['champion_accuracy']:.1f} % of "
        f"{evidence['num_gate']:,} gate images, {points:+.1f} points; worse by {margin:g} points or more: p = "
        f"{evidence['p']:.3g}"
    )
    if evidence["promoted"]:
        return f"Not worse ({figures}). The challenger takes the champion's place."
    return f"Not shown to be as good ({figures}; needed {1 - evidence['confidence']:.3g}). The champion stays."
