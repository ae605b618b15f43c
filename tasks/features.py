"""What the frozen part of a network makes of the target's images: computed once, stored, reused.

Not a step of the DAG but an execution of its own, under a key of the frozen part's digest and the data's: every later
training on the same base, cut and data finds it, whatever its other parameters are.
"""

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts import array_codecs, codecs
from artifacts.digest import digest_json
from artifacts.errors import StoreError
from artifacts.executions import Execution
from artifacts.refs import DatasetRef, Ref
from artifacts.store import Store
from tasks.identity import identity
from tasks.pure import frozen
from tasks.pure.data.rows import Images, lazily
from tasks.pure.training import Part

if TYPE_CHECKING:
    import keras

    from tasks.execution import StepExecution


def parts(step: "StepExecution", below: "keras.Model | None", target: DatasetRef) -> tuple[Part, Part]:
    """Training and validation part for `step`: the images, or what `below` makes of them; and labels.

    Args:
        below: the frozen part of the step's network, see `tasks/pure/frozen.py`. The step makes it, so that the code
            that computes activations is part of the step's key.
    """
    images = step.part(target, "train"), step.part(target, "validation")
    if below is None:
        return images
    activations = _stored_or_new(step, below, target, images)
    train, validation = ((part, labels) for part, (_, labels) in zip(activations, images, strict=True))
    return train, validation


def _stored_or_new(
    step: "StepExecution", part: "keras.Model", target: DatasetRef, images: tuple[Part, Part]
) -> list[Images]:
    own = identity("features", {"frozen": codecs.model_digest(part), "target": target}, step.store)
    found = _stored(step.store, own)
    if found:
        step.note("features", {**found.to_json(), "key": digest_json(own), "reused": True, "seconds": 0.0})
        step.remark(f"takes the frozen layers' activations up to `{step.path.cut}` from the store")
        return _read(step.store.folder(found))
    began = time.perf_counter()
    with _made(step.store, part, images) as made:
        output = step.store.put(array_codecs.encode_features(dict(zip(array_codecs.FEATURE_PARTS, made, strict=True))))
    seconds = round(time.perf_counter() - began, 3)
    step.store.record(Execution(own, {"features": output}, seconds, {}))
    step.note("features", {**output.ref.to_json(), "key": digest_json(own), "reused": False, "seconds": seconds})
    step.remark(f"computed the frozen layers' activations up to `{step.path.cut}` once, in {seconds:.1f} s")
    return _read(step.store.folder(output.ref))


@contextmanager
def _made(store: Store, part: "keras.Model", images: tuple[Part, Part]) -> Iterator[list[Images]]:
    """What `part` makes of both parts' images, written a batch at a time: it may be larger than memory."""
    folder = store.scratch / f"features-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        for name, (pixels, _) in zip(array_codecs.FEATURE_PARTS, images, strict=True):
            array_codecs.save_array(folder / f"{name}.npy", frozen.Activations(part, pixels))
        yield _read(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read(folder: Path) -> list[Images]:
    return [lazily(array_codecs.read_features(folder, name)) for name in array_codecs.FEATURE_PARTS]


def _stored(store: Store, own: dict[str, Any]) -> Ref | None:
    """The activations of an earlier training, if they are sound; held against a `graft gc` at this moment."""
    try:
        execution = store.sound_execution(digest_json(own))
    except StoreError:
        return None
    return execution.refs()["features"] if store.use(execution) else None
