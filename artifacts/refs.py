"""References: what passes between steps instead of models, arrays and paths.

A reference is a kind and a digest, frozen, and plain JSON at heart. Who holds one can ask a store for the bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

CHAMPION = "champion"  # the pointer that is meant where no other one is named, see `champions.py`


@dataclass(frozen=True)
class Ref:
    """A pointer to an artifact: its kind (by class) and the digest of its content (`sha256:…`)."""

    digest: str
    kind: ClassVar[str] = "artifact"

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "digest": self.digest}


@dataclass(frozen=True)
class DatasetRef(Ref):
    """Images and labels of one task, split."""

    kind: ClassVar[str] = "dataset"


@dataclass(frozen=True)
class PicturesRef(Ref):
    """Decoded pictures, before any is chosen for a task."""

    kind: ClassVar[str] = "pictures"


@dataclass(frozen=True)
class InspectionRef(Ref):
    """What was found in the data: counts, duplicates, ranges, contact sheets."""

    kind: ClassVar[str] = "inspection"


@dataclass(frozen=True)
class ModelRef(Ref):
    """A Keras network: config, weights and trainable flags, uncompiled."""

    kind: ClassVar[str] = "model"


@dataclass(frozen=True)
class FeaturesRef(Ref):
    """What the frozen part of a network makes of a data set's images."""

    kind: ClassVar[str] = "features"


@dataclass(frozen=True)
class HistoryRef(Ref):
    """Loss and accuracy, an epoch a row."""

    kind: ClassVar[str] = "history"


@dataclass(frozen=True)
class RatesRef(Ref):
    """A search for a learning rate: loss against rate, and its picture."""

    kind: ClassVar[str] = "rates"


@dataclass(frozen=True)
class EvaluationRef(Ref):
    """Figures on the test split, and the predictions that they were computed from."""

    kind: ClassVar[str] = "evaluation"


@dataclass(frozen=True)
class FiguresRef(Ref):
    """The pictures of a report."""

    kind: ClassVar[str] = "figures"


KINDS: Mapping[str, type[Ref]] = {
    each.kind: each
    for each in (
        PicturesRef,
        DatasetRef,
        InspectionRef,
        ModelRef,
        FeaturesRef,
        RatesRef,
        HistoryRef,
        EvaluationRef,
        FiguresRef,
    )
}


def ref_from_json(value: Mapping[str, Any]) -> Ref:
    """The reference that `to_json` wrote.

    Raises:
        ValueError: no such kind, or no digest.
    """
    kind, digest = value.get("kind"), value.get("digest")
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(digest, str):
        raise ValueError(f"Expected a reference with a kind of {', '.join(KINDS)} and a digest, found {value!r}.")
    return KINDS[kind](digest)


@dataclass(frozen=True)
class StepResult:
    """What a step returns: the key it ran under and its outputs, each named by its kind, the main one first."""

    key: str
    outputs: Mapping[str, Ref]

    def __getitem__(self, name: str) -> Ref:
        return self.outputs[name]
