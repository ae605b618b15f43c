"""Pictures to arrays, once: an execution of its own, under a key of the files' content and the way they are decoded.

Not a step of the DAG: `load_data` asks for it, and every later one with the same files and the same decoding finds it.
Where some of the files were decoded in the same way before, their rows are copied: adding 100 pictures decodes 100.
"""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artifacts.digest import PREFIX, digest_json
from artifacts.errors import DataError, StoreError
from artifacts.executions import Execution
from artifacts.picture_codecs import Pictures, encode_pictures, read_pictures
from artifacts.refs import PicturesRef, Ref
from artifacts.sealed import write_atomically
from artifacts.store import Store
from tasks import progress
from tasks.device import cores
from tasks.execution import StepExecution
from tasks.identity import identity
from tasks.pictures.array import Array
from tasks.pictures.listing import by_content
from tasks.pictures.names import printable
from tasks.pictures.remembered import content_of
from tasks.pure.data.decoding import Decoding, NoMemory, decode
from tasks.pure.data.listed import Listed
from tasks.pure.errors import BadData
from tasks.reusing import once

BATCH = 16  # pictures that a thread takes at a time
REMEMBERED = 4  # earlier artifacts of one decoding that are looked at for rows
SOMEWHERE = "<file>"  # in a stored reason: the same content may lie under any name


@dataclass(frozen=True)
class Decoded:
    """Pictures as arrays.

    Attributes:
        images: (n, height, width, channels) uint8, mapped.
        rows: hex SHA-256 of a file → its row.
        damaged: path of a file that could not be decoded → why, in the order of the files.
    """

    images: np.ndarray
    rows: Mapping[str, int]
    damaged: Mapping[str, str]


def decoded(step: StepExecution, wanted: Sequence[Listed], decoding: Decoding) -> Decoded:
    """The pictures of `wanted`, each content once, from the store as far as it has them.

    Args:
        step: the step that asks: it is told how far this is, and notes what was used.

    Raises:
        DataError: a file is gone, or was replaced while it was read.
    """
    readable = [each for each in wanted if each.header.format]
    held = _pictures(step, sorted(by_content(readable)), decoding)
    damaged = {printable(each.path): _why_unreadable(each, decoding) for each in wanted if not each.header.format}
    damaged |= {
        printable(each.path): held.damaged[each.sha256].replace(SOMEWHERE, printable(each.path), 1)
        for each in readable
        if each.sha256 in held.damaged
    }
    return Decoded(held.images, held.rows(), damaged)


def _why_unreadable(each: Listed, decoding: Decoding) -> str:
    """What decoding says of a file without a header; that it could be decoded after all is no reason to trust it."""
    try:
        decode(content_of(each.path)[0], printable(each.path), decoding)
    except (BadData, DataError) as problem:  # the latter of a file that is too large to be read as a picture
        return str(problem)
    return f"{printable(each.path)}: expected a picture, found a file whose header cannot be read. Save it anew."


def _pictures(step: StepExecution, files: Sequence[Listed], decoding: Decoding) -> Pictures:
    own = identity(
        "decode", {"pictures": digest_json([each.sha256 for each in files]), "decoding": decoding}, step.store
    )
    new: list[int] = []

    def make() -> Ref:
        began = time.perf_counter()
        with Array(step.store.scratch, len(files), decoding) as array:
            _copy(step.store, own, files, array)
            new.extend(place for place, file in enumerate(files) if not array.has(place, file.sha256))
            _decode_all(step, new, files, decoding, array)
            output = step.store.put(encode_pictures(array.pictures([each.sha256 for each in files]), array.path))
        step.store.record(Execution(own, {"pictures": output}, round(time.perf_counter() - began, 3), {}))
        _remember(step.store, own, output.ref)
        return output.ref

    ref, _ = once(step.store, own, "pictures", step.remark, make)
    _note(step, ref, own, len(files) - len(new), len(new))
    return read_pictures(step.store.folder(ref))


def _note(step: StepExecution, ref: Ref, own: Mapping[str, Any], reused: int, new: int) -> None:
    step.note("pictures", {**ref.to_json(), "key": digest_json(own), "reused": reused, "decoded": new})
    if new:
        step.remark(
            f"decoded {new:,} of {reused + new:,} pictures" + (", the others were decoded before" if reused else "")
        )


def _decode_all(
    step: StepExecution, places: Sequence[int], files: Sequence[Listed], decoding: Decoding, array: Array
) -> None:
    """Decode the files at `places` on all cores into `array`. Pillow lets other threads run while it works."""
    began = time.perf_counter()
    batches = [places[start : start + BATCH] for start in range(0, len(places), BATCH)]

    def work(batch: Sequence[int]) -> int:
        for place in batch:
            _decode_one(files[place], place, decoding, array)
        return len(batch)

    pool = ThreadPoolExecutor(cores())
    try:
        done = 0
        for count in pool.map(work, batches):
            done += count
            progress.tell(progress.Counting(step.step, "decoded", done, len(places), time.perf_counter() - began))
    finally:
        pool.shutdown(cancel_futures=True)


def _decode_one(file: Listed, place: int, decoding: Decoding, array: Array) -> None:
    content, sha256 = content_of(file.path)
    if sha256 != file.sha256:
        raise DataError(
            f"{printable(file.path)} was replaced while the pictures were read. Run again when they are at rest."
        )
    # Only Targa is known by its name alone; any other name must not decide what becomes of a content.
    name = f"{SOMEWHERE}.tga" if file.header.format == "TGA" else SOMEWHERE
    try:
        array.put(place, decode(content, name, decoding).pixels)
    except NoMemory as problem:  # says nothing of the file
        raise DataError(str(problem).replace(name, printable(file.path), 1)) from None
    except BadData as problem:
        array.damaged[sha256] = str(problem).replace(name, SOMEWHERE, 1)


def _copy(store: Store, own: Mapping[str, Any], files: Sequence[Listed], array: Array) -> None:
    """Copy what earlier artifacts of the same decoding hold."""
    places = {each.sha256: place for place, each in enumerate(files)}
    for ref in _remembered(store, own):
        try:
            store.check(ref)
        except StoreError:
            continue
        array.copy(read_pictures(store.folder(ref)), places)


def _memory(store: Store, own: Mapping[str, Any]) -> Path:
    """Where it is remembered which artifacts hold pictures that were decoded in one way, by the same code."""
    same = {**own, "parameters": {**own["parameters"], "pictures": None}}
    return store.cache / "decoded" / digest_json(same).removeprefix(PREFIX)


def _remembered(store: Store, own: Mapping[str, Any]) -> list[Ref]:
    with suppress(OSError, ValueError, TypeError):
        digests = json.loads(_memory(store, own).read_bytes())
        return [PicturesRef(str(digest)) for digest in digests]
    return []


def _remember(store: Store, own: Mapping[str, Any], ref: Ref) -> None:
    others = [each.digest for each in _remembered(store, own) if each != ref]
    with suppress(OSError):
        write_atomically(_memory(store, own), json.dumps([ref.digest, *others][:REMEMBERED]).encode(), store.scratch)
