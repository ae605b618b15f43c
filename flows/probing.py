"""What `graft probe` is asked for and leaves: the words for bases, its picture, its JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import UsageError
from artifacts.sealed import write_atomically
from artifacts.store import Store
from tasks.pure.probe_plot import probe_bars
from tasks.pure.probe_table import conclusion, ranked

OWN = "recipe"
PACKAGES = ("efficientnet-lite0",)
FILES = (".keras", ".h5")
PREFIXES = ("run", "kerashub")


def listed(text: str | None) -> list[str]:
    """ "A, B" → ["A", "B"]; each once, in order."""
    return list(dict.fromkeys(word for each in (text or "").split(",") if (word := each.strip())))


def section(word: str) -> dict[str, str] | None:
    """What a word for a base is in a recipe's section `base`; None for the recipe's own.

    `recipe`, `run:12`, `kerashub:PRESET`, `efficientnet-lite0`, a path that ends in `.keras` or `.h5`, and anything
    else as the name of an application, with `:none` behind it for weights drawn anew.

    Raises:
        UsageError: nothing behind a colon.
    """
    kind, colon, rest = word.partition(":")
    if word == OWN:
        return None
    if colon and not rest:
        raise UsageError(f"`--bases`: expected something behind the colon of `{word}`, such as `run:12`.")
    if colon and kind in PREFIXES:
        return {kind: rest}
    if Path(word).suffix.lower() in FILES:
        return {"file": str(Path(word).expanduser().absolute())}
    if word in PACKAGES:
        return {"package": word}
    return {"application": kind, **({"weights": rest} if colon else {})}


def write_picture(store: Store, found: Mapping[str, Any]) -> Path:
    """Write the picture into the store's cache, which may be emptied at any time. Returns its path."""
    path = store.root / "cache" / "probe" / digest_json(_lasting(found)).removeprefix("sha256:")[:16] / "probe.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, probe_bars(found), store.scratch)
    return path


def _lasting(found: Mapping[str, Any]) -> list[Any]:
    """What is the same whenever it is probed again: not the seconds."""
    return [[{**each, "seconds": 0, "reused": True} for each in found["probes"]], found["num_rows"]]


def as_json(recipe: str, found: Mapping[str, Any], picture: Path) -> dict[str, Any]:
    """What `graft probe --json` prints: what `tasks.probe.probe` found, the best first, and where its picture lies."""
    told = {**found, "probes": list(ranked(found)), "conclusion": conclusion(found)}
    return {"recipe": recipe, **told, "picture": str(picture)}


def candidates(words: Sequence[str], cuts: Sequence[str]) -> list[tuple[str, tuple[str | None, ...]]]:
    """(word, cuts) to probe; a base's top where no cut is named, and `top` stands for it among others.

    Raises:
        UsageError: no base.
    """
    if not words:
        raise UsageError(
            "`graft probe` needs bases to compare: --bases MobileNetV2,efficientnet-lite0,run:12,mine.keras,recipe."
        )
    return [(word, tuple(None if cut == "top" else cut for cut in cuts) or (None,)) for word in words]
