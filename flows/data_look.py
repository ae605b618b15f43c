"""What `graft data` found, from the store: the inspection, what the recipe refuses of it, and its page."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artifacts.inspection_codecs import read_inspection, read_sheets
from artifacts.refs import Ref
from artifacts.sealed import write_atomically
from artifacts.store import Store
from flows import data_checks, summary
from flows.choice import Choice
from flows.dag import STEPS
from flows.recipe_files import LoadedRecipe
from tasks import finding
from tasks.pure import page_data
from tasks.pure.page import data_html
from tasks.pure.readers import LISTED

LOOKED = ("load_data.source", "load_data.target", "inspect_data")
LOOK = Choice({}, frozenset(), frozenset(STEPS) - frozenset(LOOKED), "graft data")


@dataclass(frozen=True)
class Look:
    """What was found.

    Attributes:
        loaded: the recipe.
        alone: whether it was made for the data alone: then the source is the target, and nothing is said of it.
        data: as `Page.data`, without what is about the source where there is none.
        refused: why this recipe must not be trained on that data.
        sheets: the contact sheets as PNG bytes, `data_target` and `data_source`.
    """

    loaded: LoadedRecipe
    alone: bool
    data: Mapping[str, Any]
    refused: list[str]
    sheets: Mapping[str, bytes]

    @property
    def problems(self) -> list[str]:
        """Every sentence, the refusals first."""
        return [*self.refused, *page_data.problems(self.data)]


def look(store: Store, loaded: LoadedRecipe, alone: bool, refs: Mapping[str, Ref], keys: Mapping[str, str]) -> Look:
    """Read what was found.

    Args:
        refs: the outputs of `LOOKED`, by step.
        keys: theirs.
    """
    folder = store.folder(refs["inspect_data"])
    found = read_inspection(folder)
    roles = {role: refs[f"load_data.{role}"] for role in ("source", "target")}
    data = summary.data_facts(store, roles, keys, {role: _skipped(store, loaded, role) for role in roles})
    sheets = {f"data_{role}": sheet for role, sheet in read_sheets(folder).items()}
    shown = page_data.alone(found) if alone else found
    return Look(loaded, alone, {**data, "inspection": shown}, data_checks.refusals(loaded.recipe, found), sheets)


def _skipped(store: Store, loaded: LoadedRecipe, role: str) -> Mapping[str, int]:
    """Why → how many files were passed over, as they lie there now."""
    section = loaded.recipe.source if role == "source" else loaded.recipe.target
    if section.dataset not in LISTED:
        return {}
    files = finding.files(section.dataset, section.path, store, f"load_data.{role}", download=False)
    return files.listing.skipped if files and files.listing else {}


def write_page(store: Store, seen: Look, inspection: Ref) -> Path:
    """Write the page into the store's cache, which may be emptied at any time. Returns its path."""
    path = store.root / "cache" / "data" / inspection.digest.removeprefix("sha256:")[:16] / "data.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    page = data_html(seen.loaded.title, seen.data, seen.sheets, seen.refused)
    write_atomically(path, page.encode(), store.scratch)
    return path


def as_json(seen: Look, page: Path) -> dict[str, Any]:
    """What `graft data --json` prints; scripts rely on `parts`, `duplicates`, `problems` and `skipped`."""
    found = seen.data["inspection"]
    files = (seen.data.get("pictures") or {}).get("target") or {}
    target = found["target"]
    return {
        "recipe": seen.loaded.name,
        "parts": page_data.parts(target),
        "duplicates": found["duplicates"],
        "problems": seen.problems,
        "skipped": files.get("skipped", 0),
        "skipped_why": files.get("skipped_why", {}),
        "damaged": files.get("damaged", []),
        "refused": seen.refused,
        "classes": target["class_names"],
        "size": target["size"],
        "sizes": files.get("sizes", {}),
        "modes": files.get("modes", {}),
        "brightness": target["brightness"],
        "pixels": target["pixels"],
        "untested": target["untested"],
        **({} if seen.alone else {"source": {**found["source"], "parts": page_data.parts(found["source"])}}),
        "report": str(page),
    }


def unread(loaded: LoadedRecipe, why: str) -> dict[str, Any]:
    """What `graft data --json` prints of data that cannot be read."""
    none: dict[str, Any] = {"parts": {}, "duplicates": {"exact": {}, "near": {}}}
    return {"recipe": loaded.name, **none, "problems": [why], "skipped": 0, "refused": [why], "report": None}
