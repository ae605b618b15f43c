"""What the frozen part of a network makes of the target's images: computed once, stored, reused.

Not a step of the DAG but an execution of its own, under a key of the frozen part's digest and the data's: every later
training on the same base, cut and data finds it, whatever its other parameters are. Those of augmented copies are kept
under what augments them and the step's seed, too.
"""

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from artifacts import array_codecs, codecs
from artifacts.digest import digest_json
from artifacts.executions import Execution
from artifacts.refs import DatasetRef, Ref
from artifacts.store import Store
from tasks.identity import identity
from tasks.pure import copies, frozen
from tasks.pure.data.rows import Images, lazily
from tasks.pure.training import Part, Training
from tasks.reusing import once

if TYPE_CHECKING:
    import keras

    from tasks.execution import StepExecution


def parts(
    step: "StepExecution", below: "keras.Model | None", target: DatasetRef, training: Training, seed: int
) -> tuple[Part, Part]:
    """Training and validation part for `step`: the images, or what `below` makes of them; and labels.

    With `training.augment_copies` the training part is what `below` makes of so many augmented copies, one after
    another.

    Args:
        below: the frozen part of the step's network, see `tasks/pure/frozen.py`. The step makes it, so that the code
            that computes activations is part of the step's key.
        seed: the step's own, for the copies.
    """
    images = step.part(target, "train"), step.part(target, "validation")
    if below is None:
        return images
    train, validation = _stored_or_new(step, below, target, images, training, seed)
    labels = np.tile(images[0][1], training.augment_copies or 1)
    return (train, labels), (validation, images[1][1])


def _stored_or_new(
    step: "StepExecution",
    part: "keras.Model",
    target: DatasetRef,
    images: tuple[Part, Part],
    training: Training,
    seed: int,
) -> list[Images]:
    drawn: dict[str, Any] = {}
    if training.augment_copies:
        drawn = {"augment": training.augment, "copies": training.augment_copies, "seed": seed}
    own = identity("features", {"frozen": codecs.model_digest(part), "target": target, **drawn}, step.store)
    seconds = 0.0

    def make() -> Ref:
        nonlocal seconds
        began = time.perf_counter()
        with _made(step.store, _activations(part, images, training, seed)) as made:
            named = dict(zip(array_codecs.FEATURE_PARTS, made, strict=True))
            output = step.store.put(array_codecs.encode_features(named))
        seconds = round(time.perf_counter() - began, 3)
        step.store.record(Execution(own, {"features": output}, seconds, {}))
        return output.ref

    ref, reused = once(step.store, own, "features", step.remark, make)
    step.note("features", {**ref.to_json(), "key": digest_json(own), "reused": reused, "seconds": seconds})
    layers = f"the frozen layers' activations up to `{step.path.cut}`"
    step.remark(f"takes {layers} from the store" if reused else f"computed {layers} once, in {seconds:.1f} s")
    return _read(step.store.folder(ref))


@contextmanager
def _made(
    store: Store, activations: Sequence["frozen.Activations | copies.ActivationsOfCopies"]
) -> Iterator[list[Images]]:
    """The activations of both parts, written a batch at a time: they may be larger than memory."""
    folder = store.scratch / f"features-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        for name, made in zip(array_codecs.FEATURE_PARTS, activations, strict=True):
            array_codecs.save_array(folder / f"{name}.npy", made)
        yield _read(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _activations(
    part: "keras.Model", images: tuple[Part, Part], training: Training, seed: int
) -> list["frozen.Activations | copies.ActivationsOfCopies"]:
    (train, _), (validation, _) = images
    number = training.augment_copies
    of_train = (
        copies.ActivationsOfCopies(part, train, training.augment, number, seed)
        if number
        else frozen.Activations(part, train)
    )
    return [of_train, frozen.Activations(part, validation)]


def _read(folder: Path) -> list[Images]:
    return [lazily(array_codecs.read_features(folder, name)) for name in array_codecs.FEATURE_PARTS]
