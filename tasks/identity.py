"""When are two executions of a step the same? When their identities are, and so their keys.

    key = SHA-256 of canonical JSON of: step · code · inputs · data · parameters · seed · versions · device · path

Both Prefect's key function (`caching.py`) and `graft plan` ask here, with the arguments that the task gets; neither
TensorFlow nor Prefect is imported.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artifacts.digest import canonical_json
from artifacts.refs import Ref
from artifacts.remembered import file_sha256
from artifacts.store import Store
from tasks.choosing import choose
from tasks.device import device
from tasks.fingerprint import Fingerprint, fingerprint
from tasks.pure import outline
from tasks.pure.bases.base import Base
from tasks.pure.errors import SurgeryError
from tasks.pure.execution_path import FeatureCache
from tasks.pure.layer_choice import LayerChoices, Reuse, TrainableChoice
from tasks.pure.tuning import TuningChoice

if TYPE_CHECKING:
    from tasks.pictures.listing import Listing

# Steps that compute with tensors: their bits change with the device and the number of threads.
COMPUTES = frozenset({"pretrain", "clone_with_weights", "train_head", "fine_tune", "evaluate", "features", "find_rate"})

# Steps whose key holds names of layers, which follow from the outline of the network that they are given.
NAMES_LAYERS = frozenset({"clone_with_weights", "freeze", "unfreeze"})


@dataclass(frozen=True)
class SourceFiles:
    """The files that a data set is read from: role → path. Their bytes are part of the key, their paths are not.

    Attributes:
        paths: role → path.
        listing: the pictures that the one path, a folder or table, stands for; None for other data sets.
    """

    paths: Mapping[str, str]
    listing: "Listing | None" = None

    def digests(self, memory: Path) -> dict[str, str]:
        """Role → digest of the bytes, remembered in the folder `memory`.

        Raises:
            OSError: a file cannot be read.
        """
        if self.listing is not None:
            return dict.fromkeys(self.paths, self.listing.digest)
        return {role: file_sha256(Path(path), memory) for role, path in self.paths.items() if not Path(path).is_dir()}


def identity(step: str, arguments: Mapping[str, Any], store: Store, maker: str | None = None) -> dict[str, Any]:
    """What the key of `step`, called with `arguments`, is the digest of.

    References become `inputs`, source files `data`, dataclasses are opened, `seed` stands apart, and whatever else
    there is counts as a parameter. A step that trains has its execution path beside them (`choosing.py`).

    Args:
        maker: the step that makes what `arguments` only describe (a network still to be built): its code counts too.

    Raises:
        OSError: a source file cannot be read.
        ValueError: two parameters have one name, where fields are opened beside the arguments.
    """
    code = _code(step, arguments, maker)
    sorted_out: dict[str, Any] = {"inputs": {}, "data": {}, "parameters": {}, "seed": None}
    for name, value in arguments.items():
        _sort(sorted_out, name, resolved(value, arguments, store), store)
    computed = {"device": device()} if step in COMPUTES else {}
    chosen = choose(step, arguments, store)
    way = {"path": asdict(chosen.path)} if chosen else {}
    whole = {"step": step, "code": dict(code.files), "versions": dict(code.versions), **sorted_out, **computed, **way}
    # Through JSON once, so that what is compared is what a record gives back (tuples become lists).
    plain: dict[str, Any] = json.loads(canonical_json(whole))
    return plain


def resolved(value: Any, arguments: Mapping[str, Any], store: Store) -> Any:
    """A choice of layers as the names that it means in the network that the step is given.

    As it was written where the network is not known any more, or has no such layers: the step then says so.
    """
    if not isinstance(value, Reuse | TrainableChoice | TuningChoice):
        return value
    ref = arguments["base" if isinstance(value, Reuse) else "model"]
    layers = outline.known(store.facts(ref))
    try:
        return value.resolved(layers) if layers else value
    except SurgeryError:
        return value


def _code(step: str, arguments: Mapping[str, Any], maker: str | None) -> Fingerprint:
    """What makes the step's bits; where a base is taken in, what takes it in too, and only there."""
    taking = "taking" if any(isinstance(value, Base) for value in arguments.values()) else None
    found = [fingerprint(each) for each in (step, maker, taking) if each]
    files = {path: sha256 for each in found for path, sha256 in each.files.items()}
    return Fingerprint(files, {package: number for each in found for package, number in each.versions.items()})


def _sort(found: dict[str, Any], name: str, value: Any, store: Store) -> None:
    if isinstance(value, Ref):
        found["inputs"][name] = value.to_json()
    elif isinstance(value, FeatureCache | LayerChoices):
        return  # what follows from the one is in the path; the other only refuses
    elif isinstance(value, SourceFiles):
        found["data"] = value.digests(store.hashes)
    elif is_dataclass(value) and not isinstance(value, type):
        for field, inner in asdict(value).items():
            _sort(found, field, inner, store)
    elif name == "seed":
        found["seed"] = value
    elif name in found["parameters"]:
        raise ValueError(f"`{name}` is the name of two arguments, or of a field and an argument: one would be lost.")
    else:
        found["parameters"][name] = value
