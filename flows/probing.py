"""What `graft probe` is asked for and leaves: the words for bases, its picture, its JSON."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from artifacts.digest import digest_json
from artifacts.errors import UsageError
from artifacts.sealed import write_atomically
from artifacts.store import Store
from flows.recipe_base import is_path
from tasks.pure.bases.lite0_weights import NAME as LITE0
from tasks.pure.probe_plot import probe_dots, ranked
from tasks.pure.probe_table import conclusion

OWN = "recipe"
PACKAGES = (LITE0,)
FILES = (".keras", ".h5")
SIZED = re.compile(r"(.+)@(\d+)(?:x(\d+))?")


def listed(text: str | None) -> list[str]:
    """ "A, B" → ["A", "B"]; each once, in order."""
    return list(dict.fromkeys(word for each in (text or "").split(",") if (word := each.strip())))


def section(word: str) -> tuple[dict[str, str], tuple[int, int] | None] | None:
    """What a word for a base is in a recipe's section `base`, and the size behind an `@`; None for the recipe's own.

    `recipe`, `run:12`, `kerashub:PRESET`, `efficientnet-lite0`, a path that ends in `.keras` or `.h5`, and anything
    else as the name of an application, with `:none` behind it for weights drawn anew; each but `recipe` with `@96` or
    `@96x128` (height, width) behind it for the size of the pictures that it sees.

    Raises:
        UsageError: nothing behind a colon, or a size behind `recipe`.
    """
    if word == OWN:
        return None
    sized = SIZED.fullmatch(word)
    if sized and sized[1] == OWN:
        raise UsageError(
            f"`--bases`: expected `{OWN}` without a size, found `{word}`: the recipe says it. Set `--set "
            "base.input_size=…`, or name the base instead."
        )
    name, height, width = sized.groups() if sized else (word, None, None)
    return _section(name), (int(height), int(width or height)) if height else None


def _section(word: str) -> dict[str, str]:
    kind, colon, rest = word.partition(":")
    if colon and not rest:
        raise UsageError(f"`--bases`: expected something behind the colon of `{word}`, such as `run:12`.")
    if colon and kind == "kerashub":
        return {kind: str(Path(rest).expanduser().absolute()) if is_path("base.kerashub", rest) else rest}
    if colon and kind == "run":
        return {kind: rest}
    if Path(word).suffix.lower() in FILES:
        return {"file": str(Path(word).expanduser().absolute())}
    if word in PACKAGES:
        return {"package": word}
    return {"application": kind, **({"weights": rest} if colon else {})}


def write_picture(store: Store, found: Mapping[str, Any]) -> Path:
    """Write the picture into the store's cache, which may be emptied at any time. Returns its path."""
    path = store.root / "cache" / "probe" / digest_json(_lasting(found)).removeprefix("sha256:")[:16] / "probe.png"
    write_atomically(path, probe_dots(found), store.scratch)
    return path


def _lasting(found: Mapping[str, Any]) -> list[Any]:
    """What is the same whenever it is probed again: not the seconds."""
    return [[{**each, "seconds": 0, "reused": True} for each in found["probes"]], found["num_rows"]]


def as_json(
    recipe: str, found: Mapping[str, Any], picture: Path, sections: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, Any]:
    """What `graft probe --json` prints: what `tasks.probe.probe` found, the best first, warnings, its picture's path.

    Args:
        sections: name of a base → what stands in a recipe's `base` to get it, or None.
    """
    probes = [{**each, "section": sections.get(each["base"])} for each in ranked(found)]
    told = {**found, "probes": probes, "conclusion": conclusion(found)}
    return {"recipe": recipe, **told, "picture": str(picture)}


def words(bases: str) -> list[str]:
    """The bases to compare.

    Raises:
        UsageError: none.
    """
    found = listed(bases)
    if not found:
        raise UsageError(
            "`graft probe` needs bases to compare: --bases MobileNetV2,efficientnet-lite0,run:12,mine.keras,recipe."
        )
    return found
